/** Hugging Face Trainer: logged dicts, progress bars and the block before training. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { defineFormat, type LogLine } from './format'
import { readDict } from './python-dict'
import { readBar, type Bar } from './tqdm'
import { isNotFinite, numberOf } from './values'

type State = {
  totalSteps: number | null
  epochs: number | null
  samples: number | null
  micro: number | null
  parameters: number | null
  inBlock: boolean
  /** The last bar without description: it is the training bar once a logged dict or the block says so. */
  bar: { done: number; total: number; secondsPerItem: number | null } | null
  /** The last step that was told of by a bar. */
  told: number | null
  nan: boolean
}

const LOGGER = /^\[(?:INFO|WARNING)\|[\w.]{1,100}:\d{1,6}\] \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} >> ?/
const BLOCK = /^\*{5} Running training \*{5}$/
const ITEM = /^\s{1,8}([A-Z][\w ().,&]{3,100}?) = ([\d,.]{1,24})$/

function configOf(state: State): RecordOf<'config'> {
  return {
    kind: 'config',
    framework: 'hf-trainer',
    model: state.parameters === null ? undefined : { parameters: state.parameters },
    batch: { micro: state.micro ?? undefined, global: state.samples ?? undefined },
  }
}

function takeItem(name: string, value: number, state: State): boolean {
  if (name === 'Num Epochs') state.epochs = value
  else if (/^Instantaneous batch size per (?:device|GPU)$/.test(name)) state.micro = value
  else if (name.startsWith('Total train batch size')) state.samples = value
  else if (name === 'Total optimization steps') state.totalSteps = value
  else if (name === 'Number of trainable parameters') state.parameters = value
  return name === 'Total optimization steps' || name === 'Number of trainable parameters'
}

function readBlock(text: string, state: State): WireRecord[] | undefined {
  const plain = text.replace(LOGGER, '')
  if (BLOCK.test(plain)) {
    state.inBlock = true
    return []
  }
  if (!state.inBlock) return undefined
  const match = ITEM.exec(plain)
  const value = numberOf(match?.[2])
  if (match === null || value === undefined) return undefined
  return takeItem(match[1] ?? '', value, state) ? [configOf(state)] : []
}

const isTraining = (state: State) => state.bar !== null && state.bar.total === state.totalSteps

function takeBar(bar: Bar, state: State): WireRecord[] {
  if (bar.description !== '') return []
  // The bar of an evaluation is nested in that of the training and has another total.
  if (state.totalSteps !== null && bar.total !== state.totalSteps) return []
  state.bar = { done: bar.done, total: bar.total, secondsPerItem: bar.secondsPerItem ?? null }
  if (!isTraining(state) || bar.done === 0 || bar.done === state.told) return []
  state.told = bar.done
  return [
    {
      kind: 'step',
      source: 'hf-trainer',
      step: bar.done,
      totalSteps: bar.total,
      stepSeconds: bar.secondsPerItem,
      samples: state.samples ?? undefined,
    },
  ]
}

/** The dict names no step: the bar does, or the share of the epochs that is done. */
function stepOf(epoch: number | undefined, state: State): number | undefined {
  if (state.bar !== null && isTraining(state) && state.bar.done > 0) return state.bar.done
  if (epoch === undefined || state.epochs === null || state.totalSteps === null) return undefined
  return Math.round((epoch / state.epochs) * state.totalSteps)
}

function lossRecords(dict: ReadonlyMap<string, string>, state: State): WireRecord[] {
  if (state.totalSteps === null && state.bar !== null) state.totalSteps = state.bar.total
  const step = stepOf(numberOf(dict.get('epoch')), state)
  const nan = isNotFinite(dict.get('loss'))
  const message = `the loss is not a number at ${step === undefined ? `epoch ${dict.get('epoch')}` : `step ${step}`}`
  const event: WireRecord[] = nan && !state.nan ? [{ kind: 'event', type: 'nan-loss', message }] : []
  state.nan = nan
  return [
    {
      kind: 'step',
      source: 'hf-trainer',
      step,
      totalSteps: state.totalSteps ?? undefined,
      stepSeconds: isTraining(state) ? (state.bar?.secondsPerItem ?? undefined) : undefined,
      samples: state.samples ?? undefined,
      loss: numberOf(dict.get('loss')),
      gradientNorm: numberOf(dict.get('grad_norm')),
      learningRate: numberOf(dict.get('learning_rate')),
    },
    ...event,
  ]
}

function summary(dict: ReadonlyMap<string, string>): WireRecord[] {
  const parts = ['train_runtime', 'train_samples_per_second', 'train_steps_per_second', 'train_loss']
    .filter(key => dict.has(key))
    .map(key => `${key} ${dict.get(key)}`)
  return [{ kind: 'event', type: 'summary', message: parts.join(', ') }]
}

function takeDict(text: string, state: State): WireRecord[] | undefined {
  const dict = readDict(text)
  if (dict === undefined) return undefined
  if (dict.has('train_runtime')) return summary(dict)
  if (!dict.has('epoch')) return undefined
  if (dict.has('loss')) return lossRecords(dict, state)
  if (![...dict.keys()].some(key => key.startsWith('eval_'))) return undefined
  const parts = [...dict].map(([key, value]) => `${key} ${value}`)
  return [{ kind: 'event', type: 'evaluation', message: parts.join(', ').slice(0, 1000) }]
}

/** Bars and dicts, several on a line where the terminal would have drawn one over the other. */
function readOutput(text: string, state: State): WireRecord[] | undefined {
  const records: WireRecord[] = []
  let rest = text.trim()
  while (rest !== '') {
    const dictEnd = rest.startsWith("{'") ? rest.indexOf('}') + 1 : 0
    const bar = dictEnd > 0 ? undefined : readBar(rest)
    const found = dictEnd > 0 ? takeDict(rest.slice(0, dictEnd), state) : bar && takeBar(bar, state)
    if (found === undefined) return records.length > 0 ? records : undefined
    records.push(...found)
    rest = (bar?.rest ?? rest.slice(dictEnd)).trim()
  }
  return records
}

export const hfTrainer = defineFormat({
  name: 'hf-trainer',
  help: 'Hugging Face Trainer: logged dicts, progress bars, the block before training, the closing summary',
  origin: 'https://github.com/huggingface/transformers/blob/main/src/transformers/trainer_callback.py',
  begin: (): State => ({
    ...{ totalSteps: null, epochs: null, samples: null, micro: null, parameters: null },
    ...{ inBlock: false, bar: null, told: null, nan: false },
  }),
  parse({ text }: LogLine, state: State) {
    if (text.includes('%|') || text.trimStart().startsWith("{'")) return readOutput(text, state)
    return readBlock(text, state)
  },
})
