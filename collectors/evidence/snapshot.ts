/**
 * What a snapshot of PyTorch's CUDA caching allocator says about each device: who holds memory, how much of what is
 * reserved lies in holes, how high it went, and what could not be had. Pure.
 * https://github.com/pytorch/pytorch/blob/main/torch/cuda/_memory_viz.py and
 * https://github.com/pytorch/pytorch/blob/main/torch/csrc/cuda/memory_snapshot.cpp
 */
import { amountIn, frameText, listIn, member, numberIn, textIn, Visits } from './tree'

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

/** The first Python frame is who asked. */
function frameOf(frames: readonly unknown[], visits: Visits): string | undefined {
  for (const frame of visits.each(frames.slice(0, 256))) {
    const text = frameText(frame)
    if (text !== undefined) return text
  }
  return undefined
}

/** Before PyTorch 2.1 a block had a `history` of allocations with frames instead of frames. */
function framesOf(block: unknown): readonly unknown[] {
  const own = listIn(block, 'frames')
  return own.length > 0 ? own : listIn(listIn(block, 'history')[0], 'frames')
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

  constructor(private readonly visits: Visits) {}

  segment(segment: unknown): void {
    const blocks = this.visits.each(listIn(segment, 'blocks'))
    let free = 0
    let used = 0
    for (const block of blocks) {
      const size = amountIn(block, 'size') ?? 0
      const state = textIn(block, 'state') ?? ''
      if (state === 'inactive') {
        free += size
        this.largestFree = Math.max(this.largestFree, size)
        continue
      }
      used += size
      this.active += size
      if (state === 'active_allocated') this.hold(block, size)
    }
    this.segments += 1
    this.reserved += amountIn(segment, 'total_size') ?? free + used
    if (used > 0) this.holes += free
  }

  private hold(block: unknown, size: number): void {
    this.allocated += size
    this.requested += amountIn(block, 'requested_size') ?? size
    const frame = frameOf(framesOf(block), this.visits)
    if (frame === undefined) return
    const holder = this.holders.get(frame) ?? { bytes: 0, blocks: 0 }
    this.holders.set(frame, { bytes: holder.bytes + size, blocks: holder.blocks + 1 })
  }
}

type Level = 'reserved' | 'allocated' | 'active'
/** What an action of the trace adds to a level. `alloc` stands for a tensor, `segment_*` for the device's memory. */
const EFFECTS: Readonly<Record<string, Partial<Record<Level, 1 | -1>>>> = {
  alloc: { allocated: 1, active: 1 },
  free_requested: { allocated: -1 },
  free_completed: { active: -1 },
  segment_alloc: { reserved: 1 },
  segment_map: { reserved: 1 },
  segment_free: { reserved: -1 },
  segment_unmap: { reserved: -1 },
}

function readTrace(trace: readonly unknown[], device: number, end: Tally, visits: Visits) {
  const level: Record<Level, number> = { reserved: end.reserved, allocated: end.allocated, active: end.active }
  const peak = { ...level }
  const outOfMemory: OutOfMemory[] = []
  // Backwards from the end: the trace is a ring that forgets its beginning, never its end.
  const entries = visits.each(trace)
  for (let at = entries.length - 1; at >= 0; at -= 1) {
    const entry = entries[at]
    const action = textIn(entry, 'action') ?? ''
    const size = amountIn(entry, 'size')
    if (action === 'oom') {
      const microseconds = amountIn(entry, 'time_us')
      outOfMemory.unshift({
        device,
        time: microseconds === undefined || microseconds === 0 ? undefined : microseconds / 1e6,
        requestedBytes: size,
        freeBytes: amountIn(entry, 'device_free'),
        allocatedBytes: Math.max(0, level.allocated),
        reservedBytes: Math.max(0, level.reserved),
        at: frameOf(listIn(entry, 'frames'), visits),
      })
      continue
    }
    if (!Object.hasOwn(EFFECTS, action)) continue
    for (const [name, sign] of Object.entries(EFFECTS[action] ?? {}) as [Level, number][]) {
      level[name] -= sign * (size ?? 0)
      peak[name] = Math.max(peak[name], level[name])
    }
  }
  return { peak: trace.length > 0 ? peak : undefined, outOfMemory }
}

const MOST_DEVICES = 1024
const MOST_HOLDERS = 20

/** Undefined when it is no snapshot. */
export function readSnapshot(tree: unknown): DeviceMemory[] | undefined {
  if (!Array.isArray(member(tree, 'segments'))) return undefined
  const visits = new Visits()
  const tallies = new Map<number, Tally>()
  const tallyOf = (device: number): Tally => {
    const tally = tallies.get(device) ?? new Tally(visits)
    if (tallies.size < MOST_DEVICES) tallies.set(device, tally)
    return tally
  }
  for (const segment of visits.each(listIn(tree, 'segments')))
    tallyOf(numberIn(segment, 'device') ?? 0).segment(segment)
  const traces = listIn(tree, 'device_traces').slice(0, MOST_DEVICES)
  traces.forEach((trace, device) => {
    if (Array.isArray(trace) && trace.length > 0) tallyOf(device)
  })
  return [...tallies]
    .sort(([a], [b]) => a - b)
    .map(([device, tally]) => {
      const trace = traces[device]
      const { peak, outOfMemory } = readTrace(Array.isArray(trace) ? trace : [], device, tally, visits)
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
