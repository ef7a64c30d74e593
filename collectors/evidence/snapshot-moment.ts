/** What the allocator held at one moment: segments, the blocks in them, and who holds them. Pure; bounded. */
import type { MomentAsked, SnapshotMoment } from '../../wire/memory-snapshot'
import type { KeptSnapshot } from './kept-snapshot'
import type { Lives } from './lives'
import { Names } from './names'

const MOST_HOLDERS = 1500
const MOST_SEGMENTS = 1500
const MOST_BLOCKS = 40_000

/** Rows that are held after an entry, by address. */
function heldAfter({ begin, end, address }: Lives, entry: number): number[] {
  const rows: number[] = []
  for (let row = 0; row < begin.length; row += 1) if (begin.at(row) <= entry && end.at(row) > entry) rows.push(row)
  return rows.sort((one, other) => address.at(one) - address.at(other))
}

interface Held {
  readonly address: number
  bytes: number
  readonly stream: number
  readonly isExpandable: boolean
  /** Rows of the blocks, by address. */
  readonly blocks: number[]
}

/** What is mapped side by side into an expandable segment is one. */
function segmentsAfter({ address, bytes, stream, mapped, ...lives }: Lives, entry: number): Held[] {
  const found: Held[] = []
  for (const row of heldAfter({ address, bytes, stream, mapped, ...lives }, entry)) {
    const isExpandable = mapped.at(row) === 1
    const last = found.at(-1)
    const isNext = last !== undefined && last.address + last.bytes === address.at(row) && last.stream === stream.at(row)
    if (isNext && last.isExpandable && isExpandable) last.bytes += bytes.at(row)
    else
      found.push({ address: address.at(row), bytes: bytes.at(row), stream: stream.at(row), isExpandable, blocks: [] })
  }
  return found
}

/** Gives each block to its segment; what lies in none is left out: the trace began too late to tell. */
function place(blocks: readonly number[], { address }: Lives, segments: readonly Held[]): void {
  let at = 0
  for (const row of blocks) {
    const from = address.at(row)
    while (at < segments.length && from >= endOf(segments[at])) at += 1
    const segment = segments[at]
    if (segment !== undefined && from >= segment.address) segment.blocks.push(row)
  }
}
const endOf = (segment: Held | undefined) => (segment === undefined ? Infinity : segment.address + segment.bytes)

/** Free bytes between the blocks of a segment, stretch by stretch. */
function holesOf(segment: Held, { address, bytes }: Lives): number[] {
  let at = segment.address
  const holes: number[] = []
  for (const row of segment.blocks) {
    if (address.at(row) > at) holes.push(address.at(row) - at)
    at = Math.max(at, address.at(row) + bytes.at(row))
  }
  if (endOf(segment) > at) holes.push(endOf(segment) - at)
  return holes
}

/** The largest segments, by address, as many as may be told. */
function shownOf(segments: readonly Held[]): readonly Held[] {
  let blocks = 0
  return segments
    .toSorted((one, other) => other.bytes - one.bytes)
    .filter((segment, place) => (blocks += segment.blocks.length) <= MOST_BLOCKS && place < MOST_SEGMENTS)
    .sort((one, other) => one.address - other.address)
}

function holdersOf(rows: readonly number[], { bytes, stack }: Lives, kept: KeptSnapshot, names: Names) {
  const held = new Map<number, { bytes: number; count: number }>()
  for (const row of rows) {
    const own = held.get(stack.at(row)) ?? { bytes: 0, count: 0 }
    held.set(stack.at(row), { bytes: own.bytes + bytes.at(row), count: own.count + 1 })
  }
  const largest = [...held].sort(([, one], [, other]) => other.bytes - one.bytes).slice(0, MOST_HOLDERS)
  return {
    stack: largest.map(([one]) => names.stack(one)),
    bytes: largest.map(([, own]) => own.bytes),
    count: largest.map(([, own]) => own.count),
    category: largest.map(([one]) => kept.categoryOf(one)),
  }
}

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0)

export function momentOf(kept: KeptSnapshot, { device, entry }: MomentAsked): SnapshotMoment {
  const at = Math.min(entry, Math.max(0, kept.entriesOf(device) - 1))
  const lives = kept.lives(device, 'blocks')
  const blocks = heldAfter(lives, at)
  const segments = segmentsAfter(kept.lives(device, 'segments'), at)
  place(blocks, lives, segments)
  const holes = segments.map(segment => holesOf(segment, lives))
  const shown = shownOf(segments)
  const names = new Names(kept.stacks)
  return {
    entry: at,
    time: kept.timeAt(device, at),
    activeBytes: sum(blocks.map(row => lives.bytes.at(row))),
    reservedBytes: sum(segments.map(({ bytes }) => bytes)),
    holeBytes: sum(holes.flatMap((own, place) => (segments[place]?.blocks.length === 0 ? [] : own))),
    largestFreeBytes: holes.flat().reduce((most, hole) => Math.max(most, hole), 0),
    segments: shown.map(({ blocks: rows, ...segment }) => ({
      ...segment,
      blocks: {
        address: rows.map(row => lives.address.at(row)),
        bytes: rows.map(row => lives.bytes.at(row)),
        begin: rows.map(row => lives.begin.at(row)),
        awaiting: rows.map(row => (lives.asked.at(row) <= at ? 1 : 0)),
        stack: rows.map(row => names.stack(lives.stack.at(row))),
        category: rows.map(row => kept.categoryOf(lives.stack.at(row))),
      },
    })),
    omitted: {
      segments: segments.length - shown.length,
      bytes: sum(segments.map(({ bytes }) => bytes)) - sum(shown.map(({ bytes }) => bytes)),
    },
    holders: holdersOf(blocks, lives, kept, names),
    ...names.named,
  }
}
