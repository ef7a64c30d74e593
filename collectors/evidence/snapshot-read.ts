/**
 * Reads a snapshot of PyTorch's caching allocator, `torch.cuda.memory._dump_snapshot()`, as it comes: each entry of the trace
 * and each segment goes into columns at once, so that half a gigabyte is never held as objects.
 * https://github.com/pytorch/pytorch/blob/main/torch/csrc/cuda/memory_snapshot.cpp
 */
import { PlumblineError } from '../../base/errors'
import { PickleList, streamPickle, type PickleDict, type PickleValue } from '../pickle/read'
import { Column } from './columns'
import { Stacks } from './stacks'
import { amountIn, listIn, member, numberIn, textIn } from './tree'

/** What the allocator does, as the trace names it. `snapshot` and whatever is unknown have no effect. */
export const ACTIONS = [
  ...['alloc', 'free_requested', 'free_completed', 'segment_alloc', 'segment_free', 'segment_map', 'segment_unmap'],
  ...['oom', 'snapshot', 'other'],
] as const
export type Action = (typeof ACTIONS)[number]

/** A row an entry, in the order in which it happened. */
export class Trace {
  readonly action = new Column('uint8')
  readonly address = new Column('float64')
  readonly size = new Column('float64')
  /** Microseconds since the Unix epoch; NaN before PyTorch 2.2. */
  readonly time = new Column('float64')
  readonly stack = new Column('uint32')
  /** Streams by number, in the order in which the snapshot names them. */
  readonly stream = new Column('uint8')
  /** Of an `oom`: bytes free on the device. */
  readonly free = new Map<number, number>()

  get length(): number {
    return this.action.length
  }
  actionAt(row: number): Action {
    return ACTIONS[this.action.at(row)] ?? 'other'
  }
}

export type BlockState = 'active' | 'awaiting' | 'inactive'
export interface Block {
  readonly address: number
  readonly size: number
  /** What was asked for, before it was rounded up. */
  readonly requested: number
  /** `awaiting`: its tensor is gone, a stream still uses it. */
  readonly state: BlockState
  readonly stack: number
}
export interface Segment {
  readonly device: number
  readonly address: number
  readonly size: number
  /** By number, as in a trace. */
  readonly stream: number
  /** `large`, `small`, as the allocator calls its pools. */
  readonly pool: string
  readonly expandable: boolean
  readonly blocks: readonly Block[]
}
export interface Snapshot {
  readonly stacks: Stacks
  readonly segments: readonly Segment[]
  /** By device. */
  readonly traces: readonly Trace[]
}

export interface SnapshotLimits {
  /** Entries of all traces: some 30 bytes each. */
  readonly entries: number
  /** Blocks of all segments: a small file can name one list of them again and again. */
  readonly blocks: number
}
const LIMITS: SnapshotLimits = { entries: 16_000_000, blocks: 2_000_000 }
const MOST_DEVICES = 1024
/** More are told as one. */
const MOST_STREAMS = 255
const STATES: Readonly<Record<string, BlockState>> = {
  active_allocated: 'active',
  active_pending_free: 'awaiting',
  active_awaiting_free: 'awaiting',
  inactive: 'inactive',
}

const tooMany = (what: string, most: number) =>
  new PlumblineError(`more than ${most} ${what} in a memory snapshot`, {
    fix: 'dump fewer entries: max_entries of torch.cuda.memory._record_memory_history',
  })

class Watcher {
  readonly stacks = new Stacks()
  readonly segments: Segment[] = []
  readonly traces = new Map<PickleList, Trace>()
  private readonly streams = new Map<number, number>([[0, 0]])
  private entries = 0
  private blocks = 0

  constructor(private readonly limits: SnapshotLimits) {}

  replace = (key: string, list: PickleList): PickleValue | undefined =>
    key === 'frames' ? this.stacks.numberOf(list) : undefined

  take = (dict: PickleDict, list: PickleList): boolean => {
    if (dict.has('action')) this.entry(dict, list)
    else if (dict.has('blocks') && dict.has('total_size')) this.segments.push(this.segment(dict))
    else return false
    return true
  }

  private entry(dict: PickleDict, list: PickleList): void {
    this.entries += 1
    if (this.entries > this.limits.entries) throw tooMany('entries', this.limits.entries)
    const trace = this.traces.get(list) ?? new Trace()
    if (trace.length === 0) this.traces.set(list, trace)
    const action = ACTIONS.indexOf((textIn(dict, 'action') ?? 'other') as Action)
    trace.action.push(action === -1 ? ACTIONS.indexOf('other') : action)
    trace.address.push(numberIn(dict, 'addr') ?? NaN)
    trace.size.push(amountIn(dict, 'size') ?? NaN)
    const time = amountIn(dict, 'time_us') ?? 0
    trace.time.push(time === 0 ? NaN : time)
    trace.stack.push(this.stackOf(dict))
    trace.stream.push(this.streamOf(dict))
    const free = ACTIONS[action] === 'oom' ? amountIn(dict, 'device_free') : undefined
    if (free !== undefined) trace.free.set(trace.length - 1, free)
  }

  /** Frames that were not named by a list under `frames` are none. */
  private stackOf(dict: unknown): number {
    const stack = member(dict, 'frames')
    return typeof stack === 'number' && stack < this.stacks.count ? stack : 0
  }

  /** A snapshot names a stream by its address; the default one is 0. */
  private streamOf(dict: PickleDict): number {
    const stream = numberIn(dict, 'stream') ?? 0
    const number = this.streams.get(stream) ?? Math.min(MOST_STREAMS, this.streams.size)
    if (number < MOST_STREAMS) this.streams.set(stream, number)
    return number
  }

  private segment(dict: PickleDict): Segment {
    const start = amountIn(dict, 'address') ?? 0
    let at = start
    const listed = listIn(dict, 'blocks')
    this.blocks += listed.length
    if (this.blocks > this.limits.blocks) throw tooMany('blocks', this.limits.blocks)
    const blocks = listed.map(block => {
      const size = amountIn(block, 'size') ?? 0
      // Blocks lie one behind the other; only newer snapshots say where.
      const address = amountIn(block, 'address') ?? at
      at = address + size
      return this.block(block, address, size)
    })
    const sum = blocks.reduce((all, { size }) => all + size, 0)
    return {
      device: Math.min(MOST_DEVICES - 1, Math.trunc(amountIn(dict, 'device') ?? 0)),
      address: start,
      size: amountIn(dict, 'total_size') ?? sum,
      stream: this.streamOf(dict),
      pool: (textIn(dict, 'segment_type') ?? 'large').slice(0, 40),
      expandable: member(dict, 'is_expandable') === true,
      blocks,
    }
  }

  private block(block: unknown, address: number, size: number): Block {
    // Before PyTorch 2.1 a block had a `history` of allocations with frames instead of frames.
    const history = listIn(block, 'history')[0]
    return {
      address,
      size,
      requested: amountIn(block, 'requested_size') ?? numberIn(history, 'real_size') ?? size,
      state: STATES[textIn(block, 'state') ?? ''] ?? 'active',
      stack: this.stackOf(block) || this.stackOf(history),
    }
  }
}

/** Undefined when it is no snapshot. Throws a PlumblineError on what cannot be read. */
export async function readSnapshot(
  chunks: AsyncIterable<Buffer>,
  limits: SnapshotLimits = LIMITS,
): Promise<Snapshot | undefined> {
  const watcher = new Watcher(limits)
  const root = await streamPickle(chunks, watcher)
  // The oldest snapshots are the list of segments alone.
  const lists = member(root, 'device_traces')
  if (!Array.isArray(member(root, 'segments')) && !(Array.isArray(root) && watcher.segments.length > 0))
    return undefined
  const traces = (lists instanceof PickleList ? lists : []).slice(0, MOST_DEVICES)
  return {
    stacks: watcher.stacks,
    segments: watcher.segments,
    traces: Array.from(
      traces,
      list => (list instanceof PickleList ? watcher.traces.get(list) : undefined) ?? new Trace(),
    ),
  }
}
