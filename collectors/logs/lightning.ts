/** Lightning, and NeMo on top of it: progress bars with figures, NeMo's printed progress, what is said before training. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { beginBars, drawn, releaseBar, taint, type BarState } from './bar-steps'
import { nanEvent, pairsOf, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { isOn, numbersBy, optimizerOf, precisionOf } from './settings'
import { readRich } from './rich-bar'
import { readBar, readUncounted, type Bar } from './tqdm'
import { countOf, numberOf } from './values'
import { beginYaml, readYaml, yamlValues, type YamlBlock } from './yaml-block'

type State = BarState & { config: YamlBlock | null; epoch: string; evaluating: boolean; own: boolean; nan: boolean }

const EPOCH = /^Epoch (\d{1,9}):?(?: :)?$/
const PAUSE = /^(?:Validat\w{2,5}|Testing|Predicting)(?: DataLoader \d{1,6})?:?$/
const PRINTED = /^Training epoch (\d{1,9}), iteration (\d{1,12})\/(\d{1,12}) \| (.{1,4000})$/
const SANITY_BAR = /^Sanity [Cc]heck\w{0,4}(?: DataLoader \d{1,6})?:?$/
const SANITY = /^Sanity checking Validation: iteration /
const VALIDATION = /^(?:Validation|Testing): iteration \d{1,12}\/(?:\d{1,12}|inf)$/
const MEANINGS: Meanings = {
  reduced_train_loss: 'loss',
  train_loss_step: 'loss',
  train_loss: 'loss',
  'train/loss_step': 'loss',
  'train/loss': 'loss',
  loss: 'loss',
  grad_norm: 'gradientNorm',
  lr: 'learningRate',
  'train_step_timing in s': 'stepSeconds',
  'train_epoch_timing in s': 'stepSeconds',
  global_batch_size: 'samples',
  TFLOPS_per_GPU: ['flopsPerSecondPerGpu', 1e12],
  tokens_per_sec_per_gpu: 'tokensPerSecondPerGpu',
  peak_memory_usage: 'memoryPeakBytes',
}
const LOSSES = Object.entries(MEANINGS).flatMap(([name, meaning]) => (meaning === 'loss' ? [name] : []))
const SIZE = /^([\d.,]{1,16} ?[KMBT]?)\s{1,20}(Total|Trainable|Non-trainable) params$/
const REMARK =
  /^(?:(?:GPU|TPU|IPU|HPU) available: |LOCAL_RANK: \d{1,6} - CUDA_VISIBLE_DEVICES: |(?:Seed set to|Global seed set to) \d{1,20}$|Using .{0,60}(?:Automatic Mixed Precision|precision plugin|\bAMP\b)|`Trainer\.fit` stopped: |Initializing distributed: GLOBAL_RANK: |distributed_backend=|All distributed processes registered|You are using a CUDA device |-{3,}$|\s{0,6}\| Name {2,}\| Type)/
const MODEL: Readonly<Record<string, string>> = {
  'model.num_layers': 'layers',
  'model.hidden_size': 'hiddenSize',
  'model.num_attention_heads': 'attentionHeads',
  'model.num_query_groups': 'keyValueHeads',
  'model.ffn_hidden_size': 'ffnHiddenSize',
  'model.encoder_seq_length': 'sequenceLength',
  'model.data.seq_length': 'sequenceLength',
}
const PARALLELISM: Readonly<Record<string, string>> = {
  'model.tensor_model_parallel_size': 'tensor',
  'model.pipeline_model_parallel_size': 'pipeline',
  'model.context_parallel_size': 'context',
  'model.expert_model_parallel_size': 'expert',
  'model.virtual_pipeline_model_parallel_size': 'virtualStages',
}

function configOf(block: YamlBlock): RecordOf<'config'>[] {
  const values = yamlValues(block)
  const [devices = 0, nodes = 0] = ['trainer.devices', 'trainer.num_nodes'].map(name => numberOf(values.get(name)))
  const sequenceParallel = isOn(values.get('model.sequence_parallel'))
  const world = devices > 0 && nodes > 0 ? { worldSize: devices * nodes } : {}
  const model = numbersBy(values, MODEL)
  if (Object.keys(model).length === 0) return []
  return [
    {
      kind: 'config',
      framework: 'nemo',
      model,
      parallelism: { ...numbersBy(values, PARALLELISM), ...world, sequenceParallel },
      batch: numbersBy(values, { 'model.micro_batch_size': 'micro', 'model.global_batch_size': 'global' }),
      precision: precisionOf(values.get('trainer.precision')),
      optimizer: optimizerOf(values.get('model.optim.name')),
      recompute: values.get('model.activations_checkpoint_granularity')?.replace('null', 'none'),
    },
  ]
}

const wholeOf = (text: string | undefined): number | undefined => {
  const value = numberOf(text)
  return Number.isInteger(value) ? value : undefined
}

/** NeMo says the step; else the batches of the epochs so far are counted, which they are where the epochs have an end. */
function stepOf(bar: Bar, epoch: number): number | undefined {
  const global = bar.postfix.get('global_step')
  if (global !== undefined) return wholeOf(global)
  if (bar.total === undefined) return epoch === 0 ? bar.done : undefined
  return epoch * bar.total + bar.done
}

const lossOf = (figures: ReadonlyMap<string, string>) =>
  LOSSES.map(name => figures.get(name)).find(text => text !== undefined)

function readDrawing(text: string, state: State): WireRecord[] | undefined {
  const plain = readBar(text) ?? readUncounted(text)
  const bar = plain ?? readRich(text)
  if (bar === undefined) return undefined
  // Other scripts name a bar after its epoch as well, most of them from 1 on.
  state.own ||= plain === undefined || bar.postfix.has('v_num') || bar.postfix.has('global_step')
  if (PAUSE.test(bar.description)) {
    taint(state)
    const first = !state.evaluating
    state.evaluating = true
    return first ? [{ kind: 'event', type: 'evaluation', message: bar.description.replace(/:$/, '') }] : []
  }
  const epoch = EPOCH.exec(bar.description)
  if (epoch === null) {
    state.own ||= SANITY_BAR.test(bar.description)
    const isOther = SANITY_BAR.test(bar.description) || (/^Training:?$/.test(bar.description) && bar.postfix.size === 0)
    return isOther ? [] : undefined
  }
  if (!state.own) return undefined
  state.evaluating = false
  // A new epoch's bar begins anew, its rate with it.
  if (epoch[1] !== state.epoch) state.tainted = 0
  state.epoch = epoch[1] ?? ''
  if (bar.done === 0) return []
  const figures = stepFigures(bar.postfix, MEANINGS)
  const step = stepOf(bar, Number(epoch[1]))
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'lightning',
    step,
    stepSeconds: bar.secondsPerItem,
    ...figures,
  }
  const nan = nanEvent(lossOf(bar.postfix), { step }, state)
  return [...drawn(record, figures.stepSeconds === undefined, state), ...nan]
}

function readPrinted(text: string, state: State): WireRecord[] | undefined {
  if (SANITY.test(text)) return []
  if (VALIDATION.test(text)) {
    const first = !state.evaluating
    state.evaluating = true
    return first ? [{ kind: 'event', type: 'evaluation', message: text }] : []
  }
  const match = PRINTED.exec(text)
  if (match === null) return undefined
  state.evaluating = false
  const figures = pairsOf((match[4] ?? '').split(' | '), ': ')
  const global = figures.get('global_step')
  const step = wholeOf(global ?? match[2])
  return [
    { kind: 'step', source: 'nemo', step, totalSteps: Number(match[3]) + 1, ...stepFigures(figures, MEANINGS) },
    ...nanEvent(lossOf(figures), { step }, state),
  ]
}

function readConfig(text: string, isNemo: boolean, state: State): WireRecord[] | undefined {
  if (isNemo && /(?:^|\s)(?:Hydra config|Experiment configuration) ?:?$/.test(text.trim())) {
    state.config = beginYaml()
    return []
  }
  if (state.config === null) return undefined
  if (!isNemo && readYaml(text.replace(/^ {4}/, ''), state.config)) return []
  const records = configOf(state.config)
  state.config = null
  return records.length > 0 ? records : undefined
}

function readSize(text: string): WireRecord[] | undefined {
  const size = SIZE.exec(text)
  if (size === null) return undefined
  const parameters = size[2] === 'Total' ? countOf(size[1]) : undefined
  return parameters === undefined ? [] : [{ kind: 'config', model: { parameters } }]
}

export const lightning = defineFormat({
  name: 'lightning',
  help: 'Lightning and NeMo: progress bars with figures, printed progress, the config and the size of the model',
  origin: 'https://github.com/NVIDIA-NeMo/NeMo/blob/main/nemo/lightning/pytorch/callbacks/progress_printer.py',
  begin: (): State => ({ ...beginBars(), config: null, epoch: '', evaluating: false, own: false, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 16_384) return undefined
    if (line.text.includes('%|') || line.text.includes('it [') || line.text.includes('━'))
      return readDrawing(line.text, state)
    const { text, name, calm } = headOf(line)
    const isNemo = name === 'NeMo'
    const config = readConfig(text, isNemo, state)
    const isRemark = REMARK.test(text)
    state.own ||= isNemo || isRemark
    const records = readPrinted(text, state) ?? readSize(text.trim()) ?? ((isNemo && calm) || isRemark ? [] : undefined)
    return config === undefined ? records : [...config, ...(records ?? [])]
  },
  flush: (state: State) => releaseBar(state),
})
