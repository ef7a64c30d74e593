/** Reads one log, whatever its formats: bytes in, records out. What it remembers is plain JSON. */
import { fieldsOf, kinds } from '../../wire/metrics'
import type { WireRecord } from '../../wire/records'
import type { Json } from '../collector'
import type { LogFormat, LogLine } from './format'
import { formats as allFormats } from './index'
import { cleanLines, LineSplitter } from './line'
import { Teller } from './tell'

/** Characters of a line beyond which it is no line of any log: a dump, or binary. */
const MOST_CHARACTERS = 65_536

export interface LogReader {
  /** Records of the lines that this chunk completes. `at`: when it was read, Unix seconds; absent for a saved file. */
  push(chunk: Buffer, at?: number): WireRecord[]
  /** Records held back for lines that could have followed. For a log that has been still for a while. */
  flush(at?: number): WireRecord[]
  /** The unfinished last line and what was held back. */
  end(at?: number): WireRecord[]
  /** What to begin another reader with at `consumed`: a copy, so that it stays what it is. */
  state(): Json
  /** Bytes read so far up to the end of the last finished line. */
  readonly consumed: number
  readonly counts: { linesRead: number; linesUnread: number }
}

export interface LogReaderOptions {
  readonly formats?: Iterable<LogFormat> | undefined
  /** What `state()` gave; anything else begins afresh. */
  readonly state?: Json | undefined
  /** Tells each line as well, as said by this log. */
  readonly tells?: string | undefined
  /** What it knows of each format; of its own where absent. */
  readonly memory?: LogMemory
}

/** Shapes of lines that are kept in mind: a script prints a few kinds of lines. */
const MOST_SHAPES = 256
const MOST_SHAPED = 2000
/** A line with its digits alike: what no format knows of it, it does not know with other digits. */
const shapeOf = (text: string) => text.replaceAll(/\d/g, '0')

const NOTHING: readonly WireRecord[] = []

type Entry = { readonly format: LogFormat; readonly state: Json }
interface Saved {
  last: string | undefined
  states: { [name: string]: Json }
}

function savedState(state: Json | undefined): Saved {
  if (typeof state !== 'object' || state === null || Array.isArray(state)) return { last: undefined, states: {} }
  const { last, states } = state
  const good = typeof states === 'object' && states !== null && !Array.isArray(states)
  return { last: typeof last === 'string' ? last : undefined, states: good ? states : {} }
}

/** A state of an older version may lack members: those are as at the beginning. */
function entryOf(format: LogFormat, saved: Json | undefined): Entry {
  const begin = format.begin()
  const both = typeof begin === 'object' && begin !== null && typeof saved === 'object' && saved !== null
  return { format, state: both ? { ...begin, ...structuredClone(saved) } : begin }
}

/**
 * What is remembered of each format. Streams of one job share it: a trainer writes its losses to one and draws the bar, which
 * says of which step they are, on the other.
 */
export class LogMemory {
  readonly entries: readonly Entry[]
  readonly own: readonly Entry[]
  readonly general: readonly Entry[]
  /**
   * Shapes of lines that no format of a framework knew since one last knew a line: only what it knows changes its state,
   * so it would not know them now. Most lines of a log may be nobody's, or any script's.
   */
  readonly strange = new Set<string>()

  constructor(formats: Iterable<LogFormat>, saved: Saved['states'] = {}) {
    this.entries = [...formats].map(format => entryOf(format, saved[format.name]))
    this.own = this.entries.filter(({ format }) => format.general !== true)
    this.general = this.entries.filter(({ format }) => format.general === true)
  }
}

class Reader implements LogReader {
  readonly counts = { linesRead: 0, linesUnread: 0 }
  private readonly splitter = new LineSplitter()
  private readonly memory: LogMemory
  private last: Entry | undefined
  private readonly teller: Teller | undefined

  constructor({ formats = allFormats, state, tells, memory }: LogReaderOptions) {
    this.teller = tells === undefined ? undefined : new Teller(tells)
    const saved = savedState(state)
    this.memory = memory ?? new LogMemory(formats, saved.states)
    this.last = this.memory.entries.find(entry => entry.format.name === saved.last)
  }

  get consumed(): number {
    return this.splitter.consumed
  }

  push(chunk: Buffer, at?: number): WireRecord[] {
    return this.readAll(this.splitter.push(chunk), at)
  }

  flush(at?: number): WireRecord[] {
    return this.memory.entries.flatMap(entry => stamped(entry.format.flush?.(entry.state) ?? [], at))
  }

  end(at?: number): WireRecord[] {
    return [...this.readAll(this.splitter.end(), at), ...this.flush(at)]
  }

  state(): Json {
    const states = Object.fromEntries(this.memory.entries.map(({ format, state }) => [format.name, state]))
    return structuredClone({ last: this.last?.format.name ?? null, states })
  }

  private readAll(lines: readonly string[], at: number | undefined): WireRecord[] {
    const all: WireRecord[] = []
    for (const raw of lines)
      for (const line of cleanLines(raw, at)) for (const record of this.readLine(line, at)) all.push(record)
    return all
  }

  private readLine(line: LogLine, at: number | undefined): readonly WireRecord[] {
    if (line.text === '') return NOTHING
    const before = this.last
    const records = line.text.length > MOST_CHARACTERS ? undefined : (this.offer(line) ?? this.offerPasted(line))
    if (records === undefined) this.counts.linesUnread += 1
    else this.counts.linesRead += 1
    const closed = before !== undefined && (records === undefined || this.last !== before)
    const held = closed ? (before.format.flush?.(before.state) ?? NOTHING) : NOTHING
    // After what it tells: in a saved log a line without a time is of the moment of its record.
    const told = this.teller?.tell(line, at) ?? NOTHING
    const own = records ?? NOTHING
    return stamped(held.length === 0 && told.length === 0 ? own : [...held, ...own, ...told], line.time)
  }

  /** Logs are pasted into documents and threads with an indentation of their own. */
  private offerPasted(line: LogLine): WireRecord[] | undefined {
    const text = line.text.trimStart()
    return text === line.text ? undefined : this.offer({ ...line, text })
  }

  private offer(line: LogLine): WireRecord[] | undefined {
    // Lines of one kind come together. A general format waits for its turn: it could read another's.
    const first = this.last?.format.general === true ? undefined : this.last
    const again = first?.format.parse(line, first.state)
    if (again !== undefined) {
      this.memory.strange.clear()
      return again
    }
    const shape = line.text.length > MOST_SHAPED ? undefined : shapeOf(line.text)
    if (shape === undefined || !this.memory.strange.has(shape)) {
      const records = this.ask(this.memory.own, line, first)
      if (records !== undefined) {
        this.memory.strange.clear()
        return records
      }
      if (shape !== undefined && this.memory.strange.size < MOST_SHAPES) this.memory.strange.add(shape)
    }
    return this.ask(this.memory.general, line, undefined)
  }

  private ask(entries: readonly Entry[], line: LogLine, asked: Entry | undefined): WireRecord[] | undefined {
    for (const entry of entries) {
      if (entry === asked) continue
      const records = entry.format.parse(line, entry.state)
      if (records === undefined) continue
      this.last = entry
      return records
    }
    return undefined
  }
}

const FIELDS = new Map(
  kinds.map(kind => [kind, fieldsOf(kind).map(([name, field]) => [name, field.type === 'json'] as const)]),
)

/** Records as the catalogue has them: its order of fields, what is absent left out, the line's time where there is none. */
function stamped(records: readonly WireRecord[], time: number | undefined): readonly WireRecord[] {
  if (records.length === 0) return records
  return records.map(record => {
    const values = record as Readonly<Record<string, unknown>>
    const kept: Record<string, unknown> = { kind: record.kind }
    for (const [name, isJson] of FIELDS.get(record.kind) ?? []) {
      const said = values[name] ?? (name === 'time' ? time : undefined)
      const value = isJson ? withoutAbsent(said) : said
      if (value !== undefined) kept[name] = value
    }
    return kept as WireRecord
  })
}

/** Without the members that are undefined; undefined where none is left. */
function withoutAbsent(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return members.length === 0 ? undefined : Object.fromEntries(members)
}

export function createLogReader(options: LogReaderOptions = {}): LogReader {
  return new Reader(options)
}
