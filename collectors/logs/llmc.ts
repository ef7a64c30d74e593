/** llm.c: the lines of its CUDA, C and PyTorch trainers, its table of settings, and its own log file. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { numbersBy, precisionOf } from './settings'
import { numberOf, scaled } from './values'

type State = { settings: { [name: string]: string }; nan: boolean }

/** `step 1/74 | loss 4.3 (+nanz)| norm … | lr … | 44.57 ms | -100.0% bf16 MFU | 91886 tok/s`, and without `(…z)`. */
const STEP = /^step {1,8}(\d{1,12})\/(\d{1,12}) \| (?=(?:train )?loss )(.{1,600})$/
/** The fp32 and the C version. */
const SHORT =
  /^step {1,8}(\d{1,12})(?:\/(\d{1,12}))?: train loss (\S{1,32}) \((?:took )?([\d.]{1,24}) ms(?:, ([\d.]{1,24}) tok\/s)?\)$/
/** Its log file: `s:10 trl:6.1 lr:0.0006 norm:1.2`, `s:250 tel:6.4`, `s:250 eval:0.29`. */
const FILE = /^s:(\d{1,12}) (tel|trl|eval):(\S{1,32})(?: lr:(\S{1,32}))?(?: norm:(\S{1,32}))?$/
const EVALUATION = /^val loss (\S{1,32})$/
const HELLASWAG = /^HellaSwag: \d{1,8}\/\d{1,8} = [\d.]{1,12}$/
const CHECKPOINT = /^Writing checkpoint at step (\d{1,12})$/
const ROW = /^\| (\S[^|]{0,22}?) {0,22}\| (.{0,200}?) {0,60}\|$/
const RULE = /^\+-{10,40}\+-{20,80}\+$/
const NAMES: Readonly<Record<string, string>> = {
  'num_layers L': 'layers',
  'channels C': 'hiddenSize',
  'num_heads NH': 'attentionHeads',
  'padded_vocab_size Vp': 'vocabularySize',
  'vocab_size V': 'vocabularySize',
  'sequence length T': 'sequenceLength',
  num_parameters: 'parameters',
}
const ROWS = new Set([
  ...Object.keys(NAMES),
  ...['Parameter', 'train data pattern', 'val data pattern', 'output log dir', 'output log file', 'checkpoint_every'],
  ...['resume', 'micro batch size B', 'batch size B', 'total batch size', 'LR scheduler', 'learning rate (LR)'],
  ...[
    'learning rate',
    'warmup iterations',
    'final LR fraction',
    'weight decay',
    'skip update lossz',
    'skip update gradz',
  ],
  ...['max_steps', 'val_loss_every', 'val_max_steps', 'sample_every', 'genT', 'overfit_single_batch'],
  ...[
    'use_master_weights',
    'gelu_fusion',
    'recompute',
    'device',
    'peak TFlops',
    'precision',
    'TF32',
    'weight init method',
  ],
  ...['max_sequence_length T', 'train_num_batches', 'val_num_batches', 'run hellaswag', 'num_processes', 'zero_stage'],
])
const REMARK =
  /^(?:num_parameters: \d+ => bytes: \d+|allocat(?:ed|ing) \d+ MiB for .{1,80}|batch_size B=\d+ \* seq_len T=|=> setting grad_accum_steps=\d+|device memory usage: |memory per sequence: | -> estimated maximum batch size: |total average iteration time: |HellaSwag eval not found|evaluating HellaSwag: |Writing (?:state|model) to |Deleting checkpoint at step |generating:$|skipping update due to |[ ]{10,20}compute [\d.]+% \| memory: )/
const MEANINGS: Meanings = {
  loss: 'loss',
  'train loss': 'loss',
  norm: 'gradientNorm',
  lr: 'learningRate',
  ms: ['stepSeconds', 1e-3],
  MFU: 'mfu',
  'tok/s': 'tokensPerSecond',
}
const TOKENS = 'total batch size'

function configOf(settings: ReadonlyMap<string, string>): RecordOf<'config'> {
  const { sequence, tokens } = numbersBy(settings, { 'sequence length T': 'sequence', [TOKENS]: 'tokens' })
  const recompute = settings.get('recompute')
  return {
    kind: 'config',
    framework: 'llm.c',
    model: numbersBy(settings, NAMES),
    parallelism: numbersBy(settings, { num_processes: 'data', zero_stage: 'zeroStage' }),
    batch: {
      ...numbersBy(settings, { 'micro batch size B': 'micro', 'batch size B': 'micro' }),
      global: tokens === undefined || sequence === undefined || sequence === 0 ? undefined : tokens / sequence,
    },
    precision: precisionOf(settings.get('precision')),
    optimizer: 'adamw',
    recompute: recompute === undefined ? undefined : recompute === '0' ? 'none' : 'selective',
    hardware: { gpu: settings.get('device') },
  }
}

/** Parts are `name value (±z)`, `44.57 ms`, `-100.0% bf16 MFU`, `91886 tok/s`; PyTorch puts the last two in parentheses. */
function figuresOf(text: string): Map<string, string> {
  const figures = new Map<string, string>()
  for (const raw of text.split('|')) {
    const part = raw
      .trim()
      .replaceAll(/^\(|\)$/g, '')
      .replace(/ \([^)]{0,40}$/, '')
    const named = /^(train loss|loss|norm|lr) (\S{1,32})$/.exec(part)
    const valued = /^(\S{1,32}?)(%)? (?:\w{1,8} )?(ms|MFU|tok\/s)$/.exec(part)
    if (named !== null) figures.set(named[1] ?? '', named[2] ?? '')
    else if (valued !== null) figures.set(valued[3] ?? '', `${valued[1]}${valued[2] ?? ''}`)
  }
  return figures
}

function readStep(text: string, state: State): WireRecord[] | undefined {
  const match = STEP.exec(text)
  if (match === null) return undefined
  const step = Number(match[1])
  const figures = figuresOf(match[3] ?? '')
  const tokens = numberOf(state.settings[TOKENS])
  const record: RecordOf<'step'> = { kind: 'step', source: 'llm.c', step, totalSteps: Number(match[2]), tokens }
  const loss = figures.get('loss') ?? figures.get('train loss')
  return [{ ...record, ...stepFigures(figures, MEANINGS) }, ...nanEvent(loss, { step }, state)]
}

function readShort(text: string, state: State): WireRecord[] | undefined {
  const match = SHORT.exec(text)
  if (match === null) return undefined
  const [, step = '', total, loss, milliseconds, rate] = match
  const at = { step: Number(step) }
  return [
    {
      kind: 'step',
      source: 'llm.c',
      ...at,
      totalSteps: numberOf(total),
      stepSeconds: scaled(numberOf(milliseconds), 1e-3),
      tokensPerSecond: numberOf(rate),
      loss: numberOf(loss),
    },
    ...nanEvent(loss, at, state),
  ]
}

function readFile(text: string, state: State): WireRecord[] | undefined {
  const match = FILE.exec(text)
  if (match === null) return undefined
  const [, step = '', what, value, rate, norm] = match
  if (what !== 'trl') return [{ kind: 'event', type: 'evaluation', message: text }]
  const at = { step: Number(step) }
  const figures = { loss: numberOf(value), gradientNorm: numberOf(norm), learningRate: numberOf(rate) }
  return [{ kind: 'step', source: 'llm.c', ...at, ...figures }, ...nanEvent(value, at, state)]
}

/** The table comes in groups: the config is told after the one of the model, and after the last. */
function readRow(text: string, state: State): WireRecord[] | undefined {
  const row = ROW.exec(text)
  const name = row?.[1] ?? ''
  if (row === null || !ROWS.has(name)) return RULE.test(text) ? [] : undefined
  state.settings[name] ??= (row[2] ?? '').trim()
  if (name !== 'num_parameters' && name !== 'zero_stage') return []
  return [configOf(new Map(Object.entries(state.settings)))]
}

function readEvent(text: string): WireRecord[] | undefined {
  if (EVALUATION.test(text) || HELLASWAG.test(text)) return [{ kind: 'event', type: 'evaluation', message: text }]
  return CHECKPOINT.test(text) ? [{ kind: 'event', type: 'checkpoint', message: text }] : undefined
}

export const llmc = defineFormat({
  name: 'llm.c',
  help: 'llm.c: steps of its trainers, its log file, the table of settings, evaluations, checkpoints',
  origin: 'https://github.com/karpathy/llm.c/blob/master/train_gpt2.cu',
  begin: (): State => ({ settings: {}, nan: false }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (text.length > 1000) return undefined
    return (
      readStep(text, state) ??
      readShort(text, state) ??
      readFile(text, state) ??
      readRow(text, state) ??
      readEvent(text) ??
      (REMARK.test(text) ? [] : undefined)
    )
  },
})
