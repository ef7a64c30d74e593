/**
 * Columns as a file of Parquet: numbers as DOUBLE, texts as UTF-8, absent ones null; one row group, one plain page a column,
 * nothing compressed. Pure. Layout and field numbers: https://github.com/apache/parquet-format (parquet.thrift, Encodings.md).
 *
 *     "PAR1" | pages | metadata | length of the metadata u32 | "PAR1"          (little-endian)
 *     page:  header (Thrift, compact) | length of the levels u32 | levels, a bit a row: 1 has a value | values
 */
import type { NamedColumn } from './csv'

const MAGIC = [0x50, 0x41, 0x52, 0x31]
const DOUBLE = 5
const BYTE_ARRAY = 6
const OPTIONAL = 1
const UTF8 = 0
const PLAIN = 0
const RLE = 3

/** Values of Thrift's compact protocol, each with its type. */
type Value =
  | { readonly type: 5; readonly number: number }
  | { readonly type: 6; readonly number: number }
  | { readonly type: 8; readonly text: string }
  | { readonly type: 9; readonly of: 5 | 8 | 12; readonly items: readonly Value[] }
  | { readonly type: 12; readonly fields: Readonly<Record<number, Value>> }

const int = (number: number): Value => ({ type: 5, number })
const long = (number: number): Value => ({ type: 6, number })
const text = (value: string): Value => ({ type: 8, text: value })
const list = (of: 5 | 8 | 12, items: readonly Value[]): Value => ({ type: 9, of, items })
const struct = (fields: Readonly<Record<number, Value>>): Value => ({ type: 12, fields })

const utf8 = new TextEncoder()

class Bytes {
  private readonly parts: Uint8Array[] = []
  length = 0

  add(bytes: ArrayLike<number>): void {
    this.parts.push(Uint8Array.from(bytes))
    this.length += bytes.length
  }

  varint(value: number): void {
    const bytes: number[] = []
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
    this.add([...bytes, rest])
  }

  uint32(value: number): void {
    this.add([value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24])
  }

  /** A struct ends with a zero; its fields are numbered by the distance from the one before. */
  thrift(value: Value): void {
    if (value.type === 5 || value.type === 6) return this.varint(value.number * 2)
    if (value.type === 8) {
      const bytes = utf8.encode(value.text)
      this.varint(bytes.length)
      return this.add(bytes)
    }
    if (value.type === 9) {
      const { length } = value.items
      this.add([(Math.min(15, length) << 4) | value.of])
      if (length >= 15) this.varint(length)
      return value.items.forEach(item => this.thrift(item))
    }
    let last = 0
    for (const [id, field] of Object.entries(value.fields)) {
      this.add([((Number(id) - last) << 4) | field.type])
      this.thrift(field)
      last = Number(id)
    }
    this.add([0])
  }

  whole(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.length)
    let at = 0
    for (const part of this.parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }
}

/** One run of bits, eight rows a byte, the first row lowest. */
function levelsOf(values: NamedColumn['values']): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8))
  values.forEach((value, row) => {
    if (value !== null) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7))
  })
  const levels = new Bytes()
  levels.varint(bits.length * 2 + 1)
  levels.add(bits)
  return levels.whole()
}

const isText = ({ values }: NamedColumn) => values.some(value => typeof value === 'string')

function pageOf(column: NamedColumn): Uint8Array {
  const page = new Bytes()
  const levels = levelsOf(column.values)
  page.uint32(levels.length)
  page.add(levels)
  const known = column.values.filter(value => value !== null)
  if (!isText(column)) {
    page.add(new Uint8Array(Float64Array.from(known, Number).buffer))
    return page.whole()
  }
  for (const value of known) {
    const bytes = utf8.encode(String(value))
    page.uint32(bytes.length)
    page.add(bytes)
  }
  return page.whole()
}

interface Chunk {
  readonly column: NamedColumn
  readonly at: number
  readonly bytes: number
}

function addColumn(file: Bytes, column: NamedColumn): Chunk {
  const at = file.length
  const page = pageOf(column)
  const head = struct({ 1: int(column.values.length), 2: int(PLAIN), 3: int(RLE), 4: int(RLE) })
  file.thrift(struct({ 1: int(0), 2: int(page.length), 3: int(page.length), 5: head }))
  file.add(page)
  return { column, at, bytes: file.length - at }
}

const typeOf = (column: NamedColumn) => int(isText(column) ? BYTE_ARRAY : DOUBLE)

function chunkMetadata({ column, at, bytes }: Chunk): Value {
  const about = struct({
    1: typeOf(column),
    2: list(5, [int(PLAIN), int(RLE)]),
    3: list(8, [text(column.name)]),
    4: int(0),
    5: long(column.values.length),
    6: long(bytes),
    7: long(bytes),
    9: long(at),
  })
  return struct({ 2: long(at), 3: about })
}

function schemaOf(columns: readonly NamedColumn[]): Value[] {
  const element = (column: NamedColumn) =>
    struct({
      1: typeOf(column),
      3: int(OPTIONAL),
      4: text(column.name),
      ...(isText(column) && { 6: int(UTF8) }),
    })
  return [struct({ 4: text('schema'), 5: int(columns.length) }), ...columns.map(element)]
}

/** All columns are of one length. */
export function toParquet(columns: readonly NamedColumn[]): Uint8Array<ArrayBuffer> {
  const rows = long(columns[0]?.values.length ?? 0)
  const file = new Bytes()
  file.add(MAGIC)
  const chunks = columns.map(column => addColumn(file, column))
  const group = struct({ 1: list(12, chunks.map(chunkMetadata)), 2: long(file.length), 3: rows })
  const start = file.length
  file.thrift(
    struct({ 1: int(1), 2: list(12, schemaOf(columns)), 3: rows, 4: list(12, [group]), 6: text('Plumbline') }),
  )
  file.uint32(file.length - start)
  file.add(MAGIC)
  return file.whole()
}
