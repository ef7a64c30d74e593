/** A column of numbers that grows, as wide as its values need. */
export type Values = Float64Array | Uint32Array | Uint8Array

export const KINDS = {
  float64: Float64Array,
  uint32: Uint32Array,
  uint8: Uint8Array,
}
export type ColumnKind = keyof typeof KINDS

export class Column {
  private values: Values
  private count: number

  /** With `values` it is these, and is not added to. */
  constructor(
    readonly kind: ColumnKind,
    values?: Values,
  ) {
    this.values = values ?? new KINDS[kind](1024)
    this.count = values?.length ?? 0
  }
  get length(): number {
    return this.count
  }
  /** What it holds, without its room for more. */
  get held(): Values {
    return this.values.subarray(0, this.count)
  }
  push(value: number): void {
    if (this.count === this.values.length) {
      const more = new KINDS[this.kind](2 * this.count)
      more.set(this.values)
      this.values = more
    }
    this.values[this.count] = value
    this.count += 1
  }
  set(row: number, value: number): void {
    this.values[row] = value
  }
  at(row: number): number {
    return this.values[row] ?? NaN
  }
}

/** Columns of one length, by name. */
export type Columns<N extends string> = Readonly<Record<N, Column>>
