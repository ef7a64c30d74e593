/** OLMo and OLMo-core: a line that names the step, and an indented `name=value` for each figure after it. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { GIBIBYTE, nanEvent, stepFigures, type Figures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { secondsSince, type Pace } from './pace'
import { argumentsOf, numbersBy, precisionOf } from './settings'
import { numberOf } from './values'

type State = {
  block: {
    step: number
    total: number | null
    time: number | null
    seconds: number | null
    figures: { [name: string]: string }
  } | null
  last: Pace
  evaluating: boolean
  nan: boolean
}

const HEAD = /^\[step=(\d{1,12})\/(\d{1,12}|\?{1,8}),epoch=\d{1,9}(?:,eta=[^\]]{0,80})?\]$/
const FIGURE = /^\s{4}([A-Za-z][\w ()%./*+-]{0,160}?)=(\S{1,64})$/
const MEANINGS: Meanings = {
  'train/CrossEntropyLoss': 'loss',
  'train/CE loss': 'loss',
  'optim/total_grad_norm': 'gradientNorm',
  'optim/total grad norm': 'gradientNorm',
  'optim/LR (group 0)': 'learningRate',
  'optim/learning_rate_group0': 'learningRate',
  'throughput/device/tokens_per_second': 'tokensPerSecondPerGpu',
  'throughput/device/TPS': 'tokensPerSecondPerGpu',
  'throughput/device/MFU': ['mfu', 1e-2],
  'throughput/device/flopsPS': 'flopsPerSecondPerGpu',
  'System/Peak GPU Memory (MB)': ['memoryPeakBytes', 1e6],
  'gpu_memory/GPU active mem (GiB)': ['memoryPeakBytes', GIBIBYTE],
  'gpu_memory/GPU reserved mem (GiB)': ['memoryReservedBytes', GIBIBYTE],
}
const PARAMETERS = /^Total (?:number of )?(?:trainable )?parameters: ([\d,]{1,24})$/
const EVALUATION = /^(?:Running evaluation for |Running .{1,80} evals?\b|\[eval_step=\d{1,12}\/\d{1,12}\])/
const CHECKPOINT = /^(?:Saving (?:\w{1,20} )?checkpoint|Saving checkpoint for step )/
const CONFIG = /^TrainConfig\(/
const MODEL: Readonly<Record<string, string>> = {
  n_layers: 'layers',
  d_model: 'hiddenSize',
  n_heads: 'attentionHeads',
  n_kv_heads: 'keyValueHeads',
  mlp_hidden_size: 'ffnHiddenSize',
  vocab_size: 'vocabularySize',
  max_sequence_length: 'sequenceLength',
}
const MOST_FIGURES = 2000

function configOf(text: string): RecordOf<'config'> {
  const settings = argumentsOf(text.slice(0, 30_000))
  return {
    kind: 'config',
    framework: 'olmo',
    model: numbersBy(settings, MODEL),
    batch: numbersBy(settings, { device_train_microbatch_size: 'micro', global_train_batch_size: 'global' }),
    precision: precisionOf(settings.get('precision')),
  }
}

/** Batches per second are printed to three digits: believed where no times tell better. */
function secondsOf(figures: Figures, since: number | null): number | undefined {
  const rate = numberOf(figures.get('throughput/device/BPS') ?? figures.get('throughput/device/batches_per_second'))
  return since ?? (rate === undefined || rate < 1e-6 ? undefined : Number((1 / rate).toPrecision(3)))
}

function closeBlock(state: State): WireRecord[] {
  const { block } = state
  if (block === null || Object.keys(block.figures).length === 0) return []
  const figures = new Map(Object.entries(block.figures))
  block.figures = {}
  const at = { step: block.step, time: block.time ?? undefined }
  return [
    {
      kind: 'step',
      source: 'olmo',
      ...at,
      totalSteps: block.total ?? undefined,
      stepSeconds: secondsOf(figures, block.seconds),
      ...stepFigures(figures, MEANINGS),
    },
    ...nanEvent(figures.get('train/CrossEntropyLoss') ?? figures.get('train/CE loss'), at, state),
  ]
}

function readHead(text: string, time: number | undefined, state: State): WireRecord[] | undefined {
  const head = HEAD.exec(text)
  if (head === null) return undefined
  const before = closeBlock(state)
  const step = Number(head[1])
  const seconds = secondsSince(step, time, state) ?? null
  state.block = { step, total: numberOf(head[2]) ?? null, time: time ?? null, seconds, figures: {} }
  state.evaluating = false
  return before
}

/** The time up to the next step is not its own. */
function readPause(text: string, time: number | undefined, state: State): WireRecord[] | undefined {
  const evaluation = EVALUATION.test(text)
  if (!evaluation && !CHECKPOINT.test(text)) return undefined
  const before = closeBlock(state)
  const first = !evaluation || !state.evaluating
  if (evaluation) state.evaluating = true
  Object.assign(state, { block: null, last: null })
  const type = evaluation ? 'evaluation' : 'checkpoint'
  return [...before, ...(first ? [{ kind: 'event' as const, type, time, message: text.slice(0, 1000) }] : [])]
}

export const olmo = defineFormat({
  name: 'olmo',
  help: 'OLMo and OLMo-core: steps with their figures, evaluations, checkpoints, the config',
  origin: 'https://github.com/allenai/OLMo-core/blob/main/src/olmo_core/train/callbacks/console_logger.py',
  begin: (): State => ({ block: null, last: null, evaluating: false, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    const { text, time, name = '', found, calm } = headOf(line)
    const figure = found || state.block === null || text.length > 300 ? null : FIGURE.exec(text)
    if (figure !== null && state.block !== null) {
      if (Object.keys(state.block.figures).length < MOST_FIGURES)
        state.block.figures[figure[1] ?? ''] ??= figure[2] ?? ''
      return []
    }
    const head = readHead(text, time, state)
    if (head !== undefined) return head
    // Scripts log under the name of their file.
    if (!/^(?:olmo|olmo_core|train|__main__)\b/.test(name)) return undefined
    if (CONFIG.test(text)) return [configOf(text)]
    const parameters = numberOf(PARAMETERS.exec(text)?.[1])
    if (parameters !== undefined) return [{ kind: 'config', time, framework: 'olmo', model: { parameters } }]
    return readPause(text, time, state) ?? (calm && name.startsWith('olmo') ? [] : undefined)
  },
  flush: (state: State) => closeBlock(state),
})
