/** The map of what the allocator reserved: segments end to end in rows, block by block. Pure. */
import type { SnapshotMoment } from '../../../wire/memory-snapshot'

/** A block, or what is free between two. */
export interface Placed {
  /** Place of its segment. */
  readonly segment: number
  readonly address: number
  /** Where it begins among all bytes that are shown, laid end to end. */
  readonly from: number
  readonly bytes: number
  readonly state: 'in use' | 'freed, a stream still uses it' | 'free'
  /** -1 where it is free. */
  readonly category: number
  readonly stack: number
  readonly begin: number
}

type Segment = SnapshotMoment['segments'][number]

function placedOf({ address, bytes, blocks }: Segment, segment: number, from: number): Placed[] {
  const placed: Placed[] = []
  let at = address
  const put = (to: number, block: Pick<Placed, 'state' | 'category' | 'stack' | 'begin'>) => {
    if (to > at) placed.push({ segment, address: at, from: from + at - address, bytes: to - at, ...block })
    at = Math.max(at, to)
  }
  const hole = { state: 'free', category: -1, stack: 0, begin: -1 } as const
  blocks.address.forEach((begin, place) => {
    put(begin, hole)
    put(begin + (blocks.bytes[place] ?? 0), {
      state: blocks.awaiting[place] === 1 ? 'freed, a stream still uses it' : 'in use',
      category: blocks.category[place] ?? 0,
      stack: blocks.stack[place] ?? 0,
      begin: blocks.begin[place] ?? 0,
    })
  })
  put(address + bytes, hole)
  return placed
}

export function memoryMap({ segments }: SnapshotMoment): Placed[] {
  let from = 0
  return segments.flatMap((segment, place) => {
    const placed = placedOf(segment, place, from)
    from += segment.bytes
    return placed
  })
}

/** What lies at a byte, counted from the first that is shown. */
export function placedAt(placed: readonly Placed[], byte: number): Placed | undefined {
  let low = 0
  let high = placed.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((placed[middle]?.from ?? Infinity) <= byte) low = middle
    else high = middle - 1
  }
  const found = placed[low]
  return found !== undefined && byte >= found.from && byte < found.from + found.bytes ? found : undefined
}

/** A magnifying glass over a picture: how large, and which share of the whole is at its left and top. */
export interface Glass {
  readonly scale: number
  readonly left: number
  readonly top: number
}
export const NO_GLASS: Glass = { scale: 1, left: 0, top: 0 }
const MOST_SCALE = 400

const clamped = ({ scale, left, top }: Glass): Glass => {
  const most = 1 - 1 / scale
  return { scale, left: Math.min(most, Math.max(0, left)), top: Math.min(most, Math.max(0, top)) }
}
/** What is under `x` and `y`, shares of what is in sight, stays where it is. */
export function magnified({ scale, left, top }: Glass, factor: number, x: number, y: number): Glass {
  const next = Math.min(MOST_SCALE, Math.max(1, scale * factor))
  return clamped({ scale: next, left: left + x / scale - x / next, top: top + y / scale - y / next })
}
export const shifted = ({ scale, left, top }: Glass, right: number, down: number): Glass =>
  clamped({ scale, left: left + right / scale, top: top + down / scale })
