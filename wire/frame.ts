/**
 * Frames: a Batch as bytes.
 *
 *     magic "PLB2" | schema length u32 | schema | tables, in the order of the schema          (all little-endian)
 *     schema:  JSON [[kind, [column, …]], …]: the same bytes in every frame of the same columns, so that it is read once
 *     table:   rows u32 | columns
 *     column:  encoding u8 | length u32 | so many bytes
 *
 * Encodings:
 * - CONSTANT: one f64 for all rows;
 * - NUMBERS:  rows × f64, NaN where absent;
 * - TEXTS:    entries u32 | entries × (length u32, UTF-8) | rows × index, 0 where absent, else 1 + its entry. An index is a
 *             u8 up to 255 entries, a u16 up to 65,535, else a u32.
 *
 * Typed arrays are copied as they lie in memory: the processors that Node runs agents and hubs on are little-endian.
 * A frame comes from the network: decode checks every length before it allocates and throws PlumblineError on anything
 * that is not exactly a frame. Unknown kinds and columns (a newer agent) are skipped, not refused.
 */
import { z } from 'zod'
import { messageOf } from '../base/errors'
import { decodeFrame1, MAGIC_1 } from './frame-1'
import { badFrame as bad, goodTexts, MAX_FRAME_BYTES, MAX_ROWS } from './frame-parts'
import { catalogue, type Field, type Kind } from './metrics'
import { ConstantText, PackedNumbers } from './packed'
import { Batch, type Column, type Table, type TextColumn } from './table'

export { MAX_FRAME_BYTES, MAX_ROWS }

const MAGIC = 0x32424c50 // "PLB2" read as u32 LE
const PREFIX = 8
const COLUMN_HEAD = 5
const CONSTANT = 0
const NUMBERS = 1
const TEXTS = 2

const indexBytes = (entries: number) => (entries < 0x100 ? 1 : entries < 0x10000 ? 2 : 4)

function indicesOf(entries: number, rows: number): Uint8Array | Uint16Array | Uint32Array {
  const bytes = indexBytes(entries)
  return bytes === 1 ? new Uint8Array(rows) : bytes === 2 ? new Uint16Array(rows) : new Uint32Array(rows)
}
const bytesOf = (values: ArrayBufferView) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32LE(value, 0)
  return bytes
}

function isConstant(values: Float64Array, rows: number): boolean {
  const first = values[0] ?? NaN
  for (let row = 1; row < rows; row += 1) if (!Object.is(values[row], first)) return false
  return true
}

function putTexts(parts: Buffer[], { values, dictionary }: TextColumn, rows: number): number {
  const indices = indicesOf(dictionary.length, rows)
  for (let row = 0; row < rows; row += 1) indices[row] = (values[row] ?? -1) + 1
  let length = 4 + indices.byteLength
  parts.push(u32(dictionary.length))
  for (const entry of dictionary) {
    const text = Buffer.from(entry, 'utf8')
    parts.push(u32(text.length), text)
    length += 4 + text.length
  }
  parts.push(bytesOf(indices))
  return length
}

function putOne(parts: Buffer[], column: Column, rows: number): void {
  const head = Buffer.allocUnsafe(COLUMN_HEAD)
  parts.push(head)
  if (column.type !== 'number') {
    head.writeUInt8(TEXTS, 0)
    head.writeUInt32LE(putTexts(parts, column, rows), 1)
    return
  }
  const constant = isConstant(column.values, rows)
  const bytes = bytesOf(column.values.subarray(0, constant ? 1 : rows))
  head.writeUInt8(constant ? CONSTANT : NUMBERS, 0)
  head.writeUInt32LE(bytes.length, 1)
  parts.push(bytes)
}

export function encodeFrame(batch: Batch): Buffer {
  const tables = batch.tables()
  const schema = Buffer.from(JSON.stringify(tables.map(({ kind, columns }) => [kind, [...columns.keys()]])), 'utf8')
  const parts = [u32(MAGIC), u32(schema.length), schema]
  for (const table of tables) {
    parts.push(u32(table.rows))
    for (const column of table.columns.values()) putOne(parts, column, table.rows)
  }
  return Buffer.concat(parts)
}

/** What a schema says, looked up in the catalogue; `kind` and `field` are undefined where this version knows none. */
interface TableSchema {
  readonly kind: Kind | undefined
  readonly columns: readonly { readonly name: string; readonly field: Field | undefined }[]
}
const schemaSchema = z.array(z.tuple([z.string(), z.array(z.string())]))
/** Schemas that agents send: few, and each in every frame. */
const MAX_SCHEMAS = 256
const schemas = new Map<string, readonly TableSchema[]>()

function parseSchema(text: string): readonly TableSchema[] {
  const parsed = schemaSchema.parse(JSON.parse(text))
  if (new Set(parsed.map(([kind]) => kind)).size < parsed.length) throw new Error('two tables of one kind')
  return parsed.map(([name, columns]) => {
    const kind = Object.hasOwn(catalogue, name) ? (name as Kind) : undefined
    const fields: Record<string, Field> = kind === undefined ? {} : catalogue[kind]
    return {
      kind,
      columns: columns.map(column => ({
        name: column,
        field: Object.hasOwn(fields, column) ? fields[column] : undefined,
      })),
    }
  })
}

function schemaOf(text: string): readonly TableSchema[] {
  const found = schemas.get(text)
  if (found !== undefined) return found
  try {
    const fresh = parseSchema(text)
    if (schemas.size >= MAX_SCHEMAS) schemas.clear()
    schemas.set(text, fresh)
    return fresh
  } catch (error) {
    throw bad(`the schema is not understood (${messageOf(error).slice(0, 200)})`)
  }
}

/** Reads on from where it stands, and never beyond the end. */
class Reader {
  readonly view: DataView
  offset = 0
  constructor(readonly bytes: Buffer) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.bytes.length - this.offset
  }
  /** Where the next `length` bytes begin. */
  skip(length: number): number {
    if (length > this.left) throw bad('it is cut off')
    const from = this.offset
    this.offset += length
    return from
  }
  u8 = (): number => this.view.getUint8(this.skip(1))
  u32 = (): number => this.view.getUint32(this.skip(4), true)
  text(length: number): string {
    const from = this.skip(length)
    return this.bytes.toString('utf8', from, from + length)
  }
  /** An unsigned integer of 1, 2 or 4 bytes. */
  indexAt(offset: number, width: number): number {
    if (width === 1) return this.view.getUint8(offset)
    return width === 2 ? this.view.getUint16(offset, true) : this.view.getUint32(offset, true)
  }
}

function readNumbers(reader: Reader, encoding: number, length: number, rows: number): PackedNumbers {
  const count = encoding === CONSTANT ? 1 : rows
  if (length !== count * 8) throw bad(`${length} bytes for ${count} numbers`)
  return new PackedNumbers(reader.view, reader.skip(length), rows, encoding === CONSTANT)
}

function readDictionary(reader: Reader, end: number): string[] {
  const entries = reader.u32()
  // Each entry has at least its length: more than that cannot be there.
  if (entries * 4 > end - reader.offset) throw bad(`${entries} texts in ${end - reader.offset} bytes`)
  const dictionary: string[] = []
  for (let entry = 0; entry < entries; entry += 1) dictionary.push(reader.text(reader.u32()))
  return dictionary
}

function readTexts(reader: Reader, field: Field & { type: 'text' | 'json' }, length: number, rows: number): TextColumn {
  const end = reader.offset + length
  if (length > reader.left) throw bad('it is cut off')
  const dictionary = readDictionary(reader, end)
  const width = indexBytes(dictionary.length)
  const from = reader.skip(rows * width)
  if (reader.offset !== end) throw bad('a column of texts has another length than it says')
  const first = rows === 0 ? 0 : reader.indexAt(from, width)
  let isConstant = true
  for (let row = 0; row < rows; row += 1) {
    const index = reader.indexAt(from + row * width, width)
    if (index > dictionary.length) throw bad(`text ${index} of ${dictionary.length}`)
    isConstant &&= index === first
  }
  const good = goodTexts(field, dictionary)
  if (isConstant) return new ConstantText(field.type, dictionary, rows, good?.[first - 1] === false ? -1 : first - 1)
  const values = new Int32Array(rows)
  for (let row = 0; row < rows; row += 1) {
    const index = reader.indexAt(from + row * width, width) - 1
    values[row] = good?.[index] === false ? -1 : index
  }
  return { type: field.type, values, dictionary, indices: new Map() }
}

function readColumn(reader: Reader, name: string, field: Field | undefined, rows: number, table: Table | undefined) {
  const encoding = reader.u8()
  const length = reader.u32()
  if (field === undefined || table === undefined) reader.skip(length)
  else if (encoding === TEXTS) {
    if (field.type === 'number') reader.skip(length)
    else table.columns.set(name, readTexts(reader, field, length, rows))
  } else if (encoding === CONSTANT || encoding === NUMBERS) {
    if (field.type !== 'number') reader.skip(length)
    else table.columns.set(name, readNumbers(reader, encoding, length, rows))
  } else throw bad(`encoding ${encoding}`)
}

export function decodeFrame(bytes: Buffer): Batch {
  if (bytes.length > MAX_FRAME_BYTES) throw bad(`${bytes.length} bytes is over the limit of ${MAX_FRAME_BYTES}`)
  const magic = bytes.length < PREFIX ? 0 : bytes.readUInt32LE(0)
  if (magic === MAGIC_1) return decodeFrame1(bytes)
  if (magic !== MAGIC) throw bad('it does not begin with PLB2')
  const reader = new Reader(bytes)
  reader.skip(4)
  const batch = new Batch()
  let all = 0
  for (const { kind, columns } of schemaOf(reader.text(reader.u32()))) {
    const rows = reader.u32()
    all += rows
    if (all > MAX_ROWS) throw bad(`${all} rows is over the limit of ${MAX_ROWS}`)
    const table = kind === undefined ? undefined : batch.table(kind)
    for (const { name, field } of columns) readColumn(reader, name, field, rows, table)
    if (table !== undefined) table.rows = rows
  }
  if (reader.left > 0) throw bad(`${reader.left} bytes too many`)
  return batch
}
