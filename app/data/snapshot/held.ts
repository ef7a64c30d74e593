/** What is drawn of a stretch of a memory snapshot's trace. Pure. */
import { CATEGORIES } from '../../../wire/memory-categories'
import type { SnapshotWindow } from '../../../wire/memory-snapshot'

export interface Held {
  /** Row of `allocations`; undefined for the sum of the others of a category. */
  readonly row: number | undefined
  readonly category: number
  readonly bytes: number
  /** Bytes below it. */
  readonly from: number
}

/** The place of the course that covers an entry. */
export function placeOf({ course }: SnapshotWindow, entry: number): number {
  let low = 0
  let high = course.entry.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((course.entry[middle] ?? Infinity) < entry) low = middle + 1
    else high = middle
  }
  return low
}

/** Everything that is held at an entry, from the bottom up: the small in sums, then the large in the order they came. */
export function heldAt(window: SnapshotWindow, entry: number): Held[] {
  const place = placeOf(window, entry)
  const held: Held[] = []
  let from = 0
  const put = (row: number | undefined, category: number, bytes: number) => {
    if (bytes <= 0) return
    held.push({ row, category, bytes, from })
    from += bytes
  }
  CATEGORIES.forEach((_, category) => put(undefined, category, window.course.restBytes[category]?.[place] ?? 0))
  const { begin, end, bytes, category } = window.allocations
  for (let row = 0; row < begin.length; row += 1)
    if ((begin[row] ?? 0) <= entry && entry < (end[row] ?? 0)) put(row, category[row] ?? 0, bytes[row] ?? 0)
  return held
}

/** A stretch of one colour in a column, from the bottom up. `row` is undefined for a sum. */
export interface Band {
  readonly column: number
  readonly category: number
  readonly from: number
  readonly bytes: number
  readonly row: number | undefined
}

export interface Sweep {
  readonly from: number
  readonly to: number
  readonly columns: number
  /** Bytes below which neighbours of one category are told together. */
  readonly least: number
}

/** Rows that are held, column after column, without looking at all of them again. */
function* liveRows({ begin, end }: SnapshotWindow['allocations'], { from, to, columns }: Sweep) {
  let live: number[] = []
  let next = 0
  for (let column = 0; column < columns; column += 1) {
    const entry = Math.floor(from + ((to - from) * column) / Math.max(1, columns - 1))
    live = live.filter(row => entry < (end[row] ?? 0))
    for (; next < begin.length && (begin[next] ?? 0) <= entry; next += 1) if (entry < (end[next] ?? 0)) live.push(next)
    yield { column, entry, live }
  }
}

/** The same as `heldAt` for every column between two entries. */
export function sweep(window: SnapshotWindow, over: Sweep, put: (band: Band) => void): void {
  const { bytes, category } = window.allocations
  for (const { column, entry, live } of liveRows(window.allocations, over)) {
    const place = placeOf(window, entry)
    let from = 0
    const add = (number: number, size: number, row: number | undefined) => {
      if (size > 0) put({ column, category: number, from, bytes: size, row })
      from += size
    }
    window.course.restBytes.forEach((sums, number) => add(number, sums[place] ?? 0, undefined))
    let thin = 0
    let own = -1
    for (const row of live) {
      const size = bytes[row] ?? 0
      if (thin > 0 && (own !== category[row] || thin >= over.least || size >= over.least)) {
        add(own, thin, undefined)
        thin = 0
      }
      own = category[row] ?? 0
      if (size >= over.least) add(own, size, row)
      else thin += size
    }
    if (thin > 0) add(own, thin, undefined)
  }
}

/** Where one allocation lies in each column. */
export function trackOf(
  window: SnapshotWindow,
  row: number,
  over: Sweep,
): { column: number; from: number; bytes: number }[] {
  const { bytes } = window.allocations
  const found: { column: number; from: number; bytes: number }[] = []
  for (const { column, entry, live } of liveRows(window.allocations, over)) {
    if (!live.includes(row)) continue
    const place = placeOf(window, entry)
    const rest = window.course.restBytes.reduce((sum, own) => sum + (own[place] ?? 0), 0)
    const below = live.reduce((sum, one) => (one < row ? sum + (bytes[one] ?? 0) : sum), rest)
    found.push({ column, from: below, bytes: bytes[row] ?? 0 })
  }
  return found
}

/** The most that is held, or reserved, between two entries. */
export function mostHeld({ course }: SnapshotWindow, from: number, to: number): number {
  let most = 0
  course.entry.forEach((entry, at) => {
    const isIn = entry >= from && (course.entry[at - 1] ?? -1) < to
    if (isIn) most = Math.max(most, course.heldBytes[at] ?? 0, course.reservedBytes[at] ?? 0)
  })
  return most
}

/** The row of an allocation that is known by where and when it began. */
export function rowOf({ allocations }: SnapshotWindow, block: { begin: number; address: number } | undefined): number {
  if (block === undefined) return -1
  return allocations.begin.findIndex(
    (begin, row) => begin === block.begin && allocations.address[row] === block.address,
  )
}
