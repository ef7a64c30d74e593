/** Levanter: progress that tqdm-loggable prints as log lines, and the JSON of its own tracker. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { nanEvent, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { membersOf } from './json-members'
import { headOf } from './logger-head'
import { numbersBy, optimizerOf, precisionOf } from './settings'
import { countOf, numberOf } from './values'

type State = { evaluating: boolean; nan: boolean }

/** `Progress on:train 1.2kit/10.0kit rate:2.5it/s remaining:58:40 elapsed:08:00 postfix:loss=3.45` */
const PROGRESS =
  /^Progress on:(\S{1,80}) ([\d.]{1,16}[kMG]?)(?:it)?\/([\d.]{1,16}[kMG]?|-|\?)(?:it)? rate:([\d.]{1,16}|-)(s\/it|it\/s)? remaining:\S{1,40} elapsed:\S{1,40} postfix:(.{0,400})$/
const TRACKED = /^\{"tracker": ?"[\w.]{1,80}", ?"event": ?"(\w{1,20})"/
const MEANINGS: Meanings = {
  'train/loss': 'loss',
  'grad/norm/total': 'gradientNorm',
  'optim/learning_rate': 'learningRate',
  'throughput/tokens_per_second': 'tokensPerSecond',
  'throughput/examples_per_second': 'samplesPerSecond',
  'throughput/duration': 'stepSeconds',
  'throughput/mfu': ['mfu', 1e-2],
}
const CHECKPOINT = /^Saving (?:temporary )?checkpoint (?:at step \d{1,12}|to \S{1,1000} for step \d{1,12})/

function readProgress(text: string, time: number | undefined, state: State): WireRecord[] | undefined {
  const match = PROGRESS.exec(text)
  if (match === null) return undefined
  const [, what, done = '', total = '', rate, unit, postfix = ''] = match
  if (what !== 'train') {
    const first = !state.evaluating
    state.evaluating = true
    return first && /^eval|loss/.test(what ?? '') ? [{ kind: 'event', type: 'evaluation', time, message: text }] : []
  }
  state.evaluating = false
  const value = numberOf(rate)
  const seconds = value === undefined || value < 1e-6 ? undefined : unit === 's/it' ? value : 1 / value
  const loss = /(?:^|, )loss=([^,\s]{1,32})/.exec(postfix)?.[1]
  // Thousands are rounded: 1.2k is no step.
  const step = /[kMG]$/.test(done) ? undefined : countOf(done)
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'levanter',
    time,
    step,
    totalSteps: /[kMG]$/.test(total) ? undefined : numberOf(total),
    stepSeconds: seconds === undefined ? undefined : Number(seconds.toPrecision(3)),
    loss: numberOf(loss),
  }
  return [record, ...nanEvent(loss, { step, time }, state)]
}

const NAMES: Readonly<Record<string, string>> = {
  'model/num_layers': 'layers',
  'model/hidden_dim': 'hiddenSize',
  'model/num_heads': 'attentionHeads',
  'model/num_kv_heads': 'keyValueHeads',
  'model/intermediate_dim': 'ffnHiddenSize',
  'model/seq_len': 'sequenceLength',
  'model/max_seq_len': 'sequenceLength',
  train_seq_len: 'sequenceLength',
  'model/n_routed_experts': 'experts',
  'model/num_experts_per_tok': 'activeExperts',
  parameter_count: 'parameters',
}

/** The whole config as the tracker is told of it, and what is known once the model is built. */
function readSettings(members: ReadonlyMap<string, string>, time: number | undefined): WireRecord[] {
  const settings = new Map([...members].map(([name, value]) => [name.replace(/^(?:hparams|metrics)\//, ''), value]))
  const model = numbersBy(settings, NAMES)
  // Parameters and what is computed are told apart: `p=f32,c=bf16`.
  const policy = settings.get('trainer/mp')
  const record: RecordOf<'config'> = {
    kind: 'config',
    time,
    framework: 'levanter',
    model,
    parallelism: numbersBy(settings, { num_devices: 'worldSize', 'trainer/model_axis_size': 'tensor' }),
    batch: numbersBy(settings, { 'trainer/train_batch_size': 'global', 'trainer/per_device_parallelism': 'micro' }),
    precision: precisionOf(/c=(\w{1,16})/.exec(policy ?? '')?.[1] ?? policy),
    optimizer: optimizerOf(settings.get('optimizer/type')),
  }
  return Object.keys(model).length > 0 ? [record] : []
}

function readTracked(text: string, time: number | undefined, state: State): WireRecord[] | undefined {
  const event = TRACKED.exec(text)?.[1]
  if (event === undefined) return undefined
  const members = membersOf(text)
  if (members === undefined) return []
  if (event === 'hparams' || event === 'summary') return readSettings(members, time)
  if (event !== 'log') return []
  const figures = new Map([...members].map(([name, value]) => [name.replace(/^metrics[./]/, ''), value]))
  const step = numberOf(figures.get('step'))
  const fields = stepFigures(figures, MEANINGS)
  if (Object.values(fields).some(value => value !== undefined))
    return [
      { kind: 'step', source: 'levanter', time, step, ...fields },
      ...nanEvent(figures.get('train/loss'), { step, time }, state),
    ]
  const evaluated = [...figures].filter(([name]) => name.startsWith('eval/'))
  if (evaluated.length === 0) return []
  const message = `step ${step ?? '?'}: ${evaluated.map(pair => pair.join(' ')).join(', ')}`
  return [{ kind: 'event', type: 'evaluation', time, message: message.slice(0, 1000) }]
}

export const levanter = defineFormat({
  name: 'levanter',
  help: 'Levanter: logged progress, its JSON tracker, checkpoints',
  origin: 'https://github.com/stanford-crfm/levanter/blob/main/src/levanter/callbacks/_metrics.py',
  begin: (): State => ({ evaluating: false, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 32_768) return undefined
    const { text, time, name, calm } = headOf(line)
    const records = readProgress(text, time, state) ?? readTracked(text, time, state)
    if (records !== undefined) return records
    if (name?.startsWith('levanter') !== true) return undefined
    if (CHECKPOINT.test(text)) return [{ kind: 'event', type: 'checkpoint', time, message: text.slice(0, 1000) }]
    return calm ? [] : undefined
  },
})
