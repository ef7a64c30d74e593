/** Composer and LLM Foundry: a line that names the batch, and a line for each figure after it. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, stepFigures, type Figures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { isOn, numbersBy, optimizerOf, precisionOf } from './settings'
import { numberOf } from './values'
import { beginYaml, readYaml, yamlValues, type YamlBlock } from './yaml-block'

type State = {
  block: {
    what: 'Train' | 'Eval'
    batch: number | null
    total: number | null
    set: string
    figures: { [name: string]: string }
  } | null
  config: YamlBlock | null
  nan: boolean
}

const HEAD = /^\[(?:epoch=\d{1,9}\]\[)?(epoch|iteration|batch|sample|token|second)=(\d{1,16})(?:\/(\d{1,16}))?\]:?$/
const EVALUATION = /^\[Eval batch=\d{1,12}\/\d{1,12}\] Eval on (.{1,200}?) data:?$/
const FIGURE = /^\s{1,16}(Train|Eval) (\S[^:]{0,200}): (.{1,400})$/
const RULE = /^\*{30}$/
const GIGABYTE = 1e9
const MEANINGS: Meanings = {
  'loss/train/total': 'loss',
  'loss/train': 'loss',
  'l2_norm/grad/global': 'gradientNorm',
  'throughput/tokens_per_sec': 'tokensPerSecond',
  'throughput/samples_per_sec': 'samplesPerSecond',
  'throughput/device/tokens_per_sec': 'tokensPerSecondPerGpu',
  'throughput/device/flops_per_sec': 'flopsPerSecondPerGpu',
  'throughput/device/mfu': 'mfu',
  'memory/peak_allocated_mem': ['memoryPeakBytes', GIGABYTE],
  'memory/current_allocated_mem': ['memoryAllocatedBytes', GIGABYTE],
  'memory/allocated_mem': ['memoryAllocatedBytes', GIGABYTE],
  'memory/current_reserved_mem': ['memoryReservedBytes', GIGABYTE],
  'memory/reserved_mem': ['memoryReservedBytes', GIGABYTE],
  'memory/peak_reserved_mem': ['memoryReservedBytes', GIGABYTE],
}
const MOST_FIGURES = 2000

const MODEL: Readonly<Record<string, string>> = {
  'model.n_layers': 'layers',
  'model.d_model': 'hiddenSize',
  'model.n_heads': 'attentionHeads',
  'model.vocab_size': 'vocabularySize',
  'model.max_seq_len': 'sequenceLength',
  max_seq_len: 'sequenceLength',
  n_params: 'parameters',
}

function configOf(block: YamlBlock): RecordOf<'config'>[] {
  const values = yamlValues(block)
  const [nodes, perNode] = [numberOf(values.get('num_nodes')), numberOf(values.get('num_gpus_per_node'))]
  const ofNodes = nodes === undefined || perNode === undefined ? undefined : nodes * perNode
  const checkpointing = isOn(values.get('fsdp_config.activation_checkpointing'))
  const sharding = values.get('fsdp_config.sharding_strategy')
  const record: RecordOf<'config'> = {
    kind: 'config',
    framework: 'composer',
    model: numbersBy(values, MODEL),
    parallelism: {
      worldSize: numberOf(values.get('n_gpus')) ?? ofNodes,
      zeroStage: sharding === 'FULL_SHARD' ? 3 : sharding === 'SHARD_GRAD_OP' ? 2 : undefined,
    },
    batch: numbersBy(values, { device_train_microbatch_size: 'micro', global_train_batch_size: 'global' }),
    precision: precisionOf(values.get('precision')),
    optimizer: optimizerOf(values.get('optimizer.name')),
    recompute: checkpointing === undefined ? undefined : checkpointing ? 'full' : 'none',
  }
  return Object.keys(values.size > 0 ? { ...record.model, ...record.batch, ...record.parallelism } : {}).length > 0
    ? [record]
    : []
}

/** Batches are counted from 0 where they are a figure; a head in other units names no step. */
function stepOf(block: NonNullable<State['block']>): number | undefined {
  const counted = numberOf(block.figures['time/batch'])
  return block.batch ?? (counted === undefined ? undefined : counted + 1)
}

function learningRateOf(figures: Figures): number | undefined {
  const name = [...figures.keys()].find(key => key.startsWith('lr-') && key.endsWith('/group0'))
  const value = name === undefined ? undefined : numberOf(figures.get(name))
  // Printed with four decimals: what is below them is lost, and not zero.
  return value === 0 ? undefined : value
}

/** Seconds are the reciprocal of batches per second, of which four decimals are printed. */
function secondsOf(figures: Figures): number | undefined {
  const rate = numberOf(figures.get('throughput/batches_per_sec'))
  return rate === undefined || rate < 0.01 ? undefined : Number((1 / rate).toPrecision(3))
}

function closeBlock(state: State): WireRecord[] {
  const { block } = state
  if (block === null || Object.keys(block.figures).length === 0) return []
  const figures = new Map(Object.entries(block.figures))
  const parts = [...figures].map(([name, value]) => `${name} ${value}`)
  // What follows for the same batch, after another's line, is told as well.
  block.figures = {}
  if (block.what === 'Eval')
    return [{ kind: 'event', type: 'evaluation', message: `${block.set}: ${parts.join(', ')}`.slice(0, 1000) }]
  const step = numberOf(String(stepOf({ ...block, figures: Object.fromEntries(figures) }) ?? ''))
  return [
    {
      kind: 'step',
      source: 'composer',
      step,
      totalSteps: block.total ?? undefined,
      stepSeconds: secondsOf(figures),
      learningRate: learningRateOf(figures),
      ...stepFigures(figures, MEANINGS),
    },
    ...nanEvent(figures.get('loss/train/total') ?? figures.get('loss/train'), { step }, state),
  ]
}

function readBlock(text: string, state: State): WireRecord[] | undefined {
  const evaluation = EVALUATION.exec(text)
  const head = evaluation === null ? HEAD.exec(text) : null
  if (evaluation !== null || head !== null) {
    const before = closeBlock(state)
    const isBatch = head?.[1] === 'batch' && !text.startsWith('[epoch=')
    const what = evaluation === null ? 'Train' : 'Eval'
    const batch = isBatch ? Number(head[2]) : null
    state.block = {
      what,
      batch,
      total: isBatch ? (numberOf(head[3]) ?? null) : null,
      set: evaluation?.[1] ?? '',
      figures: {},
    }
    return before
  }
  const figure = state.block === null ? null : FIGURE.exec(text)
  if (figure === null || state.block === null) return undefined
  if (Object.keys(state.block.figures).length < MOST_FIGURES) state.block.figures[figure[2] ?? ''] ??= figure[3] ?? ''
  return []
}

/** Its scripts print their settings without a head as well; these stand first. */
const BARE = /^(?:max_seq_len|global_seed): \d{1,9}$/

function readConfig(text: string, state: State): WireRecord[] | undefined {
  if (text === 'Config:' || (state.config === null && BARE.test(text))) {
    const opened = text === 'Config:'
    state.config = beginYaml()
    if (!opened) readYaml(text, state.config)
    return []
  }
  if (state.config === null) return undefined
  if (readYaml(text, state.config)) return []
  const records = configOf(state.config)
  state.config = null
  return RULE.test(text) || records.length > 0 ? records : undefined
}

export const composer = defineFormat({
  name: 'composer',
  help: 'Composer and LLM Foundry: the console logger’s blocks of figures, and the config',
  origin: 'https://github.com/mosaicml/composer/blob/main/composer/loggers/console_logger.py',
  begin: (): State => ({ block: null, config: null, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 4096) return undefined
    const { text, name, found, calm } = headOf(line)
    if (/^(?:llmfoundry|composer|streaming)\b/.test(name ?? '')) return calm ? [] : undefined
    if (found) return undefined
    return readBlock(text, state) ?? readConfig(text, state) ?? (RULE.test(text) ? [] : undefined)
  },
  flush: (state: State) => closeBlock(state),
})
