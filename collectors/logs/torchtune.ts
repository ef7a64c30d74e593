/** torchtune: `Step N | name:value …` of its metric loggers, its bars, and the resolved config before training. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { beginBars, drawn, releaseBar, taint, type BarState } from './bar-steps'
import { GIBIBYTE, nanEvent, pairsOf, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { isOn, numbersBy, optimizerOf, precisionOf } from './settings'
import { readBar } from './tqdm'
import { numberOf } from './values'
import { beginYaml, readYaml, yamlValues, type YamlBlock } from './yaml-block'

type State = BarState & { config: YamlBlock | null; nan: boolean }

const STEP = /^Step (\d{1,12}) \| (?=[\w/]{1,80}:[^\s:])(.{1,4000})$/
const MEANINGS: Meanings = {
  loss: 'loss',
  lr: 'learningRate',
  grad_norm: 'gradientNorm',
  tokens_per_second_per_gpu: 'tokensPerSecondPerGpu',
  tokens_per_second: 'tokensPerSecondPerGpu',
  peak_memory_alloc: ['memoryPeakBytes', GIBIBYTE],
  peak_memory_reserved: ['memoryReservedBytes', GIBIBYTE],
}
/** Epoch, step and loss are the description of the bar. */
const DRAWING = /^\d{1,6}\|(\d{1,12})(?:\|Loss: ([^\s:]{1,32}))?:?$/
const CONFIG = /^Running (\w{1,80}Recipe\w{0,40}) with resolved config:/
const CHECKPOINT = /^Saving .{0,40}checkpoint/
const REMARK =
  /^(?:Writing logs to \S{1,400}$|\s{0,8}(?:GPU|CUDA|XPU|NPU) peak memory (?:allocation|active|alloc|reserved): [\d.]{1,16} GiB$|Setting manual seed to local seed )/

/** A resolved config names things by where they are imported from: `torchtune.models.llama3_1.llama3_1_8b`. */
function configOf(block: YamlBlock): RecordOf<'config'> {
  const values = yamlValues(block)
  const recompute = isOn(values.get('enable_activation_checkpointing'))
  return {
    kind: 'config',
    framework: 'torchtune',
    model: {
      name: values.get('model._component_')?.split('.').at(-1),
      ...numbersBy(values, { 'tokenizer.max_seq_len': 'sequenceLength' }),
    },
    parallelism: numbersBy(values, {
      tensor_parallel_dim: 'tensor',
      context_parallel_dim: 'context',
      data_parallel_shard_dim: 'data',
    }),
    batch: numbersBy(values, { batch_size: 'micro' }),
    precision: precisionOf(values.get('dtype')),
    optimizer: optimizerOf(values.get('optimizer._component_')),
    recompute: recompute === undefined ? undefined : recompute ? 'full' : 'none',
  }
}

function readConfig(text: string, state: State): WireRecord[] | undefined {
  if (CONFIG.test(text)) {
    state.config = beginYaml()
    return []
  }
  if (state.config === null) return undefined
  if (readYaml(text, state.config)) return []
  const record = configOf(state.config)
  state.config = null
  // The line itself is another's, or is read below.
  return [record]
}

function readStep(text: string, state: State): WireRecord[] | undefined {
  const match = STEP.exec(text)
  if (match === null) return undefined
  const step = Number(match[1])
  const figures = pairsOf((match[2] ?? '').split(/\s{1,8}/), ':')
  if (figures.has('val_loss') && !figures.has('loss')) {
    taint(state)
    return [{ kind: 'event', type: 'evaluation', message: text.trim().slice(0, 1000) }]
  }
  return [
    { kind: 'step', source: 'torchtune', step, ...stepFigures(figures, MEANINGS) },
    ...nanEvent(figures.get('loss'), { step }, state),
  ]
}

function readDrawing(text: string, state: State): WireRecord[] | undefined {
  const bar = readBar(text)
  const match = bar === undefined ? null : DRAWING.exec(bar.description)
  if (bar === undefined || match === null) return undefined
  // Before the first step of an epoch the bar shows that of the one before.
  if (match[2] === undefined) return []
  const step = Number(match[1])
  const { secondsPerItem: stepSeconds } = bar
  return drawn({ kind: 'step', source: 'torchtune', step, stepSeconds, loss: numberOf(match[2]) }, true, state)
}

export const torchtune = defineFormat({
  name: 'torchtune',
  help: 'torchtune: steps of its metric loggers, progress bars, the resolved config',
  origin: 'https://github.com/pytorch/torchtune/blob/main/torchtune/training/metric_logging.py',
  begin: (): State => ({ ...beginBars(), config: null, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 8192) return undefined
    if (line.text.includes('%|')) return readDrawing(line.text, state)
    const { text, name, calm } = headOf(line)
    const own = name?.startsWith('torchtune') === true
    const config = readConfig(text, state)
    if (config !== undefined && config.length === 0) return config
    if (own && CHECKPOINT.test(text)) {
      taint(state)
      return [...(config ?? []), { kind: 'event', type: 'checkpoint', message: text.slice(0, 1000) }]
    }
    const records = readStep(text, state) ?? ((own && calm) || REMARK.test(text) ? [] : undefined)
    return config === undefined ? records : [...config, ...(records ?? [])]
  },
  flush: (state: State) => releaseBar(state),
})
