/**
 * Columns as they lie in a frame. Whoever wants single values has them unpacked at the first question; who lays columns
 * end to end copies them from the frame, and most columns of most frames are nothing but that.
 */
import type { NumberColumn, TextColumn } from './table'

/** Little-endian f64 from `offset` on: one for each row, or one for all. What is not finite is absent. */
export class PackedNumbers implements NumberColumn {
  readonly type = 'number'
  private unpacked: Float64Array | undefined

  constructor(
    private readonly view: DataView,
    private readonly offset: number,
    private readonly rows: number,
    private readonly isConstant: boolean,
  ) {}

  get values(): Float64Array {
    if (this.unpacked === undefined) this.copyTo((this.unpacked = new Float64Array(this.rows)), 0)
    return this.unpacked ?? new Float64Array(0)
  }
  set values(values: Float64Array) {
    this.unpacked = values
  }

  copyTo(target: Float64Array, at: number): void {
    const { view, offset, rows } = this
    if (this.isConstant) {
      const value = view.getFloat64(offset, true)
      target.fill(Number.isFinite(value) ? value : NaN, at, at + rows)
      return
    }
    for (let row = 0; row < rows; row += 1) {
      const value = view.getFloat64(offset + row * 8, true)
      target[at + row] = Number.isFinite(value) ? value : NaN
    }
  }
}

/** One text, or none, in every row. */
export class ConstantText implements TextColumn {
  private interned: Map<string, number> | undefined
  private unpacked: Int32Array | undefined

  constructor(
    readonly type: 'text' | 'json',
    readonly dictionary: string[],
    private readonly rows: number,
    /** Into `dictionary`; -1 where absent. */
    readonly index: number,
  ) {}

  get indices(): Map<string, number> {
    return (this.interned ??= new Map())
  }
  get values(): Int32Array {
    return (this.unpacked ??= new Int32Array(this.rows).fill(this.index))
  }
  set values(values: Int32Array) {
    this.unpacked = values
  }
}
