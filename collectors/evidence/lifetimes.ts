/** From the allocator's trace: each allocation with its beginning and end, and the course of what was held. */
import { Column } from './columns'
import type { Segment, Trace } from './snapshot-read'

export interface Lifetimes {
  readonly begin: Column
  /** The number of entries for what was not freed within the trace. */
  readonly end: Column
  readonly bytes: Column
  readonly stack: Column
}

/** Allocations in the order in which they began; those from before the trace begin at its first entry. */
export function lifetimesOf(trace: Trace, segments: readonly Segment[]): Lifetimes {
  const rows = trace.length
  // What lived before the trace is known by its end, or by its block: it is put in front.
  const old: [end: number, bytes: number, stack: number][] = []
  const open = new Map<number, number>()
  const starts: number[] = []
  const ends: number[] = []
  for (let row = 0; row < rows; row += 1) {
    const action = trace.actionAt(row)
    const address = trace.address.at(row)
    if (action === 'alloc') {
      open.set(address, starts.length)
      starts.push(row)
      ends.push(rows)
    } else if (action === 'free_completed') {
      const began = open.get(address)
      if (began === undefined) old.push([row, trace.size.at(row), trace.stack.at(row)])
      else ends[began] = row
      open.delete(address)
    }
  }
  for (const { blocks } of segments)
    for (const { address, size, state, stack } of blocks)
      if (state !== 'inactive' && !open.has(address)) old.push([rows, size, stack])
  const found = {
    begin: new Column('uint32'),
    end: new Column('uint32'),
    bytes: new Column('float64'),
    stack: new Column('uint32'),
  }
  const add = (begin: number, end: number, bytes: number, stack: number) => {
    found.begin.push(begin)
    found.end.push(end)
    found.bytes.push(Number.isFinite(bytes) ? bytes : 0)
    found.stack.push(stack)
  }
  for (const [end, bytes, stack] of old) add(0, end, bytes, stack)
  starts.forEach((row, index) => add(row, ends[index] ?? rows, trace.size.at(row), trace.stack.at(row)))
  return found
}

export interface Course {
  readonly entry: number[]
  readonly time: (number | null)[]
  readonly activeBytes: number[]
  readonly reservedBytes: number[]
  readonly peakBytes: number
  readonly peakEntry: number
}

const SIGNS: Readonly<Record<string, readonly ['active' | 'reserved', 1 | -1]>> = {
  alloc: ['active', 1],
  free_completed: ['active', -1],
  segment_alloc: ['reserved', 1],
  segment_map: ['reserved', 1],
  segment_free: ['reserved', -1],
  segment_unmap: ['reserved', -1],
}

/** What an entry adds; its sign turned, what was before it. */
function effect(trace: Trace, row: number): readonly ['active' | 'reserved', number] | undefined {
  const sign = SIGNS[trace.actionAt(row)]
  const size = trace.size.at(row)
  return sign === undefined || !Number.isFinite(size) ? undefined : [sign[0], sign[1] * size]
}

/** The highest of each stretch, of at most `points` stretches; the trace is undone from the end, whose state is known. */
export function courseOf(trace: Trace, end: { active: number; reserved: number }, points: number): Course {
  const level = { ...end }
  for (let row = trace.length - 1; row >= 0; row -= 1) {
    const added = effect(trace, row)
    if (added !== undefined) level[added[0]] -= added[1]
  }
  const every = Math.max(1, Math.ceil(trace.length / points))
  const course = {
    entry: [] as number[],
    time: [] as (number | null)[],
    activeBytes: [] as number[],
    reservedBytes: [] as number[],
  }
  let peakBytes = level.active
  let peakEntry = 0
  let high = { ...level }
  for (let row = 0; row < trace.length; row += 1) {
    const added = effect(trace, row)
    if (added !== undefined) level[added[0]] += added[1]
    high = { active: Math.max(high.active, level.active), reserved: Math.max(high.reserved, level.reserved) }
    if (level.active > peakBytes) [peakBytes, peakEntry] = [level.active, row]
    if ((row + 1) % every !== 0 && row !== trace.length - 1) continue
    const time = trace.time.at(row)
    course.entry.push(row)
    course.time.push(Number.isFinite(time) ? time / 1e6 : null)
    course.activeBytes.push(Math.max(0, high.active))
    course.reservedBytes.push(Math.max(0, high.reserved))
    high = { ...level }
  }
  return { ...course, peakBytes, peakEntry }
}
