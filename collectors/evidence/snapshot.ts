/**
 * What a snapshot of PyTorch's caching allocator says about each device: who holds memory, how much of what is reserved lies
 * in holes, how high it went, and what could not be had. Pure.
 */
import type { Segment, Snapshot, Trace } from './snapshot-read'
import type { Frame, Stacks } from './stacks'

export interface OutOfMemory {
  readonly device: number
  /** Unix seconds; absent in snapshots before PyTorch 2.2, which carry no times. */
  readonly time: number | undefined
  readonly requestedBytes: number | undefined
  readonly freeBytes: number | undefined
  /** As of the failure: the end state with what the trace did since undone. */
  readonly allocatedBytes: number
  readonly reservedBytes: number
  readonly at: string | undefined
}

export interface Holder {
  /** The innermost Python frame, `file.py:12:function`. */
  readonly frame: string
  readonly bytes: number
  readonly blocks: number
}

export interface DeviceMemory {
  readonly device: number
  readonly segments: number
  readonly reservedBytes: number
  /** In blocks that a tensor holds. */
  readonly allocatedBytes: number
  /** The same and blocks that a stream still uses after their tensor went. */
  readonly activeBytes: number
  /** What the tensors asked for, before it was rounded up. */
  readonly requestedBytes: number
  /** Free in segments that hold something as well: it cannot go back to the device. */
  readonly holeBytes: number
  readonly largestFreeBytes: number
  /** Highest active and reserved bytes in the time that the trace covers; absent without a trace. */
  readonly peakActiveBytes: number | undefined
  readonly peakReservedBytes: number | undefined
  /** Largest first. Empty when stacks were not recorded. */
  readonly holders: readonly Holder[]
  readonly outOfMemory: readonly OutOfMemory[]
}

/** `file.py:12:function`. */
export const frameText = ({ file, line, name }: Frame): string =>
  `${file.slice(file.lastIndexOf('/') + 1).slice(-200)}:${line}:${name.slice(0, 200)}`

/** The first Python frame is who asked. */
export function callerOf(stacks: Stacks, stack: number): Frame | undefined {
  for (const number of stacks.of(stack)) {
    const frame = stacks.frames[number]
    if (frame?.file.endsWith('.py') === true) return frame
  }
  return undefined
}

const callerText = (stacks: Stacks, stack: number): string | undefined => {
  const caller = callerOf(stacks, stack)
  return caller && frameText(caller)
}

class Tally {
  segments = 0
  reserved = 0
  allocated = 0
  active = 0
  requested = 0
  holes = 0
  largestFree = 0
  readonly holders = new Map<string, { bytes: number; blocks: number }>()

  constructor(private readonly stacks: Stacks) {}

  segment({ blocks, size }: Segment): void {
    let free = 0
    for (const block of blocks) {
      if (block.state === 'inactive') {
        free += block.size
        this.largestFree = Math.max(this.largestFree, block.size)
        continue
      }
      this.active += block.size
      if (block.state === 'active') this.hold(block)
    }
    this.segments += 1
    this.reserved += size
    if (blocks.some(({ state }) => state !== 'inactive')) this.holes += free
  }

  private hold({ size, requested, stack }: Segment['blocks'][number]): void {
    this.allocated += size
    this.requested += requested
    const frame = callerText(this.stacks, stack)
    if (frame === undefined) return
    const holder = this.holders.get(frame) ?? { bytes: 0, blocks: 0 }
    this.holders.set(frame, { bytes: holder.bytes + size, blocks: holder.blocks + 1 })
  }
}

type Level = 'reserved' | 'allocated' | 'active'
/** What an action of the trace adds to a level. `alloc` stands for a tensor, `segment_*` for the device's memory. */
const EFFECTS: Readonly<Record<string, readonly (readonly [Level, 1 | -1])[]>> = {
  alloc: [
    ['allocated', 1],
    ['active', 1],
  ],
  free_requested: [['allocated', -1]],
  free_completed: [['active', -1]],
  segment_alloc: [['reserved', 1]],
  segment_map: [['reserved', 1]],
  segment_free: [['reserved', -1]],
  segment_unmap: [['reserved', -1]],
}

function readTrace(trace: Trace, device: number, end: Tally, stacks: Stacks) {
  const level: Record<Level, number> = { reserved: end.reserved, allocated: end.allocated, active: end.active }
  const peak = { ...level }
  const outOfMemory: OutOfMemory[] = []
  const known = (value: number) => (Number.isFinite(value) ? value : undefined)
  // Backwards from the end: the trace is a ring that forgets its beginning, never its end.
  for (let row = trace.length - 1; row >= 0; row -= 1) {
    const action = trace.actionAt(row)
    const size = known(trace.size.at(row))
    if (action === 'oom') {
      const time = known(trace.time.at(row))
      outOfMemory.unshift({
        device,
        time: time === undefined ? undefined : time / 1e6,
        requestedBytes: size,
        freeBytes: trace.free.get(row),
        allocatedBytes: Math.max(0, level.allocated),
        reservedBytes: Math.max(0, level.reserved),
        at: callerText(stacks, trace.stack.at(row)),
      })
      continue
    }
    for (const [name, sign] of EFFECTS[action] ?? []) {
      level[name] -= sign * (size ?? 0)
      peak[name] = Math.max(peak[name], level[name])
    }
  }
  return { peak: trace.length > 0 ? peak : undefined, outOfMemory }
}

const MOST_HOLDERS = 20

/** Devices that have a segment or a trace, in order. */
export function devicesOf({ segments, traces }: Pick<Snapshot, 'segments' | 'traces'>): number[] {
  const traced = traces.flatMap(({ length }, device) => (length > 0 ? [device] : []))
  return [...new Set([...segments.map(({ device }) => device), ...traced])].sort((one, other) => one - other)
}

export function memoryOf({ segments, traces, stacks }: Snapshot): DeviceMemory[] {
  return devicesOf({ segments, traces }).map(device => {
    const tally = new Tally(stacks)
    for (const segment of segments) if (segment.device === device) tally.segment(segment)
    const trace = traces[device]
    const { peak, outOfMemory } =
      trace === undefined ? { peak: undefined, outOfMemory: [] } : readTrace(trace, device, tally, stacks)
    return {
      device,
      segments: tally.segments,
      reservedBytes: tally.reserved,
      allocatedBytes: tally.allocated,
      activeBytes: tally.active,
      requestedBytes: tally.requested,
      holeBytes: tally.holes,
      largestFreeBytes: tally.largestFree,
      peakActiveBytes: peak?.active,
      peakReservedBytes: peak?.reserved,
      holders: [...tally.holders]
        .map(([frame, held]) => ({ frame, ...held }))
        .sort((a, b) => b.bytes - a.bytes)
        .slice(0, MOST_HOLDERS),
      outOfMemory,
    }
  })
}
