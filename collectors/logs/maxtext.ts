/** MaxText and its relatives on JAX: `completed step: N, seconds: …, TFLOP/s/device: …`, and the config it prints. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, pairsOf, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { pause, timeOfStep, type Pauses } from './pause'
import { numbersBy, optimizerOf, precisionOf } from './settings'
import { countOf, numberOf } from './values'

type State = Pauses & { settings: { [name: string]: string }; told: boolean; devices: number | null; nan: boolean }

const STEP = /^(?:\[Rampup Batch Size Phase\],? ?)?completed step: (\d{1,12}), (?=seconds: )(.{1,1000})$/
const EVALUATION =
  /^(?:eval metrics after step: ?\d{1,12}[,:]|Completed eval step \d{1,12}|completed eval step|average loss after step=)/i
const SETTING = /^Config param (\w{1,80}): (.{0,400})$/
const PARAMETERS = /^number parameters: ([\d.]{1,16}) (billion|million)$/
const DEVICES = /^Num_devices: (\d{1,9}), shape \(/
const CHECKPOINT =
  /^(?:Saved a checkpoint at step |saved checkpoint at step |Started an asynchronous checkpoint save for step )/i
const REMARK =
  /^(?:To see full metrics 'tensorboard|Total memory size: |Per train step:$|\s{0,4}Total TFLOPs: | split as [\d.]{1,8}% learnable|System Information: |Memstats: |\tUsing \(GB\) |Updating keys from |Running Model: )/
const MEANINGS: Meanings = {
  seconds: 'stepSeconds',
  'TFLOP/s/device': ['flopsPerSecondPerGpu', 1e12],
  'TFLOP/s': ['flopsPerSecondPerGpu', 1e12],
  'Tokens/s/device': 'tokensPerSecondPerGpu',
  loss: 'loss',
}
const NAMES: Readonly<Record<string, string>> = {
  num_decoder_layers: 'layers',
  base_num_decoder_layers: 'layers',
  emb_dim: 'hiddenSize',
  base_emb_dim: 'hiddenSize',
  num_query_heads: 'attentionHeads',
  base_num_query_heads: 'attentionHeads',
  num_kv_heads: 'keyValueHeads',
  base_num_kv_heads: 'keyValueHeads',
  mlp_dim: 'ffnHiddenSize',
  base_mlp_dim: 'ffnHiddenSize',
  vocab_size: 'vocabularySize',
  max_target_length: 'sequenceLength',
  parameters: 'parameters',
}
const KEPT = new Set([
  ...Object.keys(NAMES),
  ...['model_name', 'num_experts', 'num_experts_per_tok', 'per_device_batch_size', 'global_batch_size_to_train_on'],
  ...['gradient_accumulation_steps', 'dtype', 'quantization', 'opt_type', 'remat_policy', 'steps'],
])
/** Degrees inside a slice and between slices multiply. `-1` stands for what is left, and is not known. */
const AXES: Readonly<Record<string, string>> = {
  tensor: 'tensor',
  pipeline: 'pipeline',
  context: 'context',
  expert: 'expert',
}

function degreesOf(settings: ReadonlyMap<string, string>): Record<string, number> {
  const degrees: Record<string, number> = {}
  for (const [axis, field] of Object.entries(AXES)) {
    const [inside, between] = ['ici', 'dcn'].map(scope => numberOf(settings.get(`${scope}_${axis}_parallelism`)))
    if (inside !== undefined && inside > 0) degrees[field] = inside * Math.max(between ?? 1, 1)
  }
  return degrees
}

function configOf(state: State): RecordOf<'config'> {
  const settings = new Map(Object.entries(state.settings))
  const experts = numberOf(settings.get('num_experts')) ?? 1
  const policy = settings.get('remat_policy')
  return {
    kind: 'config',
    framework: 'maxtext',
    model: {
      name: settings.get('model_name'),
      ...numbersBy(settings, NAMES),
      ...(experts > 1 ? numbersBy(settings, { num_experts: 'experts', num_experts_per_tok: 'activeExperts' }) : {}),
    },
    parallelism: { ...degreesOf(settings), worldSize: state.devices ?? undefined },
    batch: numbersBy(settings, { per_device_batch_size: 'micro', global_batch_size_to_train_on: 'global' }),
    precision: precisionOf(settings.get('quantization')) ?? precisionOf(settings.get('dtype')),
    optimizer: optimizerOf(settings.get('opt_type')),
    recompute: policy === undefined ? undefined : policy === 'full' ? 'full' : policy === 'none' ? 'none' : 'selective',
  }
}

function told(state: State): WireRecord[] {
  if (state.told || Object.keys(state.settings).length === 0) return []
  state.told = true
  return [configOf(state)]
}

function readSetup(text: string, state: State): WireRecord[] | undefined {
  const setting = SETTING.exec(text)
  if (setting !== null) {
    const name = setting[1] ?? ''
    if (KEPT.has(name) || /^(?:ici|dcn)_\w{1,40}_parallelism$/.test(name)) state.settings[name] ??= setting[2] ?? ''
    return []
  }
  const devices = DEVICES.exec(text)
  if (devices !== null) state.devices = Number(devices[1])
  const parameters = PARAMETERS.exec(text)
  if (parameters !== null) {
    const count = countOf(`${parameters[1]}${parameters[2] === 'billion' ? 'B' : 'M'}`)
    state.settings['parameters'] = String(count)
    state.told = false
    return told(state)
  }
  return devices === null ? undefined : []
}

export const maxtext = defineFormat({
  name: 'maxtext',
  help: 'MaxText: completed steps, evaluations, checkpoints, the config and the devices',
  origin: 'https://github.com/AI-Hypercomputer/maxtext/blob/main/src/maxtext/common/metric_logger.py',
  begin: (): State => ({ pauses: [], settings: {}, told: false, devices: null, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 4096) return undefined
    const { text, time } = headOf(line)
    const match = STEP.exec(text)
    if (match !== null) {
      const step = Number(match[1])
      const figures = pairsOf((match[2] ?? '').split(', '), ': ')
      const totalSteps = numberOf(state.settings['steps'])
      const fields = stepFigures(figures, MEANINGS)
      return [
        ...told(state),
        {
          kind: 'step',
          source: 'maxtext',
          time,
          step,
          totalSteps,
          ...fields,
          ...timeOfStep(fields.stepSeconds, state),
        },
        ...nanEvent(figures.get('loss'), { step, time }, state),
      ]
    }
    const type = EVALUATION.test(text) ? 'evaluation' : CHECKPOINT.test(text) ? 'checkpoint' : undefined
    if (type !== undefined) {
      pause(type, state)
      return [{ kind: 'event', type, time, message: text.slice(0, 1000) }]
    }
    return readSetup(text, state) ?? (REMARK.test(text) ? [] : undefined)
  },
})
