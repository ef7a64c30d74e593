/** nanotron: one line an iteration, with numbers of three digits, and the config as Python prints it. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, pairsOf, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { numbersBy, precisionOf } from './settings'
import { countOf } from './values'

type State = { settings: { [name: string]: string }; told: string; nan: boolean }

const ITERATION = /^iteration: (\d{1,12}) \/ (\d{1,12}) \| (?=.{0,400}(?:tokens_per_sec|lm_loss))(.{1,4000})$/
const MEANINGS: Meanings = {
  elapsed_time_per_iteration_ms: ['stepSeconds', 1e-3],
  time_per_iteration_ms: ['stepSeconds', 1e-3],
  tokens_per_sec: 'tokensPerSecond',
  tokens_per_sec_per_gpu: 'tokensPerSecondPerGpu',
  model_tflops_per_gpu: ['flopsPerSecondPerGpu', 1e12],
  lm_loss: 'loss',
  grad_norm: 'gradientNorm',
  lr: 'learningRate',
  cuda_memory_allocated: 'memoryAllocatedBytes',
  cuda_max_memory_reserved: 'memoryReservedBytes',
}
const SETTING = /^ {0,60}(?:\w{1,60}=)?(?:\w{1,60}\()?([a-z_]\w{0,60})=([^\s,()]{1,100})[,)]{0,8}$/
const START = /^mbs: \d{1,12} \| grad_accum: /
const PARAMETERS = /^Total number of parameters: ([\d.]{1,16}[KMBTG]?) \(/
const CHECKPOINT = /^Saving checkpoint at /
const MODEL: Readonly<Record<string, string>> = {
  num_hidden_layers: 'layers',
  hidden_size: 'hiddenSize',
  num_attention_heads: 'attentionHeads',
  num_key_value_heads: 'keyValueHeads',
  intermediate_size: 'ffnHiddenSize',
  vocab_size: 'vocabularySize',
  sequence_length: 'sequenceLength',
  parameters: 'parameters',
}
const PARALLELISM: Readonly<Record<string, string>> = {
  dp: 'data',
  pp: 'pipeline',
  tp: 'tensor',
  context_parallel_size: 'context',
  cp: 'context',
  expert_parallel_size: 'expert',
  zero_stage: 'zeroStage',
}
const KEPT = new Set([
  ...Object.keys(MODEL),
  ...Object.keys(PARALLELISM),
  ...['micro_batch_size', 'batch_accumulation_per_replica', 'mbs', 'grad_accum', 'dtype'],
])

function configOf(settings: ReadonlyMap<string, string>): RecordOf<'config'> {
  const parallelism = numbersBy(settings, PARALLELISM)
  const { data, pipeline, tensor, context = 1 } = parallelism
  const { micro, accumulation } = numbersBy(settings, {
    micro_batch_size: 'micro',
    mbs: 'micro',
    batch_accumulation_per_replica: 'accumulation',
    grad_accum: 'accumulation',
  })
  const world =
    data === undefined || pipeline === undefined || tensor === undefined
      ? undefined
      : data * pipeline * tensor * context
  const global =
    micro === undefined || accumulation === undefined || data === undefined ? undefined : micro * accumulation * data
  return {
    kind: 'config',
    framework: 'nanotron',
    model: numbersBy(settings, MODEL),
    parallelism: { ...parallelism, worldSize: world },
    batch: { micro, global },
    precision: precisionOf(settings.get('dtype')),
  }
}

/** The config grows while it is printed; it is told when the first step comes, or when the model is built. */
function told(state: State): WireRecord[] {
  if (Object.keys(state.settings).length === 0) return []
  const record = configOf(new Map(Object.entries(state.settings)))
  const text = JSON.stringify(record)
  if (text === state.told) return []
  state.told = text
  return [record]
}

function readSetting(text: string, state: State): boolean {
  const setting = SETTING.exec(text)
  if (setting === null) return false
  const [, name = '', value = ''] = setting
  if (KEPT.has(name) && value !== 'None') state.settings[name] ??= value.replaceAll("'", '')
  return true
}

export const nanotron = defineFormat({
  name: 'nanotron',
  help: 'nanotron: iteration lines, the config, the number of parameters, checkpoints',
  origin: 'https://github.com/huggingface/nanotron/blob/main/src/nanotron/trainer.py',
  begin: (): State => ({ settings: {}, told: '', nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 8192) return undefined
    const { text, time, name, calm } = headOf(line)
    const own = name?.startsWith('|DP=') === true
    const match = ITERATION.exec(text)
    if (match !== null) {
      const step = Number(match[1])
      // Billions are told by B, which of memory would be bytes.
      const figures = pairsOf((match[3] ?? '').replaceAll(/(?<=\d)B(?= \||$)/g, 'G').split(' | '), ': ')
      const record: RecordOf<'step'> = { kind: 'step', source: 'nanotron', time, step, totalSteps: Number(match[2]) }
      return [
        ...told(state),
        { ...record, ...stepFigures(figures, MEANINGS) },
        ...nanEvent(figures.get('lm_loss'), { step, time }, state),
      ]
    }
    if (!own) return undefined
    if (CHECKPOINT.test(text))
      return [...told(state), { kind: 'event', type: 'checkpoint', time, message: text.slice(0, 1000) }]
    const parameters = countOf(PARAMETERS.exec(text)?.[1])
    if (parameters !== undefined) state.settings['parameters'] ??= String(parameters)
    if (START.test(text))
      for (const [key, value] of pairsOf(text.split(' | '), ': ')) if (KEPT.has(key)) state.settings[key] ??= value
    return readSetting(text, state) || calm ? [] : undefined
  },
})
