/** DeepSpeed, under whichever framework: progress, throughput, wall-clock timers, memory, its own config. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { readCollective } from './deepspeed-comms'
import { beginDump, readDump, readJsonLine, type Dump } from './deepspeed-config'
import { readProfile, type Profile } from './deepspeed-profile'
import { defineFormat, type LogLine } from './format'
import { timersOf } from './megatron-report'
import { isNotFinite, localTime, numberOf, scaled } from './values'

type State = {
  /** The optimizer step told of last, until its timers have been printed: later ones are of steps that nobody names. */
  step: number | null
  dump: Dump | null
  /** Parameters of the model were told. */
  sized: boolean
  /** The operation whose rows of the communication table are being printed. */
  operation: string | null
  profile: Profile | null
  nan: boolean
}

/** `[2026-11-23 17:35:45,123] [INFO] [logging.py:96:log_dist] message`; pdsh puts the host before it. */
const ENTRY = /\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3})\] \[[A-Z]{4,8}\] \[(\w{1,64})\.py:\d{1,6}:\w{1,64}\] ?/g
/** Files of DeepSpeed that log: others may have taken over the layout of its lines. */
const FILES =
  /^(?:logging|timer|utils|config|config_utils|engine|comm|torch|distributed|launch|runner|multinode_runner|constants|stage\w{1,20}|partition_\w{1,40}|parameter_offload|loss_scaler|\w{0,12}fused_optimizer|bf16_optimizer|fused_\w{1,12}|module|topology|checkpointing|\w{0,24}checkpoint_engine|real_accelerator|cpu_\w{1,12}|builder|lr_schedules|profiler|monitor|elastic_agent|compiler|patch_\w{1,40})$/
const MOST_ENTRIES = 64

const RANK = /^\[Rank (\d{1,8})\] (?:rank=\d{1,8} )?/
const PROGRESS = /^step=(\d{1,12}), skipped=\d{1,12}, lr=\[([^\],]{0,80})/
const THROUGHPUT =
  /^(?:epoch=\d{1,12}\/micro_step=\d{1,12}\/global_step=(\d{1,12})|\d{1,12}\/\d{1,12}), (?=.{0,80}SamplesPerSec)/
const FIGURE = /(\w{1,32})=([^,\s]{1,48})/g
const TIMERS = /^(?:rank=\d{1,8} )?time \(ms\) \| (.{1,4000})$/
const MEMORY =
  /^MA ([\d.]{1,16}) GB\s{1,16}Max_MA ([\d.]{1,16}) GB\s{1,16}CA ([\d.]{1,16}) GB\s{1,16}Max_CA ([\d.]{1,16}) GB$/
const HOST_MEMORY = /^CPU Virtual Memory: {1,4}used = [\d.]{1,16} GB, percent = [\d.]{1,8}%$/
const PIPELINE =
  /^steps: (\d{1,12}) loss: (\S{1,32}) (?:.{0,400} )?iter time \(s\): ([\d.]{1,16}) samples\/sec: (\S{1,32})$/
const CHECKPOINT = /^(?:Saving model checkpoint: |\[Torch\] Saving )\S{1,1000}model_states\.pt/
const SIZE = /^RANK=0 STAGE=\d{1,6} .{0,200} UNIQUE_PARAMS=(\d{1,16}) /

/** DeepSpeed-Chat, of each micro-batch of one device. */
const CHAT =
  /^Model Parameters: ([\d.]{1,16}) B, Latency: [\d.]{1,16}s, TFLOPs: ([\d.]{1,16}), Samples\/sec: [\d.]{1,16}, Time\/seq [\d.]{1,16}s, Batch Size: (\d{1,9}), Sequence Length: (\d{1,9})$/

const GIBIBYTE = 1024 ** 3
/** What DeepSpeed calls GB is 1024³ bytes. */
const gibibytes = (text: string | undefined) => {
  const value = numberOf(text?.replace(/GB$/, ''))
  return value === undefined ? undefined : Math.round(value * GIBIBYTE)
}

const stepOf = (state: State): RecordOf<'step'> => ({
  kind: 'step',
  source: 'deepspeed',
  step: state.step ?? undefined,
})

function readProgress(text: string, state: State): WireRecord[] | undefined {
  const progress = PROGRESS.exec(text)
  if (progress === null) return undefined
  // Step 0 is printed when the engine is built, before any step.
  state.step = numberOf(progress[1]) || null
  return state.step === null ? [] : [{ ...stepOf(state), learningRate: numberOf(progress[2]) }]
}

function readThroughput(text: string, state: State): WireRecord[] | undefined {
  const match = THROUGHPUT.exec(text)
  if (match === null) return undefined
  // The older form counts micro-batches, so its number is no step.
  if (match[1] !== undefined) state.step = Number(match[1])
  const figures = new Map([...text.slice(0, 1000).matchAll(FIGURE)].map(figure => [figure[1] ?? '', figure[2] ?? '']))
  return [
    {
      ...stepOf(state),
      samplesPerSecond: numberOf(figures.get('CurrSamplesPerSec') ?? figures.get('SamplesPerSec')),
      memoryAllocatedBytes: gibibytes(figures.get('MemAllocated')),
      memoryPeakBytes: gibibytes(figures.get('MaxMemAllocated')),
    },
  ]
}

function readTimers(text: string, rank: number | undefined, state: State): WireRecord[] | undefined {
  const match = TIMERS.exec(text)
  if (match === null) return undefined
  const phases = timersOf(match[1] ?? '')
  const step = stepOf(state)
  // Those of the whole step come last; what follows is of the next.
  if ('step' in phases) state.step = null
  return Object.keys(phases).length === 0 ? [] : [{ ...step, rank, phases }]
}

function readMemory(text: string, state: State): WireRecord[] | undefined {
  const match = text.startsWith('MA ') ? MEMORY.exec(text) : null
  if (match === null) return HOST_MEMORY.test(text) ? [] : undefined
  return [
    {
      ...stepOf(state),
      memoryAllocatedBytes: gibibytes(match[1]),
      memoryReservedBytes: gibibytes(match[3]),
      memoryPeakBytes: gibibytes(match[2]),
    },
  ]
}

function readPipeline(text: string, state: State): WireRecord[] | undefined {
  const match = PIPELINE.exec(text)
  if (match === null) return undefined
  const step = Number(match[1])
  const nan = isNotFinite(match[2])
  const message = `the loss is not a number at step ${step}`
  const event: WireRecord[] = nan && !state.nan ? [{ kind: 'event', type: 'nan-loss', message }] : []
  Object.assign(state, { step, nan })
  const figures = { loss: numberOf(match[2]), stepSeconds: numberOf(match[3]), samplesPerSecond: numberOf(match[4]) }
  return [{ ...stepOf(state), ...figures }, ...event]
}

function readSize(text: string, state: State): WireRecord[] | undefined {
  const match = state.sized ? null : SIZE.exec(text)
  if (match === null) return undefined
  state.sized = true
  return [{ kind: 'config', model: { parameters: Number(match[1]) } }]
}

function readChat(text: string, state: State): WireRecord[] | undefined {
  const match = CHAT.exec(text)
  if (match === null) return undefined
  const [parameters, teraflops, micro, sequenceLength] = match.slice(1).map(numberOf)
  const step = { ...stepOf(state), flopsPerSecondPerGpu: scaled(teraflops, 1e12) }
  if (state.sized) return [step]
  state.sized = true
  const model = { parameters: scaled(parameters, 1e9), sequenceLength }
  return [{ kind: 'config', framework: 'deepspeed', model, batch: { micro } }, step]
}

/** Lines that DeepSpeed prints with its logger or, in later years, without. */
function readBare(text: string, state: State): WireRecord[] | undefined {
  const head = RANK.exec(text)
  const message = head === null ? text : text.slice(head[0].length)
  const rank = numberOf(head?.[1])
  return (
    (head === null ? undefined : readTimers(message, rank, state)) ??
    readMemory(text.trim(), state) ??
    readPipeline(message, state) ??
    readChat(message, state) ??
    readCollective(message, state) ??
    readProfile(text, state)
  )
}

function readEntry(message: string, file: string, state: State): WireRecord[] {
  const head = RANK.exec(message)
  const text = head === null ? message : message.slice(head[0].length)
  if (CHECKPOINT.test(text) && (head === null || head[1] === '0'))
    return [{ kind: 'event', type: 'checkpoint', message: text.slice(0, 1000) }]
  const records =
    readProgress(text, state) ?? readThroughput(text, state) ?? readTimers(text, numberOf(head?.[1]), state)
  if (records !== undefined) return records
  const dumped = file === 'config' ? readDump(text, state) : undefined
  return dumped ?? readSize(text, state) ?? readBare(message, state) ?? []
}

/** Ranks print at once, so one line may hold several entries. */
function readEntries(text: string, state: State): WireRecord[] | undefined {
  if (!text.includes('] [')) return undefined
  const entries = [...text.slice(0, 16_384).matchAll(ENTRY)].slice(0, MOST_ENTRIES)
  const [first] = entries
  // What stands before may be a host or the end of another line, but no more.
  if (first === undefined || first.index > 200 || !FILES.test(first[2] ?? '')) return undefined
  return entries.flatMap((entry, place) => {
    const end = entries[place + 1]?.index
    const message = text.slice(entry.index + entry[0].length, end).trimEnd()
    const time = localTime(entry[1] ?? '')
    return readEntry(message, entry[2] ?? '', state).map(record => ({ ...record, time }))
  })
}

export const deepspeed = defineFormat({
  name: 'deepspeed',
  help: 'DeepSpeed: progress, throughput, wall-clock breakdown, memory, communication and FLOPs profiles, its config',
  origin: 'https://github.com/deepspeedai/DeepSpeed/blob/master/deepspeed/utils/timer.py',
  begin: (): State => ({
    step: null,
    dump: null,
    sized: false,
    operation: null,
    profile: null,
    nan: false,
  }),
  parse({ text }: LogLine, state: State) {
    if (beginDump(text, state)) return []
    return readEntries(text, state) ?? readJsonLine(text, state) ?? readBare(text, state)
  },
})
