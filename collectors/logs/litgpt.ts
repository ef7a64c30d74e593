/** LitGPT and Lit-GPT before it: a line an iteration, which is a micro-batch; `(step)` marks those that end in a step. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, valueOf } from './figures'
import { defineFormat, type LogLine } from './format'
import { numbersBy, precisionOf, type Settings } from './settings'
import { numberOf } from './values'

type State = { settings: { [name: string]: string }; open: boolean; told: string; step: number | null; nan: boolean }

/** `Epoch 1 | iter 10 step 5 | loss train: 10.1, val: n/a | iter time: 98.2 ms (step) remaining time: 0:01:54` */
const ITERATION =
  /^(?:Epoch|Ep) \d{1,9} \| iter (\d{1,12})(?: \||,)? st[Ee]p (\d{1,12})(?: \||:) loss train(?: \(curr\))?: (\S{1,32}), \w{0,16} ?val\w{0,8}(?: \([^)]{1,30}\))?: \S{1,32} \| iter time: ([\d.]{1,16} m?s)( \((?:opt\.)?step\))?(?: remaining time: .{1,40})?$/
/**
 * In 2023: `iter 0 step 0: loss 10.9, LR: 0.00003, iter time: 2034.11ms (optimizer.step)`, with hours left behind it; in early
 * 2024 with a bar before `step`.
 */
const OLD =
  /^iter (\d{1,12})(?:,| \|)? step (\d{1,12}): loss (\S{1,32}?),(?: LR: (\S{1,32}),)?(?: iter)? time: ([\d.]{1,16} ?ms)( \(optimizer\.step\))?.{0,200}$/
const EVALUATION =
  /^iter (\d{1,12}): val loss \S{1,32}, val time: [\d.]{1,16} ?ms$|^step \d{1,12}: val loss \S{1,32}, val time: [\d.]{1,16} ?ms$|^Final evaluation \| val loss: /
const CHECKPOINT = /^Saving checkpoint to ['"]?\S{1,1000}?['"]?$/
const PARAMETERS = /^(?:Total parameters:?|Number of (?:non-)?trainable parameters:) ([\d,]{1,24})$/
/** Both are dicts: the whole one of the model, and the first lines of the settings, which are printed one below the other. */
const MODEL = /^Loading model .{0,200}with \{(.{1,4000})\}(?:\.{3})?$/
const SETTINGS = /^\{'(?:access_token|checkpoint_dir|data|devices|eval|model_name|name|precision)': /
const REMARK =
  /^(?:Measured TFLOPs: |Estimated TFLOPs: |Time to instantiate model: |Verifying settings \.{3}$|Validating \.{3}$|Training time: |Memory used: |\| - (?:Total tokens|Training Time|Tok\/sec|Memory Used)\s{0,8}: |\| (?:Performance|Memory Usage)$|The longest sequence length in the train data is )/
const NAMES: Readonly<Record<string, string>> = {
  n_layer: 'layers',
  n_embd: 'hiddenSize',
  n_head: 'attentionHeads',
  n_query_groups: 'keyValueHeads',
  intermediate_size: 'ffnHiddenSize',
  padded_vocab_size: 'vocabularySize',
  block_size: 'sequenceLength',
  max_seq_length: 'sequenceLength',
  n_expert: 'experts',
  n_expert_per_token: 'activeExperts',
  parameters: 'parameters',
}
const KEPT = new Set([
  ...Object.keys(NAMES),
  'devices',
  'num_nodes',
  'precision',
  'global_batch_size',
  'micro_batch_size',
  'optimizer',
])

function configOf(settings: Settings): RecordOf<'config'> {
  const { devices, nodes = 1 } = numbersBy(settings, { devices: 'devices', num_nodes: 'nodes' })
  return {
    kind: 'config',
    framework: 'litgpt',
    model: numbersBy(settings, NAMES),
    parallelism: { worldSize: devices === undefined ? undefined : devices * nodes },
    batch: numbersBy(settings, { micro_batch_size: 'micro', global_batch_size: 'global' }),
    precision: precisionOf(settings.get('precision')),
  }
}

function told(state: State): WireRecord[] {
  const record = configOf(new Map(Object.entries(state.settings)))
  const text = JSON.stringify(record)
  if (text === state.told) return []
  state.told = text
  return [record]
}

function takeSettings(text: string, state: State): void {
  for (const [, dictName, argument, value = ''] of text.matchAll(
    /(?:'(\w{1,60})': |\b(\w{1,60})=)('[^']{0,100}'|[\w.+-]{1,60})/g,
  )) {
    const name = dictName ?? argument ?? ''
    if (KEPT.has(name) && value !== 'None') state.settings[name] ??= value.replaceAll("'", '')
  }
}

function readSetup(text: string, state: State): WireRecord[] | undefined {
  const model = MODEL.exec(text)
  if (model !== null) {
    takeSettings(model[1] ?? '', state)
    return told(state)
  }
  const parameters = PARAMETERS.exec(text)
  if (parameters !== null) {
    if (text.startsWith('Total')) state.settings['parameters'] = parameters[1] ?? ''
    return told(state)
  }
  if (SETTINGS.test(text)) state.open = true
  else if (!text.startsWith(' ')) state.open = false
  if (!state.open) return undefined
  takeSettings(text, state)
  if (text.endsWith('}')) state.open = false
  return []
}

/**
 * Seconds of an iteration are those of a step only where each iteration is one; else they are a time of their own.
 * The step's number stays until its last iteration is marked.
 */
function iteration(parts: readonly (string | undefined)[], rate: string | undefined, state: State): WireRecord[] {
  const [iter, step, loss, time, marked] = parts
  const seconds = valueOf(time ?? '', 'stepSeconds')
  const at = { step: Number(step) }
  const single = marked !== undefined && Number(iter) === at.step
  const isNew = marked !== undefined || at.step !== state.step
  state.step = at.step
  if (!isNew) return nanEvent(loss, at, state)
  return [
    {
      kind: 'step',
      source: 'litgpt',
      ...at,
      stepSeconds: single ? seconds : undefined,
      loss: numberOf(loss),
      learningRate: numberOf(rate),
      phases: single || seconds === undefined ? undefined : { iteration: { seconds } },
    },
    ...nanEvent(loss, at, state),
  ]
}

export const litgpt = defineFormat({
  name: 'litgpt',
  help: 'LitGPT: iterations and steps, evaluations, checkpoints, model and settings',
  origin: 'https://github.com/Lightning-AI/litgpt/blob/main/litgpt/pretrain.py',
  begin: (): State => ({ settings: {}, open: false, told: '', step: null, nan: false }),
  parse({ text }: LogLine, state: State): WireRecord[] | undefined {
    if (text.length > 6000) return undefined
    const match = ITERATION.exec(text)
    if (match !== null) return iteration(match.slice(1), undefined, state)
    const old = OLD.exec(text)
    if (old !== null) return iteration([old[1], old[2], old[3], old[5], old[6]], old[4], state)
    if (EVALUATION.test(text)) return [{ kind: 'event', type: 'evaluation', message: text }]
    if (CHECKPOINT.test(text)) return [{ kind: 'event', type: 'checkpoint', message: text }]
    return readSetup(text, state) ?? (REMARK.test(text) ? [] : undefined)
  },
})
