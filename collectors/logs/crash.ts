/** How jobs die, whatever the framework: out of memory, timeouts, tracebacks, signals, as `event` records. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { readFatal, readLauncher, type RootCause } from './crash-launcher'
import { readOutOfMemory, readTimeout } from './crash-memory'
import { closeReport, closeReports, holdReport, readReportLine, type OpenReports } from './crash-xla'
import { defineFormat, type LogLine } from './format'

type State = {
  /** Lines so far of the traceback that a rank is printing; the key is the rank, or `-`. */
  open: { [rank: string]: number }
  rootCause: RootCause | null
  reports: OpenReports
}

const BEGIN = 'Traceback (most recent call last):'
/** Behind a rank prefix one blank of the two may have gone with it. */
const isFrame = ({ text, rank }: LogLine) => (rank === undefined ? /^\s{2,200}\S/ : /^\s{1,200}\S/).test(text)
const CHAIN =
  /^(?:During handling of the above exception, another exception occurred:|The above exception was the direct cause of the following exception:)$/
/** `module.Name: message` with a capital in the name; a logger's `INFO:` is none. */
const EXCEPTION =
  /^(?:[A-Za-z_]\w{0,80}\.){0,12}(?!(?:INFO|WARN|WARNING|ERROR|DEBUG|CRITICAL|NCCL)\b)[A-Z]\w{0,120}(?::|$)/
const MOST_FRAMES = 1000
const MOST_RANKS = 1024
const MESSAGE_LENGTH = 4000

const clipped = (text: string) => text.trim().slice(0, MESSAGE_LENGTH)

/** What a last line of a traceback says: an error of a kind that has its own figures, or just that it ended so. */
function errorEvent(line: LogLine): RecordOf<'event'> {
  const text = clipped(line.text)
  return (
    readOutOfMemory(text, line.rank) ??
    readTimeout(text, line.rank) ?? { kind: 'event', type: 'traceback', rank: line.rank, message: text }
  )
}

function close(state: State, key: string): void {
  state.open = Object.fromEntries(Object.entries(state.open).filter(([open]) => open !== key))
}

function readTraceback(line: LogLine, state: State): WireRecord[] | undefined {
  const key = line.rank === undefined ? '-' : String(line.rank)
  if (line.text.endsWith(BEGIN)) {
    if (Object.keys(state.open).length < MOST_RANKS) state.open[key] = 0
    return []
  }
  if (CHAIN.test(line.text)) return []
  const frames = state.open[key]
  if (frames === undefined) return undefined
  if (isFrame(line)) {
    if (frames >= MOST_FRAMES) close(state, key)
    else state.open[key] = frames + 1
    return []
  }
  if (!EXCEPTION.test(line.text)) return undefined
  close(state, key)
  return [errorEvent(line)]
}

export const crash = defineFormat({
  name: 'crash',
  help: 'how a job dies: out of memory, collective timeouts, Python tracebacks, signals, launcher reports',
  origin: 'https://github.com/pytorch/pytorch/blob/main/c10/cuda/CUDACachingAllocator.cpp',
  begin: (): State => ({ open: {}, rootCause: null, reports: {} }),
  parse(line: LogLine, state: State) {
    if (readReportLine(line.text, line.rank, state)) return []
    const records = readLine(line, state)
    if (records === undefined) return undefined
    return [...closeReport(line.rank, state), ...records.flatMap(record => held(record, line, state))]
  },
  flush: (state: State) => closeReports(state),
})

/** NCCL's own lines have a reader of their own. */
const OTHERS = /^\S.{0,400} NCCL (?:WARN|INFO) /

function readLine(line: LogLine, state: State): WireRecord[] | undefined {
  if (OTHERS.test(line.text)) return undefined
  const traceback = readTraceback(line, state)
  if (traceback !== undefined) return traceback
  const event = readOutOfMemory(clipped(line.text), line.rank) ?? readTimeout(clipped(line.text), line.rank)
  if (event !== undefined) return [event]
  return readLauncher(line.text, state) ?? readFatal(line)
}

const held = (record: WireRecord, line: LogLine, state: State): WireRecord[] =>
  record.kind === 'event' && record.type === 'oom' ? holdReport(record, line.rank, state) : [record]
