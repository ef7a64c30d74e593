/** A stretch of the trace: its largest allocations each by itself, the others in sums. Pure; bounded. */
import { CATEGORIES } from '../../wire/memory-categories'
import type { SnapshotWindow, WindowAsked } from '../../wire/memory-snapshot'
import type { KeptSnapshot } from './kept-snapshot'
import { levelsOf, type Span } from './levels'
import type { Lives } from './lives'
import { Names } from './names'

const POINTS = 1200
const MOST_ALLOCATIONS = 6000

/** Rows that are held at some time in the span. */
const isWithin = ({ begin, end }: Lives, row: number, { from, to }: Span) => begin.at(row) <= to && end.at(row) > from

/** The largest within the span, and how many there are. */
function largest(kept: KeptSnapshot, { device, of }: WindowAsked, span: Span, counts: (row: number) => boolean) {
  const lives = kept.lives(device, of)
  const order = kept.bySize(device, of)
  const rows: number[] = []
  let count = 0
  let found = 0
  for (let place = 0; place < order.length; place += 1) {
    const row = order.at(place)
    if (!isWithin(lives, row, span)) continue
    count += 1
    if (!counts(row)) continue
    found += 1
    if (rows.length < MOST_ALLOCATIONS && lives.bytes.at(row) > 0) rows.push(row)
  }
  return { rows: rows.sort((one, other) => one - other), count, found }
}

/** Stretches of entries, of which each is told by its last. */
interface Slots {
  readonly span: Span
  readonly every: number
  readonly count: number
}
function slotsOf(span: Span): Slots {
  const entries = span.to - span.from + 1
  const every = Math.max(1, Math.ceil(entries / POINTS))
  return { span, every, count: Math.ceil(entries / every) }
}
const lastOf = ({ span, every }: Slots, slot: number) => Math.min(span.to, span.from + (slot + 1) * every - 1)

function highest(levels: Float64Array, { every, count }: Slots): number[] {
  return Array.from({ length: count }, (_, slot) =>
    levels.subarray(slot * every, (slot + 1) * every).reduce((most, level) => Math.max(most, level), 0),
  )
}

/** What is not told by itself holds at the end of each slot, by category. */
function restOf(
  lives: Lives,
  { span, every, count }: Slots,
  shown: ReadonlySet<number>,
  categoryOf: (stack: number) => number,
): number[][] {
  const sums = CATEGORIES.map(() => new Float64Array(count + 1))
  for (let row = 0; row < lives.begin.length; row += 1) {
    if (shown.has(row) || !isWithin(lives, row, span)) continue
    const own = sums[categoryOf(lives.stack.at(row))]
    if (own === undefined) continue
    const bytes = lives.bytes.at(row)
    const from = Math.max(0, Math.floor((lives.begin.at(row) - span.from) / every))
    const to = Math.min(count, Math.floor((lives.end.at(row) - span.from) / every))
    own[from] = (own[from] ?? 0) + bytes
    own[to] = (own[to] ?? 0) - bytes
  }
  return sums.map(changes => {
    let level = 0
    return Array.from({ length: count }, (_, slot) => (level += changes[slot] ?? 0))
  })
}

function told(lives: Lives, rows: readonly number[], names: Names, kept: KeptSnapshot): SnapshotWindow['allocations'] {
  const stacks = rows.map(row => lives.stack.at(row))
  return {
    begin: rows.map(row => lives.begin.at(row)),
    end: rows.map(row => lives.end.at(row)),
    bytes: rows.map(row => lives.bytes.at(row)),
    address: rows.map(row => lives.address.at(row)),
    stack: stacks.map(names.stack),
    category: stacks.map(kept.categoryOf),
  }
}

export function windowOf(kept: KeptSnapshot, asked: WindowAsked): SnapshotWindow {
  const { device, of, find } = asked
  const last = Math.max(0, kept.entriesOf(device) - 1)
  const from = Math.min(asked.from, last)
  const span = { from, to: Math.max(from, Math.min(asked.to, last)) }
  const slots = slotsOf(span)
  const lives = kept.lives(device, of)
  const matches = find === undefined || find === '' ? undefined : kept.matching(find)
  const counts = (row: number) => matches?.(lives.stack.at(row)) ?? true
  const { rows, count, found } = largest(kept, asked, span, counts)
  const names = new Names(kept.stacks)
  const entry = Array.from({ length: slots.count }, (_, slot) => lastOf(slots, slot))
  const most = (levels: Float64Array) => levels.reduce((one, other) => Math.max(one, other), 0)
  return {
    ...span,
    course: {
      entry,
      time: entry.map(one => kept.timeAt(device, one)),
      heldBytes: highest(levelsOf(lives, span), slots),
      reservedBytes: highest(levelsOf(kept.lives(device, 'segments'), span), slots),
      restBytes: restOf(lives, slots, new Set(rows), kept.categoryOf),
    },
    allocations: told(lives, rows, names, kept),
    count,
    found: matches === undefined ? null : { count: found, bytes: most(levelsOf(lives, span, counts)) },
    ...names.named,
  }
}
