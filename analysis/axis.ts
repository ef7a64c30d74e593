/** The distinct numbers of a column, ascending, and where each of them stands: the rows or columns of a matrix. */

/** Whole numbers that lie within so many of each other are looked up in a table. */
const MOST_TABLE = 1 << 24

export class Axis {
  readonly values: Float64Array
  private readonly table: Int32Array | undefined
  private readonly map: ReadonlyMap<number, number> | undefined
  private readonly least: number

  /** What is not finite is left out. */
  constructor(column: ArrayLike<number>) {
    let [least, greatest, isWhole] = [Infinity, -Infinity, true]
    for (let row = 0; row < column.length; row += 1) {
      const value = column[row] ?? NaN
      if (!Number.isFinite(value)) continue
      if (value < least) least = value
      if (value > greatest) greatest = value
      isWhole &&= Number.isInteger(value)
    }
    this.least = least
    if (isWhole && greatest - least < MOST_TABLE) {
      this.table = new Int32Array(Math.max(0, greatest - least + 1) || 0).fill(-1)
      this.values = this.fromTable(column, this.table)
    } else {
      this.values = Float64Array.from(new Set(Array.from(column).filter(Number.isFinite))).sort()
      this.map = new Map(Array.from(this.values, (value, place) => [value, place]))
    }
  }

  private fromTable(column: ArrayLike<number>, table: Int32Array): Float64Array {
    for (let row = 0; row < column.length; row += 1) {
      const value = column[row] ?? NaN
      if (Number.isFinite(value)) table[value - this.least] = 0
    }
    let count = 0
    for (let at = 0; at < table.length; at += 1) if (table[at] === 0) table[at] = count++
    const values = new Float64Array(count)
    for (let at = 0; at < table.length; at += 1) {
      const place = table[at] ?? -1
      if (place >= 0) values[place] = this.least + at
    }
    return values
  }

  /** -1 for what is not there. */
  place(value: number): number {
    return (this.table === undefined ? this.map?.get(value) : this.table[value - this.least]) ?? -1
  }
}
