/** InternEvo (InternLM's trainer): one line a step of `name=value`, in the order of a dict. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { numberOf } from './values'

type State = { consumed: { step: number; tokens: number } | null; nan: boolean }

const STEP = /^(?=.{0,400}\btgs \(tokens\/gpu\/second\)=)(?=.{0,400}\bstep=\d)(.{1,6000})$/
/** Values may be dicts of their own: `grad_norm={'0_default': 1.23, '1_fp32': 0}`. */
const FIGURE = /([A-Za-z][\w ./()-]{0,60}?)=(\{[^{}]{0,400}\}|[^,{}]{1,60})(?:,|$)/g
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

export const internevo = defineFormat({
  name: 'internevo',
  help: 'InternEvo and InternLM: steps with their figures, evaluations, checkpoints',
  origin: 'https://github.com/InternLM/InternEvo/blob/develop/internlm/train/pipeline.py',
  begin: (): State => ({ consumed: null, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 8192) return undefined
    const { text, time, name, calm } = headOf(line)
    const own = name !== undefined && FILES.test(name) && / in [\w<>]{1,100} -- /.test(line.text)
    if (!STEP.test(text)) {
      if (!own) return undefined
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
