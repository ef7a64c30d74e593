/** How jobs die, whatever the framework: out of memory, timeouts, tracebacks, signals, as `event` records. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { goesOn, hold, release, releaseAll, type Held } from './crash-held'
import { unwrapJson } from './crash-json'
import { readFatal, readLauncher, type RootCause } from './crash-launcher'
import { readOutOfMemory, readTimeout } from './crash-memory'
import { noPod, notePod, withPod, type Pod } from './crash-pod'
import { defineFormat, type LogLine } from './format'

type State = {
  /** The traceback that a rank is printing: its lines so far, and whether it went into pinning memory. By rank, or `-`. */
  tracebacks: { [rank: string]: { frames: number; pins: boolean } }
  rootCause: RootCause | null
  held: Held
  pod: Pod
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

/** The driver refuses pinned memory of the host in the words in which it refuses its own. */
const PINNED = { type: 'host-oom', meaning: 'the host could give no more memory that is pinned for the device' }
const PINS = /\bin _?pin_memory\b|\.pin_memory\(|cudaHostAlloc|cudaHostRegister/

/** What a last line of a traceback says: an error of a kind that has its own figures, or just that it ended so. */
function errorEvent(line: LogLine, pins: boolean): RecordOf<'event'> {
  const text = clipped(line.text)
  const memory = readOutOfMemory(text, line.rank)
  if (memory !== undefined) return pins && memory.type === 'oom' ? { ...memory, ...PINNED } : memory
  return readTimeout(text, line.rank) ?? { kind: 'event', type: 'traceback', rank: line.rank, message: text }
}

function close(state: State, key: string): void {
  state.tracebacks = Object.fromEntries(Object.entries(state.tracebacks).filter(([open]) => open !== key))
}

function readTraceback(line: LogLine, state: State): WireRecord[] | undefined {
  const key = line.rank === undefined ? '-' : String(line.rank)
  if (line.text.endsWith(BEGIN)) {
    if (Object.keys(state.tracebacks).length < MOST_RANKS) state.tracebacks[key] = { frames: 0, pins: false }
    return []
  }
  if (CHAIN.test(line.text)) return []
  const traceback = state.tracebacks[key]
  if (traceback === undefined) return undefined
  if (isFrame(line)) {
    traceback.frames += 1
    traceback.pins ||= PINS.test(line.text.slice(0, 1000))
    if (traceback.frames > MOST_FRAMES) close(state, key)
    return []
  }
  if (!EXCEPTION.test(line.text)) return undefined
  close(state, key)
  return [errorEvent(line, traceback.pins)]
}

export const crash = defineFormat({
  name: 'crash',
  help: 'how a job dies: out of memory, collective timeouts, Python tracebacks, signals, launcher reports',
  origin: 'https://github.com/pytorch/pytorch/blob/main/c10/cuda/CUDACachingAllocator.cpp',
  begin: (): State => ({ tracebacks: {}, rootCause: null, held: [], pod: noPod() }),
  parse(line: LogLine, state: State) {
    notePod(line.text, state.pod)
    if (goesOn(line.text, line.rank, state)) return []
    const said = unwrapJson(line)
    return readLine(said, state)?.flatMap(record => send(record, said.time, line.rank, state))
  },
  flush: (state: State) => releaseAll(state),
})

const MEMORY = new Set(['oom', 'host-oom'])

/** An event about memory is held back, as it may go on; it is of the moment in which it began. */
function send(record: WireRecord, time: number | undefined, rank: number | undefined, state: State): WireRecord[] {
  const timed = { ...record, time: record.time ?? time }
  if (timed.kind !== 'event' || !MEMORY.has(timed.type ?? '')) return [...release(rank, state), timed]
  return hold(withPod(timed, state.pod), rank, state)
}

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
