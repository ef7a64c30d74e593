/** prime-rl: `Step N | 1.2s | Loss 12.3 | …` of its trainers and its orchestrator, with colons in the earlier years. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { GIBIBYTE, nanEvent, stepFigures, type Meanings } from './figures'
import { defineFormat, type LogLine } from './format'
import { headOf } from './logger-head'
import { settingsOf } from './printed'
import { numbersBy, optimizerOf, type Settings } from './settings'
import { numberOf } from './values'

type State = { totalSteps: number | null; nan: boolean }

const STEP = /^(?:\[\w{1,20}\] )?Step (\d{1,12}) \| (.{1,1000})$/
const PART =
  /^(Time|Loss|Grad\. Norm|LR|Throughput|MFU|Peak Mem\.|Entropy|Mismatch KL|Reward|Max Vio|Seq\. Length|Async Level|Off-Policy Level):? (.{1,80})$/
const EVALUATION = /^(?:\[\w{1,20}\] )?(?:Validation \| Step \d{1,12} \| |Evaluated \S{1,200} )/
const TIME = /^(?:(\d{1,6})d )?(?:(\d{1,3})h ?)?(?:(\d{1,3})m ?)?(?:(\d{1,3}(?:\.\d{1,6})?)s)?$/
const TOOK = /^(?:\d{1,6}(?:\.\d{1,6})?(?:ms|[dhms])[ ]?){1,4}$/
const REMARK =
  /^(?:(?:SFT|RL) trainer finished!|Peak memory: [\d.]{1,12} GiB$|Starting (?:training step|forward and backward pass)|Saving checkpoint)/
const CHECKPOINT = /^(?:\[\w{1,20}\] )?Saving (?:\w{1,20} )?checkpoint at step \d{1,12}/
/** What is set up, and with what, as pydantic prints it. */
const SETUP =
  /^(?:Starting (?:RL|SFT) trainer in World|Initializing (?:model|model and tokenizer|optimizer|data|dataloader|data loader)) ?\((.{1,8000})\)/
const LOOP = /^Starting training loop \((?:.{0,80}, )?max_steps=(\d{1,12})\)/
const MESH = /^Building \d-D device mesh with \[(.{1,200})\], \[([\d, ]{1,80})\]$/
const AXES: Readonly<Record<string, string>> = { pp: 'pipeline', cp: 'context', tp: 'tensor', ep: 'expert' }
const MEANINGS: Meanings = {
  Loss: 'loss',
  'Grad. Norm': 'gradientNorm',
  LR: 'learningRate',
  Throughput: 'tokensPerSecond',
  MFU: 'mfu',
  'Peak Mem.': ['memoryPeakBytes', GIBIBYTE],
}

/** `600ms`, `12.3s`, `1m 5s`, `2h 3m`: from an hour on whole minutes, which are too coarse for a step. */
function secondsOf(text: string | undefined): number | undefined {
  const milliseconds = /^(\d{1,4})ms$/.exec(text ?? '')
  if (milliseconds !== null) return Number(milliseconds[1]) / 1000
  const match = text === undefined || text === '' ? null : TIME.exec(text)
  if (match === null || match[1] !== undefined || match[2] !== undefined) return undefined
  return (numberOf(match[3]) ?? 0) * 60 + (numberOf(match[4]) ?? 0)
}

function readStep(text: string, state: State): WireRecord[] | undefined {
  const match = STEP.exec(text)
  if (match === null) return undefined
  const parts = (match[2] ?? '').split('|').map(part => part.trim())
  const figures = new Map(
    parts.flatMap(part => {
      const named = PART.exec(part)
      return named === null ? [] : [[named[1] ?? '', named[2] ?? ''] as const]
    }),
  )
  // It always says the time; others' `Step 1 | Loss: 2.3` is left to them.
  if (!figures.has('Loss') && !figures.has('Reward')) return undefined
  if (!TOOK.test(figures.get('Time') ?? parts[0] ?? '')) return undefined
  const step = Number(match[1])
  const memory = figures
    .get('Peak Mem.')
    ?.replace(/\/.*?(?= |$)/, '')
    .replace(/ GiB.*$/, '')
  if (memory !== undefined) figures.set('Peak Mem.', memory)
  // Before the window of the counter has two steps it shows 0.
  for (const name of ['Throughput', 'MFU'])
    if (/^0(?:\.0)?(?:%| tokens\/s)$/.test(figures.get(name) ?? '')) figures.delete(name)
  const stepSeconds = secondsOf(figures.get('Time') ?? parts[0])
  const record: RecordOf<'step'> = {
    kind: 'step',
    source: 'prime-rl',
    step,
    totalSteps: state.totalSteps ?? undefined,
    stepSeconds,
    ...stepFigures(figures, MEANINGS),
  }
  return [record, ...nanEvent(figures.get('Loss'), { step }, state)]
}

function readMesh(text: string): WireRecord[] | undefined {
  const mesh = MESH.exec(text)
  if (mesh === null) return undefined
  const names = (mesh[1] ?? '').split(',').map(name => name.replaceAll(/[' ]/g, ''))
  const degrees = (mesh[2] ?? '').split(',').map(numberOf)
  const parallelism: Record<string, number> = {}
  names.forEach((name, index) => {
    const [axis, degree] = [name.startsWith('dp_') ? 'data' : AXES[name], degrees[index]]
    if (axis !== undefined && degree !== undefined) parallelism[axis] = (parallelism[axis] ?? 1) * degree
  })
  return [{ kind: 'config', framework: 'prime-rl', parallelism }]
}

/** Of a model: its name and how it is spread; of data: the batch, in sequences. */
function configOf(settings: Settings): RecordOf<'config'> {
  return {
    kind: 'config',
    framework: 'prime-rl',
    model: { name: settings.get('name')?.split('/').at(-1), ...numbersBy(settings, { seq_len: 'sequenceLength' }) },
    parallelism: numbersBy(settings, { world_size: 'worldSize', cp: 'context', tp: 'tensor', ep: 'expert' }),
    batch: numbersBy(settings, { batch_size: 'global', micro_batch_size: 'micro' }),
    recompute: settings.has('ac')
      ? (settings.get('ac.mode') ?? (settings.get('ac') === 'None' ? 'none' : 'full'))
      : undefined,
  }
}

function readSetup(text: string, state: State): WireRecord[] | undefined {
  const steps = numberOf(LOOP.exec(text)?.[1])
  if (steps !== undefined) {
    state.totalSteps = steps
    return []
  }
  const inside = SETUP.exec(text)?.[1]
  if (inside === undefined) return readMesh(text)
  const settings = settingsOf(inside)
  if (!text.startsWith('Initializing optimizer')) return [configOf(settings)]
  const optimizer = optimizerOf(settings.get('type'))
  return optimizer === undefined ? [] : [{ kind: 'config', framework: 'prime-rl', optimizer }]
}

export const primeRl = defineFormat({
  name: 'prime-rl',
  help: 'prime-rl: steps of its trainers and its orchestrator, validations',
  origin: 'https://github.com/PrimeIntellect-ai/prime-rl/blob/main/src/prime_rl/trainer/rl/train.py',
  begin: (): State => ({ totalSteps: null, nan: false }),
  parse(line: LogLine, state: State): WireRecord[] | undefined {
    if (line.text.length > 16_384) return undefined
    const { text, found, name, time: dated } = headOf(line)
    const records = readStep(text, state)
    if (records !== undefined) return records
    // Its logger names nobody, and no day.
    if (!found || name !== undefined || dated !== undefined) return undefined
    const type = EVALUATION.test(text) ? 'evaluation' : CHECKPOINT.test(text) ? 'checkpoint' : undefined
    if (type !== undefined) return [{ kind: 'event', type, message: text.slice(0, 1000) }]
    return readSetup(text, state) ?? (REMARK.test(text) ? [] : undefined)
  },
})
