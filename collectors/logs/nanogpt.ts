/** nanoGPT and the many scripts that kept its lines. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { defineFormat, type LogLine } from './format'
import { pause, timeOfStep, type Pauses } from './pause'
import { isNotFinite, numberOf, scaled } from './values'

type State = Pauses & {
  tokens: number | null
  /** Settings that were printed as overridden. */
  overrides: { [name: string]: string }
  parameters: number | null
  vocabulary: number | null
  nan: boolean
}

const ITERATION =
  /^iter (\d{1,12}): loss (\S{1,32}), time (\d{1,12}(?:\.\d{1,6})?)(ms|s)(?:, mfu (-?[\d.]{1,16})%)?(?:, .{0,200})?$/
const EVALUATION = /^step (\d{1,12}): train loss (\S{1,32}), val loss ([^\s;,]{1,32})(?:[;,].{0,200})?$/
const CHECKPOINT = /^saving checkpoint to \S{1,1000}$/
const TOKENS = /^tokens per iteration will be: ([\d,]{1,24})$/
const PARAMETERS = /^number of parameters: ([\d.]{1,16})([KMB])$/
const VOCABULARY =
  /^(?:found vocab_size = (\d{1,12}) \(inside .{1,1000}\)|defaulting to vocab_size of GPT-2 to (\d{1,12}) .{0,100})$/
const OVERRIDE = /^Overriding: (\w{1,64}) = (.{1,400})$/
const REMARK =
  /^(?:Overriding config with \S{1,1000}:?|num (?:non-)?decayed parameter tensors: \d+, with [\d,]+ parameters|using fused AdamW: \w+|compiling the model\.\.\. .{0,60}|Initializing a new model from scratch)$/
const KEPT = new Set(['n_layer', 'n_head', 'n_embd', 'block_size', 'batch_size', 'dtype', 'max_iters', 'bias'])
const SCALE: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, B: 1e9 }
const PRECISION: Readonly<Record<string, string>> = { bfloat16: 'bf16', float16: 'fp16', float32: 'fp32' }

function configOf(state: State): RecordOf<'config'> {
  const { overrides } = state
  const dtype = overrides['dtype']?.replaceAll(/['"]/g, '')
  return {
    kind: 'config',
    framework: 'nanogpt',
    model: {
      layers: numberOf(overrides['n_layer']),
      hiddenSize: numberOf(overrides['n_embd']),
      attentionHeads: numberOf(overrides['n_head']),
      vocabularySize: state.vocabulary ?? undefined,
      sequenceLength: numberOf(overrides['block_size']),
      parameters: state.parameters ?? undefined,
    },
    batch: { micro: numberOf(overrides['batch_size']) },
    precision: dtype === undefined ? undefined : PRECISION[dtype],
    optimizer: 'adamw',
  }
}

function readIteration(text: string, state: State): WireRecord[] | undefined {
  const match = ITERATION.exec(text)
  if (match === null) return undefined
  const [, step, loss, time, unit, mfu] = match
  const mfuPercent = numberOf(mfu)
  const nan = isNotFinite(loss)
  const event: WireRecord[] =
    nan && !state.nan
      ? [{ kind: 'event', type: 'nan-loss', message: `the loss is not a number at iteration ${step}` }]
      : []
  state.nan = nan
  return [
    {
      kind: 'step',
      source: 'nanogpt',
      step: Number(step),
      totalSteps: numberOf(state.overrides['max_iters']),
      ...timeOfStep(scaled(numberOf(time), unit === 'ms' ? 1e-3 : 1), state),
      tokens: state.tokens ?? undefined,
      loss: numberOf(loss),
      // -100% stands for "not yet known" in the first five iterations. Against the peak of an A100, whatever it runs on.
      mfu: mfuPercent === undefined || mfuPercent < 0 ? undefined : scaled(mfuPercent, 1e-2),
    },
    ...event,
  ]
}

/** Lines before training that tell the size of things; each gives the config as known so far once the model is built. */
function readSizes(text: string, state: State): WireRecord[] | undefined {
  const tokens = TOKENS.exec(text)
  if (tokens !== null) {
    state.tokens = numberOf(tokens[1]) ?? null
    return []
  }
  const vocabulary = VOCABULARY.exec(text)
  if (vocabulary !== null) {
    state.vocabulary = Number(vocabulary[1] ?? vocabulary[2])
    return []
  }
  const override = OVERRIDE.exec(text)
  if (override !== null) {
    if (KEPT.has(override[1] ?? '')) state.overrides[override[1] ?? ''] = override[2] ?? ''
    return []
  }
  const parameters = PARAMETERS.exec(text)
  if (parameters === null) return undefined
  state.parameters = scaled(numberOf(parameters[1]), SCALE[parameters[2] ?? ''] ?? 1) ?? null
  return [configOf(state)]
}

/** Both happen within the iteration that is printed next. */
function readPause(text: string, state: State): WireRecord[] | undefined {
  const type = EVALUATION.test(text) ? 'evaluation' : CHECKPOINT.test(text) ? 'checkpoint' : undefined
  if (type === undefined) return undefined
  pause(type, state)
  return [{ kind: 'event', type, message: text }]
}

export const nanogpt = defineFormat({
  name: 'nanogpt',
  help: 'nanoGPT: iteration and evaluation lines, tokens per iteration, number of parameters',
  origin: 'https://github.com/karpathy/nanoGPT/blob/master/train.py',
  begin: (): State => ({ pauses: [], tokens: null, overrides: {}, parameters: null, vocabulary: null, nan: false }),
  parse({ text }: LogLine, state: State) {
    return (
      readIteration(text, state) ??
      readPause(text, state) ??
      readSizes(text, state) ??
      (text.length < 2000 && REMARK.test(text) ? [] : undefined)
    )
  },
})
