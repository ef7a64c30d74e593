/** OLMo and OLMo-core: a line that names the step, and an indented `name=value` for each figure after it. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { GIBIBYTE, nanEvent, stepFigures, type Figures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { secondsSince, type Pace } from './pace'
import { lastNames, openPrinted, settingsOf, takePrinted, type Printed } from './printed'
import { numbersBy, optimizerOf, precisionOf, type Settings } from './settings'
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
  config: Printed | null
  evaluating: boolean
  nan: boolean
}

const HEAD = /^\[step=(\d{1,12})\/(\d{1,12}|\?{1,8})(?:,epoch=\d{1,9})?(?:,eta=[^\]]{0,80})?\]$/
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

/** A config of OLMo-core as rich prints it, a setting a line; its first line is that of any dataclass. */
const CORE = /^ {4}model=TransformerConfig\($/
const CORE_NAMES: Readonly<Record<string, string>> = {
  'model.n_layers': 'layers',
  'model.d_model': 'hiddenSize',
  'model.block.attention.n_heads': 'attentionHeads',
  'model.block.sequence_mixer.n_heads': 'attentionHeads',
  'model.block.attention.n_kv_heads': 'keyValueHeads',
  'model.block.sequence_mixer.n_kv_heads': 'keyValueHeads',
  'model.block.feed_forward.hidden_size': 'ffnHiddenSize',
  'model.vocab_size': 'vocabularySize',
  'dataset.sequence_length': 'sequenceLength',
  'train_module.max_sequence_length': 'sequenceLength',
}
/** `Built 2D device mesh with shape (dp=4, tp=2)`. */
const MESH = /^Built \dD device mesh with shape \((.{1,200}?),?\)$/
const AXES: Readonly<Record<string, string>> = { pp: 'pipeline', cp: 'context', tp: 'tensor', ep: 'expert' }

function recomputeOf(settings: Settings, name: string): string | undefined {
  const value = settings.get(name)
  if (value === undefined) return undefined
  return value === 'None' || value === 'null' ? 'none' : /full|whole/.test(value) ? 'full' : 'selective'
}

function configOf(text: string): RecordOf<'config'> {
  const settings = lastNames(settingsOf(text))
  return {
    kind: 'config',
    framework: 'olmo',
    model: numbersBy(settings, MODEL),
    parallelism: { zeroStage: settings.get('sharding_strategy')?.includes('FULL_SHARD') === true ? 3 : undefined },
    batch: numbersBy(settings, { device_train_microbatch_size: 'micro', global_train_batch_size: 'global' }),
    precision: precisionOf(settings.get('precision')),
    recompute: recomputeOf(settings, 'activation_checkpointing'),
  }
}

/** Batches of OLMo-core are counted in tokens. */
function coreConfigOf(text: string): RecordOf<'config'> {
  const settings = settingsOf(text)
  const model = numbersBy(settings, CORE_NAMES)
  const { micro, global } = numbersBy(settings, {
    'train_module.rank_microbatch_size': 'micro',
    'data_loader.global_batch_size': 'global',
  })
  const sequences = (tokens: number | undefined) => {
    const count = tokens === undefined ? NaN : tokens / (model['sequenceLength'] ?? NaN)
    return Number.isInteger(count) ? count : undefined
  }
  const data = settings.get('train_module.dp_config.name')
  return {
    kind: 'config',
    framework: 'olmo',
    model,
    parallelism: {
      ...numbersBy(settings, {
        'train_module.tp_config.degree': 'tensor',
        'train_module.cp_config.degree': 'context',
        'train_module.pp_config.degree': 'pipeline',
        'train_module.ep_config.degree': 'expert',
      }),
      zeroStage: data !== undefined && /[fh]sdp/i.test(data) ? 3 : undefined,
    },
    batch: { micro: sequences(micro), global: sequences(global) },
    precision: precisionOf(settings.get('train_module.dp_config.param_dtype')),
    optimizer: optimizerOf(
      settings
        .get('train_module.optim')
        ?.replace(/Config$/, '')
        .replace(/^SkipStep/, ''),
    ),
    recompute: recomputeOf(settings, 'train_module.ac_config.mode'),
  }
}

function readMesh(text: string): WireRecord[] | undefined {
  const mesh = MESH.exec(text)?.[1]
  if (mesh === undefined) return undefined
  const parallelism: Record<string, number> = {}
  let worldSize = 1
  for (const [, name = '', degree] of mesh.matchAll(/(\w{1,20})=(\d{1,9})/g)) {
    const axis = name.startsWith('dp') ? 'data' : AXES[name]
    worldSize *= Number(degree)
    if (axis !== undefined) parallelism[axis] = (parallelism[axis] ?? 1) * Number(degree)
  }
  return [{ kind: 'config', framework: 'olmo', parallelism: { ...parallelism, worldSize } }]
}

/** The lines of a printed config, which no logger heads. */
function readCore(text: string, state: State): WireRecord[] | undefined {
  if (state.config === null && CORE.test(text)) {
    state.config = openPrinted(text)
    return []
  }
  const { config } = state
  if (config === null || !takePrinted(text, config)) return undefined
  // The bracket of the whole was opened by the line before the first.
  if (config.depth >= 0 && !text.startsWith(')')) return []
  state.config = null
  return [coreConfigOf(config.text)]
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
  begin: (): State => ({ block: null, last: null, config: null, evaluating: false, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    const { text, time, name = '', found, calm } = headOf(line)
    const figure = found || state.block === null || text.length > 300 ? null : FIGURE.exec(text)
    if (figure !== null && state.block !== null) {
      if (Object.keys(state.block.figures).length < MOST_FIGURES)
        state.block.figures[figure[1] ?? ''] ??= figure[2] ?? ''
      return []
    }
    const core = found || text.length > 2000 ? undefined : readCore(text, state)
    if (core !== undefined) return core
    const head = readHead(text, time, state)
    if (head !== undefined) return head
    // Scripts log under the name of their file.
    if (!/^(?:olmo|olmo_core|train|__main__)\b/.test(name)) return undefined
    if (CONFIG.test(text)) return [configOf(text)]
    const parameters = numberOf(PARAMETERS.exec(text)?.[1])
    if (parameters !== undefined) return [{ kind: 'config', time, framework: 'olmo', model: { parameters } }]
    return readMesh(text) ?? readPause(text, time, state) ?? (calm && name.startsWith('olmo') ? [] : undefined)
  },
  flush: (state: State) => closeBlock(state),
})
