/** Megatron-LM and its relatives (Megatron-DeepSpeed, Megatron Core users) that kept its training log. */
import type { WireRecord } from '../../wire/records'
import { defineFormat, type LogLine } from './format'
import { readArgumentLine, readSizes } from './megatron-arguments'
import { readIteration } from './megatron-iteration'
import { flushTimers, readMemory, readTimers } from './megatron-report'
import type { MegatronState } from './megatron-state'

const REMARKS = [
  /^\s*(?:Number of parameters in|Total number of parameters in billions|Activation memory footprint|Theoretical memory footprints)/,
  /^\s*> number of parameters on \(tensor, pipeline\) model parallel rank/,
  /^\s*\[(?:before the start of training step|after [a-z ,]{1,64} (?:is|are) built|after training is done)\] datetime:/,
]
const EVALUATION = /^\s*validation loss at (.{1,200}?) \| (.{1,400})$/

function readRemark(text: string): WireRecord[] | undefined {
  const evaluation = EVALUATION.exec(text)
  if (evaluation !== null) {
    const message = `validation at ${evaluation[1]?.trim() ?? ''}: ${(evaluation[2] ?? '').replaceAll(/[\s|]+$/g, '')}`
    return [{ kind: 'event', type: 'evaluation', message }]
  }
  return REMARKS.some(pattern => pattern.test(text)) ? [] : undefined
}

export const megatron = defineFormat({
  name: 'megatron',
  help: 'Megatron-LM: iteration lines, timers, memory reports and the argument dump, of all its years',
  origin: 'https://github.com/NVIDIA/Megatron-LM/blob/main/megatron/training/training.py',
  begin: (): MegatronState => ({
    dump: null,
    config: null,
    sequenceLength: null,
    step: null,
    time: null,
    timers: null,
    nan: false,
  }),
  parse({ text, time }: LogLine, state: MegatronState) {
    return (
      readIteration(text, time, state) ??
      readTimers(text, state) ??
      readArgumentLine(text, state) ??
      readMemory(text) ??
      readSizes(text, state) ??
      readRemark(text)
    )
  },
  flush: (state: MegatronState) => flushTimers(state),
})
