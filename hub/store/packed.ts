/**
 * A large answer as it lies: columns of ClickHouse's Native format, read without a row or a cell becoming an object.
 * Format: https://clickhouse.com/docs/interfaces/formats/Native. Blocks stand one behind the other, each of them
 *
 *     block:   columns varint | rows varint | columns
 *     column:  name | type | values
 *     Nullable(T):  rows × u8 (1 is NULL), then T        Array(T):  rows × u64 (where each ends), then T, end to end
 *     String:  length varint | UTF-8
 */

/** What one block has of a column. */
interface Piece {
  readonly type: string
  readonly rows: number
  readonly bytes: Uint8Array
}

/** Columns by name, of one length. What is asked for as another kind than the SELECT made of it is thrown. */
export class PackedColumns {
  private readonly columns = new Map<string, Piece[]>()
  readonly rows: number = 0

  /** Throws where the bytes are no Native blocks, or have a type that is not read here. */
  constructor(bytes: Uint8Array) {
    const walk = new Walk(bytes)
    while (walk.hasMore) {
      const [columns, rows] = [walk.varint(), walk.varint()]
      this.rows += rows
      for (let column = 0; column < columns; column += 1) {
        const [name, type] = [walk.text(), walk.text()]
        const piece = { type, rows, bytes: walk.values(type, rows) }
        this.columns.set(name, [...(this.columns.get(name) ?? []), piece])
      }
    }
  }

  /** NaN where NULL or not finite. */
  numbers(name: string): Float64Array {
    return numbersOf(this.pieces(name))
  }

  texts(name: string): string[] {
    return this.pieces(name).flatMap(({ type, rows, bytes }) => {
      if (type !== 'String') throw new Error(`${name} is ${type}, no text`)
      const walk = new Walk(bytes)
      return Array.from({ length: rows }, () => walk.text())
    })
  }

  /** A list of numbers a row. */
  lists(name: string): Float64Array[] {
    return this.pieces(name).flatMap(({ type, rows, bytes }) => {
      const ends = numbersOf([{ type: 'UInt64', rows, bytes }])
      const all = numbersOf([
        { type: inside('Array', type) ?? '', rows: ends.at(-1) ?? 0, bytes: bytes.subarray(8 * rows) },
      ])
      return Array.from(ends, (end, row) => all.subarray(ends[row - 1] ?? 0, end))
    })
  }

  private pieces(name: string): Piece[] {
    const pieces = this.columns.get(name)
    if (pieces === undefined && this.rows > 0) throw new Error(`the answer has no column ${name}`)
    return pieces ?? []
  }
}

const inside = (outer: string, type: string) =>
  type.startsWith(`${outer}(`) ? type.slice(outer.length + 1, -1) : undefined

/** Numbers that lie end to end: the bytes of one, and how one is read. */
const NUMBERS = new Map<string, { readonly width: number; read(view: DataView, at: number): number }>([
  ['Float64', { width: 8, read: (view, at) => view.getFloat64(at, true) }],
  ['Float32', { width: 4, read: (view, at) => view.getFloat32(at, true) }],
  ['UInt64', { width: 8, read: (view, at) => Number(view.getBigUint64(at, true)) }],
  ['UInt32', { width: 4, read: (view, at) => view.getUint32(at, true) }],
  ['UInt8', { width: 1, read: (view, at) => view.getUint8(at) }],
])

function numbersOf(pieces: readonly Piece[]): Float64Array {
  const all = new Float64Array(pieces.reduce((sum, { rows }) => sum + rows, 0))
  let begin = 0
  for (const { type, rows, bytes } of pieces) {
    const nullable = inside('Nullable', type)
    fill(all.subarray(begin, begin + rows), nullable ?? type, bytes.subarray(nullable === undefined ? 0 : rows))
    // The store writes what it likes where a value is NULL.
    if (nullable !== undefined) for (let row = 0; row < rows; row += 1) if (bytes[row] === 1) all[begin + row] = NaN
    begin += rows
  }
  return all
}

function fill(numbers: Float64Array, type: string, bytes: Uint8Array): void {
  const number = NUMBERS.get(type)
  if (number === undefined) throw new Error(`${type} is no number`)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  // As a typed array has it, but for the place where it begins.
  if (type === 'Float64')
    new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength).set(bytes.subarray(0, numbers.byteLength))
  else for (let row = 0; row < numbers.length; row += 1) numbers[row] = number.read(view, row * number.width)
  for (let row = 0; row < numbers.length; row += 1) if (!Number.isFinite(numbers[row])) numbers[row] = NaN
}

/** Goes over the bytes of an answer. */
class Walk {
  private at = 0
  private readonly utf8 = new TextDecoder()

  constructor(private readonly bytes: Uint8Array) {}

  get hasMore(): boolean {
    return this.at < this.bytes.length
  }

  varint(): number {
    let [value, factor] = [0, 1]
    for (;;) {
      const [byte = 0] = this.take(1)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 0x80
    }
  }

  text(): string {
    return this.utf8.decode(this.take(this.varint()))
  }

  /** The bytes of so many values. */
  values(type: string, rows: number): Uint8Array {
    const begin = this.at
    this.skip(type, rows)
    return this.bytes.subarray(begin, this.at)
  }

  private skip(type: string, rows: number): void {
    const [nullable, listed, number] = [inside('Nullable', type), inside('Array', type), NUMBERS.get(type)]
    if (nullable !== undefined) {
      this.take(rows)
      this.skip(nullable, rows)
    } else if (listed !== undefined) {
      const ends = numbersOf([{ type: 'UInt64', rows, bytes: this.take(8 * rows) }])
      this.skip(listed, ends.at(-1) ?? 0)
    } else if (number !== undefined) this.take(rows * number.width)
    else if (type === 'String') for (let row = 0; row < rows; row += 1) this.take(this.varint())
    else throw new Error(`a column of ${type} is not read as it lies: select it as Float64 or as String`)
  }

  private take(length: number): Uint8Array {
    const end = this.at + length
    if (end > this.bytes.length) throw new Error('the answer of the store is cut')
    const taken = this.bytes.subarray(this.at, end)
    this.at = end
    return taken
  }
}
