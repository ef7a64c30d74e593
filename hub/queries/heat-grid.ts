/**
 * Cells of ranks and time, kept between two questions. Time is cut at whole multiples of the width, so that a cell means the
 * same in every answer; a cell holds the highest of its samples, so that a sample that is folded in twice changes nothing.
 */
import type { HeatCells } from '../../wire/heat'

/** Cells of an answer at most: 16,384 ranks are sent in 128 columns. */
const MOST_CELLS = 1 << 21
const LEAST_COLUMNS = 64
/** A sample from a clock far ahead makes no row longer than this. */
const MOST_SLOTS = 1 << 14

/** Seconds of a column: a power of two, such that no more than `points` columns come out and each holds `least` seconds. */
export function widthOf(seconds: number, points: number, ranks: number, least: number): number {
  const columns = Math.min(points, Math.max(LEAST_COLUMNS, Math.floor(MOST_CELLS / Math.max(1, ranks))))
  return 2 ** Math.ceil(Math.log2(Math.max(seconds / columns, least, 1e-3)))
}

let grids = 0
const BORN = Date.now().toString(36)

export class HeatGrid {
  private readonly id = `${BORN}-${(grids += 1)}`
  private version = 0
  private readonly rows = new Map<number, Float32Array>()
  private readonly changedAt: number[] = []
  /** All that arrived up to here is in it. */
  receivedTo = 0

  /** From slot `first` up to and with slot `last`, Infinity where it grows. A slot is the number of widths since 1970. */
  constructor(
    readonly first: number,
    readonly last: number,
  ) {}

  covers(first: number, last: number): boolean {
    return first >= this.first && last <= this.last
  }

  /** How many slots it has from its first one up to and with `slot`. */
  slotsTo(slot: number): number {
    return Math.min(Math.min(slot, this.last) - this.first + 1, MOST_SLOTS)
  }

  /** Begins to fold what arrived since. */
  begin(): void {
    this.version += 1
  }

  fold(rank: number, slot: number, value: number): void {
    const at = slot - this.first
    if (at < 0 || slot > this.last || at >= MOST_SLOTS) return
    this.put(this.rowOf(rank, at), at, value)
  }

  /** Values of slots from the first one on; NaN where there is none. */
  foldRow(rank: number, values: ArrayLike<number>): void {
    if (values.length === 0 || values.length > MOST_SLOTS) return
    const cells = this.rowOf(rank, values.length - 1)
    for (let at = 0; at < values.length; at += 1) this.put(cells, at, values[at] ?? NaN)
  }

  private rowOf(rank: number, at: number): Float32Array {
    const had = this.rows.get(rank)
    if (had !== undefined && at < had.length) return had
    const cells = grown(had, at)
    this.rows.set(rank, cells)
    return cells
  }

  /** What is not finite is absent: of nothing the highest is below all. */
  private put(cells: Float32Array, at: number, value: number): void {
    // Comparisons with NaN are false: a known value takes the place of an absent one.
    if (!Number.isFinite(value) || value <= (cells[at] ?? NaN)) return
    cells[at] = value
    this.changedAt[at] = this.version
  }

  /** Slots `first` to `last` of all ranks; only the columns that changed, where the caller has those of `since`. */
  cells(first: number, last: number, since: string | undefined): HeatCells {
    const ranks = [...this.rows.keys()].sort((one, other) => one - other)
    const columns = last - first + 1
    const had = this.had(since, ranks.length)
    const isNews = (slot: number) =>
      had === undefined || slot < had.first || slot > had.last || (this.changedAt[slot - this.first] ?? 0) > had.version
    const sent = Array.from({ length: columns }, (_, column) => column).filter(column => isNews(first + column))
    const values = new Float32Array(ranks.length * sent.length)
    let place = 0
    for (const rank of ranks) {
      const cells = this.rows.get(rank)
      for (const column of sent) values[place++] = cells?.[first + column - this.first] ?? NaN
    }
    const version = [this.id, ranks.length, this.version, first, last].join('.')
    return had === undefined
      ? { columns, ranks, values, version }
      : { columns, ranks: [], values, version, changed: sent }
  }

  /** What of these cells, with as many ranks, a caller has who got that version; undefined where none. */
  private had(since: string | undefined, ranks: number) {
    const [id, ...counts] = since?.split('.') ?? []
    const [had = NaN, version = NaN, first = NaN, last = NaN] = counts.map(Number)
    return id === this.id && had === ranks ? { version, first, last } : undefined
  }
}

function grown(cells: Float32Array | undefined, at: number): Float32Array {
  const larger = new Float32Array(Math.max(64, Math.ceil((at + 1) * 1.5))).fill(NaN)
  if (cells !== undefined) larger.set(cells)
  return larger
}
