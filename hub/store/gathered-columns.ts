/** Columns that grow as batches come, and are written as they lie. */
import { ConstantText, PackedNumbers } from '../../wire/packed'
import type { Column } from '../../wire/table'

/** The longest text that one field may bring: what a hostile agent can make a row cost. */
const MAX_TEXT = 64 * 1024
const FIRST_ROWS = 1024

/** Rows from one up to another. */
export type Range = readonly [from: number, to: number]

const roomFor = (rows: number, now: number) => {
  let room = Math.max(now, FIRST_ROWS)
  while (room < rows) room *= 2
  return room
}

/** Numbers by row, 0 where absent; in `nulls` 1 there. */
export class GatheredNumbers {
  private room = new Float64Array(0)
  private absences = new Uint8Array(0)
  private rows = 0

  get isEmpty(): boolean {
    return this.rows === 0
  }
  get values(): Float64Array {
    return this.room.subarray(0, this.rows)
  }
  get nulls(): Uint8Array {
    return this.absences.subarray(0, this.rows)
  }

  /** Rows `at` up to `to` of a batch: its values, else `otherwise`, else absent. What is before and was not given is absent. */
  put(column: Column | undefined, at: number, to: number, otherwise = NaN): void {
    this.reach(at)
    this.grow(to)
    const { room, absences } = this
    if (column instanceof PackedNumbers) column.copyTo(room, at)
    else if (column?.type === 'number') room.set(column.values.subarray(0, to - at), at)
    else room.fill(NaN, at, to)
    if (!Number.isNaN(otherwise))
      for (let row = at; row < to; row += 1) if (Number.isNaN(room[row])) room[row] = otherwise
    for (let row = at; row < to; row += 1) {
      const value = room[row] ?? NaN
      const isAbsent = Number.isNaN(value)
      absences[row] = isAbsent ? 1 : 0
      // -0 is stored as 0.
      room[row] = isAbsent ? 0 : value + 0
    }
    this.rows = to
  }

  /** Absent up to this row, where nothing was given. */
  reach(rows: number): void {
    if (rows <= this.rows) return
    this.grow(rows)
    this.room.fill(0, this.rows, rows)
    this.absences.fill(1, this.rows, rows)
    this.rows = rows
  }

  clear(): void {
    this.rows = 0
  }

  /** A copy of these rows. */
  pick(ranges: readonly Range[]): GatheredNumbers {
    const picked = new GatheredNumbers()
    if (this.isEmpty) return picked
    this.reach(ranges.at(-1)?.[1] ?? 0)
    for (const [from, to] of ranges) {
      const at = picked.rows
      picked.grow(at + to - from)
      picked.room.set(this.room.subarray(from, to), at)
      picked.absences.set(this.absences.subarray(from, to), at)
      picked.rows = at + to - from
    }
    return picked
  }

  private grow(rows: number): void {
    if (rows <= this.room.length) return
    const [values, absences] = [this.room, this.absences]
    this.room = new Float64Array(roomFor(rows, values.length))
    this.absences = new Uint8Array(this.room.length)
    this.room.set(values)
    this.absences.set(absences)
  }
}

/** Texts by row as places in a dictionary, in which '' is the first: absent is ''. */
export class GatheredTexts {
  keys = ['']
  private places = new Map<string, number>([['', 0]])
  private room = new Uint32Array(0)
  private rows = 0

  get isEmpty(): boolean {
    return this.rows === 0
  }
  /** Into `keys`. */
  get indices(): Uint32Array {
    return this.room.subarray(0, this.rows)
  }

  /** Rows `at` up to `to` of a batch; absent where there is no column of texts. */
  put(column: Column | undefined, at: number, to: number): void {
    if (column === undefined || column.type === 'number') return this.reach(to)
    this.reach(at)
    this.grow(to)
    // Half a JSON text is none: too long is absent.
    const clipped = (entry: string) =>
      entry.length <= MAX_TEXT ? entry : column.type === 'json' ? '' : entry.slice(0, MAX_TEXT)
    const { room } = this
    if (column instanceof ConstantText) {
      const entry = column.dictionary[column.index]
      room.fill(entry === undefined ? 0 : this.place(clipped(entry)), at, to)
    } else {
      const own = column.dictionary.map(entry => this.place(clipped(entry)))
      for (let row = at; row < to; row += 1) room[row] = own[column.values[row - at] ?? -1] ?? 0
    }
    this.rows = to
  }

  /** Absent up to this row, where nothing was given. */
  reach(rows: number): void {
    if (rows <= this.rows) return
    this.grow(rows)
    this.room.fill(0, this.rows, rows)
    this.rows = rows
  }

  clear(): void {
    this.rows = 0
    this.keys = ['']
    this.places = new Map([['', 0]])
  }

  /** A copy of these rows; the dictionary is one for both. */
  pick(ranges: readonly Range[]): GatheredTexts {
    const picked = new GatheredTexts()
    if (this.isEmpty) return picked
    this.reach(ranges.at(-1)?.[1] ?? 0)
    picked.keys = this.keys
    picked.places = this.places
    for (const [from, to] of ranges) {
      const at = picked.rows
      picked.grow(at + to - from)
      picked.room.set(this.room.subarray(from, to), at)
      picked.rows = at + to - from
    }
    return picked
  }

  private place(key: string): number {
    let place = this.places.get(key)
    if (place === undefined) this.places.set(key, (place = this.keys.push(key) - 1))
    return place
  }

  private grow(rows: number): void {
    if (rows <= this.room.length) return
    const indices = this.room
    this.room = new Uint32Array(roomFor(rows, indices.length))
    this.room.set(indices)
  }
}
