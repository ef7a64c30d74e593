/**
 * A snapshot as it is kept beside its file, in columns: what the page asks of half a gigabyte is answered from the few columns that
 * it concerns, without reading the pickle again. Pure: where columns lie is whoever keeps them to say.
 */
import { z } from 'zod'
import { HELD_KINDS, type HeldKind } from '../../wire/memory-snapshot'
import { blockLives } from './block-lives'
import { categories } from './category'
import { Column, KINDS, type ColumnKind } from './columns'
import { bySize, LIFE_NAMES, livesFrom, type Lives } from './lives'
import { segmentLives } from './segment-lives'
import { devicesOf } from './snapshot'
import { Trace, type Snapshot } from './snapshot-read'
import type { Frame, StackTable } from './stacks'

/** Columns by name: whole, or some of their rows. */
export interface ColumnSource {
  /** What was kept with them. */
  readonly about: unknown
  column(name: string, kind: ColumnKind): Column
  part(name: string, kind: ColumnKind, from: number, to: number): Column
}
const aboutSchema = z.object({
  frames: z.array(z.object({ file: z.string(), line: z.number(), name: z.string() })),
  /** Entries of the trace of each device. */
  devices: z.array(z.object({ device: z.number(), entries: z.number() })),
})
export interface Kept {
  readonly about: z.infer<typeof aboutSchema>
  readonly columns: ReadonlyMap<string, Column>
}

const ENTRY_COLUMNS = {
  action: 'uint8',
  address: 'float64',
  size: 'float64',
  time: 'float64',
  stack: 'uint32',
  stream: 'uint8',
} as const satisfies Record<string, ColumnKind>
type EntryColumn = keyof typeof ENTRY_COLUMNS
const ENTRY_NAMES = Object.keys(ENTRY_COLUMNS) as EntryColumn[]

const entryName = (device: number, name: EntryColumn) => `${device} entry ${name}`
const lifeName = (device: number, of: HeldKind, name: string) => `${device} ${of} ${name}`

/** Of each stack, where its frames end among all of them. */
function stackColumns(stacks: StackTable): [ends: Column, frames: Column] {
  const [ends, frames] = [new Column('uint32'), new Column('uint32')]
  for (let stack = 0; stack < stacks.count; stack += 1) {
    for (const frame of stacks.of(stack)) frames.push(frame)
    ends.push(frames.length)
  }
  return [ends, frames]
}

export function keep({ segments, traces, stacks }: Snapshot): Kept {
  const columns = new Map<string, Column>()
  const devices = devicesOf({ segments, traces }).map(device => {
    const trace = traces[device] ?? new Trace()
    const own = segments.filter(segment => segment.device === device)
    for (const name of ENTRY_NAMES) columns.set(entryName(device, name), trace[name])
    const lives = { blocks: blockLives(trace, own), segments: segmentLives(trace, own) }
    for (const of of HELD_KINDS) {
      for (const name of LIFE_NAMES) columns.set(lifeName(device, of, name), lives[of][name])
      columns.set(lifeName(device, of, 'bySize'), bySize(lives[of]))
    }
    return { device, entries: trace.length }
  })
  const [ends, frames] = stackColumns(stacks)
  columns.set('stack ends', ends)
  columns.set('stack frames', frames)
  return { about: { frames: [...stacks.frames], devices }, columns }
}

/** Columns that are in memory. */
export function columnsOf({ about, columns }: Kept): ColumnSource {
  const column = (name: string, kind: ColumnKind) => columns.get(name) ?? new Column(kind, new KINDS[kind]())
  return { about, column, part: (name, kind, from, to) => new Column(kind, column(name, kind).held.subarray(from, to)) }
}

const frameText = ({ file, line, name }: Frame) => `${name} ${file}:${line}`.toLowerCase()

/** What is asked again and again is read once. */
export class KeptSnapshot {
  readonly devices: Kept['about']['devices']
  readonly stacks: StackTable
  /** The number of a stack's category. */
  readonly categoryOf: (stack: number) => number
  private readonly read = new Map<string, Column>()

  constructor(private readonly source: ColumnSource) {
    const { frames, devices } = aboutSchema.parse(source.about)
    const ends = source.column('stack ends', 'uint32')
    const held = source.column('stack frames', 'uint32').held
    const frameNumbers = held instanceof Uint32Array ? held : new Uint32Array()
    const of = (stack: number) => frameNumbers.subarray(stack === 0 ? 0 : ends.at(stack - 1), ends.at(stack))
    this.devices = devices
    this.stacks = { frames, count: ends.length, of }
    this.categoryOf = categories(this.stacks)
  }

  entriesOf(device: number): number {
    return this.devices.find(one => one.device === device)?.entries ?? 0
  }
  lives(device: number, of: HeldKind): Lives {
    return livesFrom((name, kind) => this.column(lifeName(device, of, name), kind))
  }
  bySize(device: number, of: HeldKind): Column {
    return this.column(lifeName(device, of, 'bySize'), 'uint32')
  }
  entry(device: number, name: EntryColumn, from: number, to: number): Column {
    return this.source.part(entryName(device, name), ENTRY_COLUMNS[name], from, to)
  }
  /** Unix seconds; null in snapshots before PyTorch 2.2. */
  timeAt(device: number, entry: number): number | null {
    const time = this.entry(device, 'time', entry, entry + 1).at(0)
    return Number.isFinite(time) ? time / 1e6 : null
  }
  /** Whether a frame of a stack holds this text. */
  matching(text: string): (stack: number) => boolean {
    const sought = text.toLowerCase()
    const frames = this.stacks.frames.map(frame => frameText(frame).includes(sought))
    const known = new Map<number, boolean>()
    return stack => {
      const before = known.get(stack)
      if (before !== undefined) return before
      const found = this.stacks.of(stack).some(frame => frames[frame] === true)
      known.set(stack, found)
      return found
    }
  }

  private column(name: string, kind: ColumnKind): Column {
    const known = this.read.get(name) ?? this.source.column(name, kind)
    this.read.set(name, known)
    return known
  }
}
