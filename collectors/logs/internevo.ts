/** InternEvo (InternLM's trainer): one line a step of `name=value`, in the order of a dict. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { settingsOf } from './printed'
import { isOn, numbersBy, precisionOf } from './settings'
import { numberOf } from './values'

type State = {
  consumed: { step: number; tokens: number } | null
  /** What makes up the batch, as far as it was said. */
  batch: { [name: string]: number }
  nan: boolean
}

const STEP = /^(?=.{0,400}\btgs \(tokens\/gpu\/second\)=)(?=.{0,400}\bstep=\d)(.{1,6000})$/
/** Values may be dicts of their own: `grad_norm={'0_default': 1.23, '1_fp32': 0}`. */
const FIGURE = /([A-Za-z][\w./-]{0,60}(?: \([\w/]{1,40}\))?)=(\{[^{}]{0,400}\}|[^\s,{}]{1,60})/g
const MEANINGS: Meanings = {
  step: 'step',
  loss: 'loss',
  grad_norm: 'gradientNorm',
  lr: 'learningRate',
  tflops: ['flopsPerSecondPerGpu', 1e12],
  'tgs (tokens/gpu/second)': 'tokensPerSecondPerGpu',
}
const EVALUATION = /^Validation on \S{1,80}: step=\d{1,12}/
const CHECKPOINT = /^(?:save_checkpoint: |Saving checkpoint to |Save: )/i
const FILES =
  /^(?:train|pipeline|training_internlm|launch|trainer|checkpoint_manager|checkpoint|launch_utils|parallel_context|initialize_\w{1,40}|common|logger|utils)\.py$/

function figuresOf(text: string): Map<string, string> {
  const figures = new Map<string, string>()
  for (const [, name = '', value = ''] of text.matchAll(FIGURE)) {
    // Of the groups of parameters the first is that of the model.
    figures.set(name.trim(), value.startsWith('{') ? (/: ?([^,}]{1,40})/.exec(value)?.[1] ?? '') : value)
  }
  return figures
}

/** Tokens of this step: what was consumed since the step before. */
function tokensOf(figures: ReadonlyMap<string, string>, step: number | undefined, state: State): number | undefined {
  const total = numberOf(figures.get('num_consumed_tokens')) ?? NaN
  const { consumed } = state
  if (step === undefined || !Number.isInteger(total)) return undefined
  state.consumed = { step, tokens: total }
  return consumed !== null && step === consumed.step + 1 && total > consumed.tokens
    ? total - consumed.tokens
    : undefined
}

const MODEL = /^Model: (\{.{1,6000}\})$/
const DATA = /^(seq_len|micro_num|micro_bsz): (\d{1,9})$/
const DEGREES =
  /^Distributed environment is initialized, data parallel size: (\d{1,9}), pipeline parallel size: (\d{1,9}), tensor parallel size: (\d{1,9})/
const NAMES: Readonly<Record<string, string>> = {
  num_layers: 'layers',
  hidden_size: 'hiddenSize',
  num_attention_heads: 'attentionHeads',
  num_kv_attention_heads: 'keyValueHeads',
  vocab_size: 'vocabularySize',
}

function readModel(text: string, time: number | undefined): WireRecord[] | undefined {
  const printed = MODEL.exec(text)?.[1]
  if (printed === undefined) return undefined
  const settings = settingsOf(printed)
  const { experts = 1 } = numbersBy(settings, { num_experts: 'experts' })
  const checkpoint = settings.get('checkpoint')
  return [
    {
      kind: 'config',
      time,
      framework: 'internevo',
      model: { ...numbersBy(settings, NAMES), ...(experts > 1 && { experts }) },
      precision: precisionOf(settings.get('dtype')),
      // A share of the layers may be told in place of a switch.
      recompute:
        checkpoint === undefined
          ? undefined
          : isOn(checkpoint) || numberOf(checkpoint) === 1
            ? 'full'
            : numberOf(checkpoint)
              ? 'selective'
              : 'none',
    },
  ]
}

/** A micro-batch is of `micro_bsz` sequences, and a step of `micro_num` of them on each rank of data parallelism. */
function readSetup(text: string, time: number | undefined, state: State): WireRecord[] | undefined {
  const model = readModel(text, time)
  if (model !== undefined) return model
  const [, name, value] = DATA.exec(text) ?? []
  const degrees = DEGREES.exec(text)
  if (name !== undefined) state.batch[name] = Number(value)
  else if (degrees === null) return undefined
  const [data, pipeline, tensor] = (degrees ?? []).slice(1).map(Number)
  if (data !== undefined) state.batch['data'] = data
  const { seq_len: sequenceLength, micro_num: passes, micro_bsz: micro, data: ranks } = state.batch
  const global = passes === undefined || micro === undefined || ranks === undefined ? undefined : passes * micro * ranks
  // Until the batch is known whole, the length of a sequence is all there is.
  if (degrees === null && name !== 'seq_len' && global === undefined) return []
  const worldSize =
    data === undefined || pipeline === undefined || tensor === undefined ? undefined : data * pipeline * tensor
  const parallelism = { data, pipeline, tensor, worldSize }
  return [
    { kind: 'config', time, framework: 'internevo', model: { sequenceLength }, parallelism, batch: { micro, global } },
  ]
}

export const internevo = defineFormat({
  name: 'internevo',
  help: 'InternEvo and InternLM: steps with their figures, evaluations, checkpoints',
  origin: 'https://github.com/InternLM/InternEvo/blob/develop/internlm/train/pipeline.py',
  begin: (): State => ({ consumed: null, batch: {}, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 8192) return undefined
    const { text, time, name, calm } = headOf(line)
    const own = name !== undefined && FILES.test(name) && / in [\w<>]{1,100} -- /.test(line.text)
    if (!STEP.test(text)) {
      if (!own) return undefined
      const setup = readSetup(text, time, state)
      if (setup !== undefined) return setup
      const type = EVALUATION.test(text) ? 'evaluation' : CHECKPOINT.test(text) ? 'checkpoint' : undefined
      if (type === undefined) return calm ? [] : undefined
      return [{ kind: 'event', type, time, message: text.slice(0, 1000) }]
    }
    const figures = figuresOf(text)
    const fields = stepFigures(figures, MEANINGS)
    const seconds = numberOf(figures.get('fwd_bwd_time'))
    const phases = seconds !== undefined && seconds > 0 ? { 'forward-backward': { seconds } } : undefined
    const tokens = tokensOf(figures, fields.step, state)
    const record: RecordOf<'step'> = { kind: 'step', source: 'internevo', time, ...fields, tokens, phases }
    return [record, ...nanEvent(figures.get('loss'), { step: fields.step, time }, state)]
  },
})
