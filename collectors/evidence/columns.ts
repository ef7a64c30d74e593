/** A column of numbers that grows, as wide as its values need. */
type Values = Float64Array | Uint32Array | Uint8Array

const KINDS = {
  float64: (length: number) => new Float64Array(length),
  uint32: (length: number) => new Uint32Array(length),
  uint8: (length: number) => new Uint8Array(length),
}

export class Column {
  length = 0
  private values: Values

  constructor(private readonly kind: keyof typeof KINDS) {
    this.values = KINDS[kind](1024)
  }
  push(value: number): void {
    if (this.length === this.values.length) {
      const more = KINDS[this.kind](2 * this.length)
      more.set(this.values)
      this.values = more
    }
    this.values[this.length] = value
    this.length += 1
  }
  at(row: number): number {
    return this.values[row] ?? NaN
  }
}
