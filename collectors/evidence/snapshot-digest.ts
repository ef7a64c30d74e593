/** A memory snapshot as the page shows it: the largest of everything, the rest in sums. Pure; bounded. */
import { CATEGORIES, type DeviceSnapshot, type SnapshotDigest } from '../../wire/memory-snapshot'
import { categories } from './category'
import { courseOf, lifetimesOf, type Lifetimes } from './lifetimes'
import { memoryOf, type DeviceMemory } from './snapshot'
import { Trace, type Segment, type Snapshot } from './snapshot-read'
import type { Stacks } from './stacks'

const POINTS = 1200
const MOST_ALLOCATIONS = 6000
const MOST_HOLDERS = 1500
const MOST_SEGMENTS = 1500
const MOST_BLOCKS = 40_000
const MOST_FRAMES = 64
const STATES = { active: 0, awaiting: 1, inactive: 2 } as const

/** Stacks and frames under new numbers: only those that something shown names. */
class Names {
  readonly frames: SnapshotDigest['frames'] = []
  readonly stacks: number[][] = []
  private readonly byStack = new Map<number, number>()
  private readonly byFrame = new Map<number, number>()

  constructor(private readonly all: Stacks) {}

  stack = (stack: number): number => {
    const known = this.byStack.get(stack)
    if (known !== undefined) return known
    const frames = Array.from(this.all.of(stack).subarray(0, MOST_FRAMES), frame => this.frame(frame))
    const number = this.stacks.push(frames) - 1
    this.byStack.set(stack, number)
    return number
  }
  private frame(frame: number): number {
    const known = this.byFrame.get(frame)
    if (known !== undefined) return known
    const number = this.frames.push(this.all.frames[frame] ?? { file: '??', line: 0, name: '??' }) - 1
    this.byFrame.set(frame, number)
    return number
  }
}

interface Shown {
  readonly names: Names
  readonly categoryOf: (stack: number) => number
}

/** The size from which on an allocation is one of the largest. */
function leastOf({ bytes }: Lifetimes): number {
  const sizes = Float64Array.from({ length: bytes.length }, (_, row) => bytes.at(row)).sort()
  return sizes[Math.max(0, sizes.length - MOST_ALLOCATIONS)] ?? 0
}

function allocationsOf(lives: Lifetimes, least: number, { names, categoryOf }: Shown): DeviceSnapshot['allocations'] {
  const found: DeviceSnapshot['allocations'] = { begin: [], end: [], bytes: [], stack: [], category: [] }
  for (let row = 0; row < lives.begin.length && found.begin.length < MOST_ALLOCATIONS; row += 1) {
    const bytes = lives.bytes.at(row)
    if (bytes < least || bytes === 0) continue
    const stack = lives.stack.at(row)
    found.begin.push(lives.begin.at(row))
    found.end.push(lives.end.at(row))
    found.bytes.push(bytes)
    found.stack.push(names.stack(stack))
    found.category.push(categoryOf(stack))
  }
  return found
}

/** What allocations below `least` hold at each entry of the course, by category. */
function restOf(lives: Lifetimes, least: number, entries: readonly number[], { categoryOf }: Shown): number[][] {
  const changes = CATEGORIES.map(() => new Float64Array(entries.length + 1))
  const every = Math.max(1, (entries[0] ?? 0) + 1)
  for (let row = 0; row < lives.begin.length; row += 1) {
    const bytes = lives.bytes.at(row)
    if (bytes >= least) continue
    const own = changes[categoryOf(lives.stack.at(row))]
    if (own === undefined) continue
    const from = Math.floor(lives.begin.at(row) / every)
    const to = Math.min(entries.length, Math.floor(lives.end.at(row) / every))
    own[from] = (own[from] ?? 0) + bytes
    own[to] = (own[to] ?? 0) - bytes
  }
  return changes.map(change => {
    let level = 0
    return entries.map((_, at) => Math.max(0, (level += change[at] ?? 0)))
  })
}

function holdersOf(lives: Lifetimes, at: number, { names, categoryOf }: Shown): DeviceSnapshot['holders'] {
  const held = new Map<number, { bytes: number; count: number }>()
  for (let row = 0; row < lives.begin.length; row += 1) {
    if (lives.begin.at(row) > at || lives.end.at(row) <= at) continue
    const stack = lives.stack.at(row)
    const own = held.get(stack) ?? { bytes: 0, count: 0 }
    held.set(stack, { bytes: own.bytes + lives.bytes.at(row), count: own.count + 1 })
  }
  const largest = [...held].sort(([, one], [, other]) => other.bytes - one.bytes).slice(0, MOST_HOLDERS)
  return {
    stack: largest.map(([stack]) => names.stack(stack)),
    bytes: largest.map(([, { bytes }]) => bytes),
    count: largest.map(([, { count }]) => count),
    category: largest.map(([stack]) => categoryOf(stack)),
  }
}

function segmentsOf(
  own: readonly Segment[],
  { names, categoryOf }: Shown,
): Pick<DeviceSnapshot, 'segments' | 'omitted'> {
  let blocks = 0
  const sorted = own.toSorted((one, other) => other.size - one.size)
  const shown = sorted.filter((segment, index) => {
    blocks += segment.blocks.length
    return index < MOST_SEGMENTS && blocks <= MOST_BLOCKS
  })
  const left = sorted.filter(segment => !shown.includes(segment))
  return {
    segments: shown
      .toSorted((one, other) => one.address - other.address)
      .map(segment => ({
        address: `0x${segment.address.toString(16)}`,
        bytes: segment.size,
        stream: segment.stream,
        pool: segment.expandable ? `${segment.pool}, expandable` : segment.pool,
        state: segment.blocks.map(({ state }) => STATES[state]),
        size: segment.blocks.map(({ size }) => size),
        stack: segment.blocks.map(({ stack }) => names.stack(stack)),
        category: segment.blocks.map(({ stack }) => categoryOf(stack)),
      })),
    omitted: { segments: left.length, bytes: left.reduce((sum, { size }) => sum + size, 0) },
  }
}

function deviceOf(memory: DeviceMemory, { segments, traces }: Snapshot, shown: Shown): DeviceSnapshot {
  const own = segments.filter(({ device }) => device === memory.device)
  const trace = traces[memory.device] ?? new Trace()
  const lives = lifetimesOf(trace, own)
  const course = courseOf(trace, { active: memory.activeBytes, reserved: memory.reservedBytes }, POINTS)
  const least = leastOf(lives)
  const outOfMemory = []
  for (let entry = 0; entry < trace.length; entry += 1) {
    if (trace.actionAt(entry) !== 'oom') continue
    const size = trace.size.at(entry)
    const stack = shown.names.stack(trace.stack.at(entry))
    const requestedBytes = Number.isFinite(size) ? size : null
    outOfMemory.push({ entry, requestedBytes, freeBytes: trace.free.get(entry) ?? null, stack })
  }
  const { peakBytes, peakEntry, ...columns } = course
  return {
    device: memory.device,
    entries: trace.length,
    reservedBytes: memory.reservedBytes,
    allocatedBytes: memory.allocatedBytes,
    requestedBytes: memory.requestedBytes,
    holeBytes: memory.holeBytes,
    largestFreeBytes: memory.largestFreeBytes,
    peakBytes,
    peakEntry,
    outOfMemory: outOfMemory.slice(-64),
    course: { ...columns, restBytes: restOf(lives, least, course.entry, shown) },
    allocations: allocationsOf(lives, least, shown),
    holders: holdersOf(lives, peakEntry, shown),
    ...segmentsOf(own, shown),
  }
}

export function digestOf(snapshot: Snapshot): SnapshotDigest {
  const names = new Names(snapshot.stacks)
  const shown = { names, categoryOf: categories(snapshot.stacks) }
  const devices = memoryOf(snapshot).map(memory => deviceOf(memory, snapshot, shown))
  return { frames: names.frames, stacks: names.stacks, devices }
}
