/** nanochat: `step N/M (…%) | loss: … | dt: …ms | tok/sec: … | mfu: …`, and the sizes that it prints before. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, pairsOf, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { numbersBy } from './settings'
import { numberOf } from './values'

type State = {
  settings: { [name: string]: string }
  tokens: number | null
  totalSteps: number | null
  /** The JSON of the model's config is being printed. */
  open: boolean
  nan: boolean
}

const STEP = /^step (\d{1,12})(?:\/(\d{1,12}))? \([\d.]{1,8}%\) ?\| ?(?=loss: )(.{1,1000})$/
/** Fine-tuning printed another line at first. */
const TUNING = /^Step (\d{1,12})(?:\/(\d{1,12}))? \| (?=Training loss: )(.{1,1000})$/
const EVALUATION =
  /^Step (\d{1,12}) \| (?:Epoch \d{1,9} \| )?(?:Val BPB|Validation (?:bpb|loss)|CORE metric|ChatCORE|Validation): ?(.{1,200})$|^Step (\d{1,12}) \| mmlu_acc: .{1,200}$/
const MEANINGS: Meanings = {
  loss: 'loss',
  'Training loss': 'loss',
  'grad norm': 'gradientNorm',
  dt: ['stepSeconds', 1e-3],
  'tok/sec': 'tokensPerSecond',
  mfu: ['mfu', 1e-2],
  bf16_mfu: ['mfu', 1e-2],
}
const SETTING =
  /^(?:(Vocab size|num_layers|model_dim|num_heads|num_kv_heads|Number of parameters|total|Calculated number of iterations from .{1,60}|Using user-provided number of iterations)\s{0,30}: ([\d,]{1,24})|Total batch size ([\d,]{1,24}) => gradient accumulation steps: \d{1,9}|Tokens \/ micro-batch \/ rank: (\d{1,9}) x (\d{1,9}) = [\d,]{1,24}|Tokens \/ micro-batch: ([\d,]{1,24}))$/
const JSON_LINE = /^ {2,4}"(\w{1,40})": ([\d.]{1,16}|"[^"]{0,80}"|true|false|null),?$|^[{}]$/
const NAMES: Readonly<Record<string, string>> = {
  num_layers: 'layers',
  n_layer: 'layers',
  model_dim: 'hiddenSize',
  n_embd: 'hiddenSize',
  num_heads: 'attentionHeads',
  n_head: 'attentionHeads',
  num_kv_heads: 'keyValueHeads',
  n_kv_head: 'keyValueHeads',
  'Vocab size': 'vocabularySize',
  vocab_size: 'vocabularySize',
  sequence_len: 'sequenceLength',
  sequence: 'sequenceLength',
  'Number of parameters': 'parameters',
  total: 'parameters',
}
const REMARK =
  /^(?:GPU: .{1,80} \| Peak FLOPS \(BF16\): |COMPUTE_DTYPE: |Estimated FLOPs per token: |Total number of training tokens: |Tokens : (?:Scaling )?[Pp]arams ratio: |Total training FLOPs estimate: |Peak memory usage: |Total training time: |Minimum validation bpb: |Parameter counts:$|Scaling (?:the )?(?:LRs?|weight decay) |Auto-computed optimal batch size: |Autodetected device type: |Distributed world size: )/

function configOf(state: State): RecordOf<'config'> {
  const settings = new Map(Object.entries(state.settings))
  const [micro, sequence, perPass] = ['micro', 'sequence', 'perPass'].map(name => numberOf(settings.get(name)))
  const data =
    perPass === undefined || micro === undefined || sequence === undefined ? undefined : perPass / (micro * sequence)
  const global = state.tokens === null || sequence === undefined ? undefined : state.tokens / sequence
  return {
    kind: 'config',
    framework: 'nanochat',
    model: numbersBy(settings, NAMES),
    parallelism: { data: Number.isInteger(data) ? data : undefined },
    batch: { micro, global: Number.isInteger(global) ? global : undefined },
  }
}

function readSettings(text: string, state: State): WireRecord[] | undefined {
  if (text === 'Model config:') {
    state.open = true
    return []
  }
  const json = state.open ? JSON_LINE.exec(text) : null
  if (json !== null) {
    if (json[1] !== undefined) state.settings[json[1]] ??= (json[2] ?? '').replaceAll('"', '')
    if (text === '}') state.open = false
    return []
  }
  const match = SETTING.exec(text)
  if (match === null) return undefined
  const [, name, value = '', batch, micro, sequence, perPass] = match
  if (name?.includes('iterations') === true) state.totalSteps = numberOf(value) ?? null
  else if (name !== undefined) state.settings[name] ??= value
  if (micro !== undefined) Object.assign(state.settings, { micro, sequence })
  if (perPass !== undefined) state.settings['perPass'] = perPass
  if (batch === undefined) return []
  state.tokens = numberOf(batch) ?? null
  return [configOf(state)]
}

function readStep(text: string, state: State): WireRecord[] | undefined {
  const pretraining = STEP.exec(text)
  const match = pretraining ?? TUNING.exec(text)
  if (match === null) return undefined
  const step = Number(match[1])
  const figures = pairsOf((match[3] ?? '').split('|'), ': ')
  // What it prints where it does not know the peak of the device.
  for (const name of ['mfu', 'bf16_mfu']) if (/^0(?:\.0{1,4})?%?$/.test(figures.get(name) ?? '')) figures.delete(name)
  return [
    {
      kind: 'step',
      source: 'nanochat',
      step,
      totalSteps: numberOf(match[2]) ?? state.totalSteps ?? undefined,
      tokens: pretraining === null ? undefined : (state.tokens ?? undefined),
      ...stepFigures(figures, MEANINGS),
    },
    ...nanEvent(figures.get('loss') ?? figures.get('Training loss'), { step }, state),
  ]
}

export const nanochat = defineFormat({
  name: 'nanochat',
  help: 'nanochat: steps of pre-training and fine-tuning, evaluations, the sizes before them',
  origin: 'https://github.com/karpathy/nanochat/blob/master/scripts/base_train.py',
  begin: (): State => ({ settings: {}, tokens: null, totalSteps: null, open: false, nan: false }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (text.length > 2000) return undefined
    if (EVALUATION.test(text)) return [{ kind: 'event', type: 'evaluation', message: text }]
    return readStep(text, state) ?? readSettings(text, state) ?? (REMARK.test(text) ? [] : undefined)
  },
})
