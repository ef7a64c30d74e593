/** Megatron-LM and its relatives (Megatron-DeepSpeed, GPT-NeoX, Megatron Core users) that kept its training log. */
import type { WireRecord } from '../../wire/records'
import { defineFormat, type LogLine } from './format'
import { readArgumentLine, readSizes } from './megatron-arguments'
import { flushIteration, readIteration } from './megatron-iteration'
import { flushTimers, readMemory, readTimers } from './megatron-report'
import type { MegatronState } from './megatron-state'
import { localTime, numberOf, scaled } from './values'

const REMARK =
  /^\s{0,16}(?:Number of parameters in|Activation memory footprint|Theoretical memory footprints|> number of parameters on .{0,80}model parallel rank|\[(?:before the start of training step|after [a-z ,]{1,64} (?:is|are) (?:built|initialized)|after training is done|exiting program at iteration \d{1,12})\] datetime:|successfully (?:saved|loaded) checkpoint (?:at iteration|from) |> building train, validation, and test datasets|time to initialize megatron \(seconds\): |Evaluating iter \d{1,12}\/\d{1,12}$)/
/** Which set it was stands before `loss`; GPT-NeoX says `results`. */
const EVALUATION = /^\s*([\w./-]{1,200}) (?:loss|results) at (.{1,200}?) \| (.{1,2000})$/
/** In the early years every rank that saved said so. */
const CHECKPOINT =
  /^\s*(?:\[[\d :.-]{10,40}\] |global rank (\d{1,8}) is )?saving checkpoint at iteration +\d{1,12} to .{1,1000}$/
/** Megatron Bridge prints it before the iteration line. */
const STEP_TIME = /^Step Time ?: [\d.]{1,16}s .{0,40}?GPU utilization: ([\d.]{1,16}) ?MODEL_TFLOP\/s\/GPU/
/** GPT-NeoX, of the wall clock's breakdown. */
const SHARES = /^ ?%(?:comms|optimizer_step|forward|backward):? [\d.e+-]{1,24}$/
/** Microsoft's Megatron-DeepSpeed prints it behind the iteration line. */
const EFFECTIVE_FLOPS = /^Effective Tera Flops per GPU: ([\d.]{1,16}) and total parameters [\d.]{1,16} B$/

function readRemark(text: string, state: MegatronState): WireRecord[] | undefined {
  if (text.length > 4000) return undefined
  const evaluation = text.includes('value: ') ? EVALUATION.exec(text) : null
  if (evaluation !== null) {
    const [, set = '', where = '', figures = ''] = evaluation
    const message = `${set} at ${where.trim()}: ${figures.replaceAll(/[\s|]+$/g, '')}`
    return [{ kind: 'event', type: 'evaluation', message: message.slice(0, 1000) }]
  }
  const checkpoint = text.includes('saving checkpoint') ? CHECKPOINT.exec(text) : null
  if (checkpoint !== null) {
    if (Number(checkpoint[1] ?? 0) !== 0) return []
    return [{ kind: 'event', type: 'checkpoint', time: localTime(text.slice(0, 60)), message: text.trim() }]
  }
  const flops = text.startsWith('Effective') ? EFFECTIVE_FLOPS.exec(text) : null
  if (flops !== null && state.step !== null) {
    const step = { step: state.step, time: state.time ?? undefined }
    return [{ kind: 'step', source: 'megatron', ...step, flopsPerSecondPerGpu: scaled(numberOf(flops[1]), 1e12) }]
  }
  const ahead = text.startsWith('Step Time') ? STEP_TIME.exec(text) : null
  if (ahead !== null) {
    state.flops = scaled(numberOf(ahead[1]), 1e12) ?? null
    return []
  }
  return REMARK.test(text) || SHARES.test(text) ? [] : undefined
}

export const megatron = defineFormat({
  name: 'megatron',
  help: 'Megatron-LM: iteration lines, timers, memory reports and the argument dump, of all its years',
  origin: 'https://github.com/NVIDIA/Megatron-LM/blob/main/megatron/training/training.py',
  begin: (): MegatronState => ({
    dump: null,
    neox: false,
    config: null,
    sequenceLength: null,
    step: null,
    time: null,
    timers: null,
    wrapped: null,
    tail: null,
    flops: null,
    nan: false,
  }),
  parse({ text, time }: LogLine, state: MegatronState) {
    return (
      readIteration(text, time, state) ??
      readTimers(text, state) ??
      readArgumentLine(text, state) ??
      readMemory(text) ??
      readSizes(text, state) ??
      readRemark(text, state)
    )
  },
  flush: (state: MegatronState) => [...flushIteration(state), ...flushTimers(state)],
})
