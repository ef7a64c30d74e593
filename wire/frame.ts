/**
 * Frames: a Batch as bytes.
 *
 *     magic "PLB1" | header length u32 LE | header JSON (UTF-8) | columns, in the order of the header
 *
 * Header: { tables: [{ kind, rows, columns: [{ name, encoding, dictionary? }] }] }. Encodings:
 * - `constant`: one f64 (number) for all rows;
 * - `plain`:    rows × f64 LE, NaN where absent;
 * - `index`:    rows × i32 LE into `dictionary`, -1 where absent.
 *
 * A frame comes from the network: decode checks every length before it allocates and throws PlumblineError on anything
 * that is not exactly a frame. Unknown kinds and columns (a newer agent) are skipped, not refused.
 */
import { z } from 'zod'
import { PlumblineError, messageOf } from '../base/errors'
import { catalogue, type Field, type Kind } from './metrics'
import { Batch, type Column, type Table } from './table'

const MAGIC = 0x31424c50 // "PLB1" read as u32 LE
const PREFIX = 8
export const MAX_FRAME_BYTES = 16 * 1024 * 1024
export const MAX_ROWS = 1_000_000

const headerSchema = z.object({
  tables: z.array(
    z.object({
      kind: z.string(),
      rows: z.number().int().min(0).max(MAX_ROWS),
      columns: z.array(
        z.object({
          name: z.string(),
          encoding: z.enum(['constant', 'plain', 'index']),
          dictionary: z.array(z.string()).optional(),
        }),
      ),
    }),
  ),
})
type Header = z.infer<typeof headerSchema>

function encodeColumn(column: Column, rows: number): { encoding: 'constant' | 'plain' | 'index'; bytes: Buffer } {
  if (column.type !== 'number') {
    const bytes = Buffer.allocUnsafe(rows * 4)
    for (let row = 0; row < rows; row += 1) bytes.writeInt32LE(column.values[row] ?? -1, row * 4)
    return { encoding: 'index', bytes }
  }
  const { values } = column
  const first = values[0] ?? NaN
  const constant = values.subarray(0, rows).every(value => Object.is(value, first))
  const count = constant ? 1 : rows
  const bytes = Buffer.allocUnsafe(count * 8)
  for (let row = 0; row < count; row += 1) bytes.writeDoubleLE(values[row] ?? NaN, row * 8)
  return { encoding: constant ? 'constant' : 'plain', bytes }
}

export function encodeFrame(batch: Batch): Buffer {
  const header: Header = { tables: [] }
  const parts: Buffer[] = []
  for (const table of batch.tables()) {
    const columns: Header['tables'][number]['columns'] = []
    for (const [name, column] of table.columns) {
      const { encoding, bytes } = encodeColumn(column, table.rows)
      columns.push({ name, encoding, ...(column.type === 'number' ? {} : { dictionary: column.dictionary }) })
      parts.push(bytes)
    }
    header.tables.push({ kind: table.kind, rows: table.rows, columns })
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8')
  const prefix = Buffer.allocUnsafe(PREFIX)
  prefix.writeUInt32LE(MAGIC, 0)
  prefix.writeUInt32LE(json.length, 4)
  return Buffer.concat([prefix, json, ...parts])
}

const bad = (why: string) =>
  new PlumblineError(`not a frame: ${why}`, { fix: 'check that agent and hub are of one version' })

function readHeader(bytes: Buffer): { header: Header; offset: number } {
  if (bytes.length > MAX_FRAME_BYTES) throw bad(`${bytes.length} bytes is over the limit of ${MAX_FRAME_BYTES}`)
  if (bytes.length < PREFIX || bytes.readUInt32LE(0) !== MAGIC) throw bad('it does not begin with PLB1')
  const length = bytes.readUInt32LE(4)
  if (PREFIX + length > bytes.length) throw bad('the header is cut off')
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8', PREFIX, PREFIX + length))
    return { header: headerSchema.parse(json), offset: PREFIX + length }
  } catch (error) {
    throw bad(`the header is not understood (${messageOf(error).slice(0, 200)})`)
  }
}

function readNumbers(bytes: Buffer, offset: number, count: number, rows: number): Float64Array {
  const values = new Float64Array(rows)
  for (let row = 0; row < count; row += 1) {
    const value = bytes.readDoubleLE(offset + row * 8)
    values[row] = Number.isFinite(value) ? value : NaN
  }
  return count === 1 ? values.fill(values[0] ?? NaN) : values
}

function readIndices(bytes: Buffer, offset: number, rows: number, entries: number): Int32Array {
  const values = new Int32Array(rows)
  for (let row = 0; row < rows; row += 1) {
    const index = bytes.readInt32LE(offset + row * 4)
    if (index < -1 || index >= entries) throw bad(`dictionary index ${index} of ${entries}`)
    values[row] = index
  }
  return values
}

/** JSON columns are checked against the catalogue once per dictionary entry; a bad entry becomes absent. */
function checkedDictionary(field: Field, dictionary: readonly string[], values: Int32Array): string[] {
  if (field.type !== 'json') return [...dictionary]
  const good = dictionary.map(entry => {
    try {
      return field.schema.safeParse(JSON.parse(entry)).success
    } catch {
      return false
    }
  })
  if (good.includes(false)) {
    for (let row = 0; row < values.length; row += 1) if (good[values[row] ?? -1] === false) values[row] = -1
  }
  return [...dictionary]
}

function putColumn(table: Table, field: Field, name: string, column: Column): void {
  if ((field.type === 'number') === (column.type === 'number')) table.columns.set(name, column)
}

export function decodeFrame(bytes: Buffer): Batch {
  const { header, offset: start } = readHeader(bytes)
  const batch = new Batch()
  let offset = start
  for (const { kind, rows, columns } of header.tables) {
    const known = Object.hasOwn(catalogue, kind) ? (kind as Kind) : undefined
    const table = known === undefined ? undefined : batch.table(known)
    if (table !== undefined && table.rows > 0) throw bad(`two tables of kind ${kind}`)
    for (const { name, encoding, dictionary } of columns) {
      const size = encoding === 'constant' ? 8 : rows * (encoding === 'plain' ? 8 : 4)
      if (offset + size > bytes.length) throw bad(`column ${kind}.${name} is cut off`)
      const fields: Record<string, Field> = known === undefined ? {} : catalogue[known]
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined
      if (table !== undefined && field !== undefined) {
        if (encoding === 'index') {
          const values = readIndices(bytes, offset, rows, dictionary?.length ?? 0)
          const type = field.type === 'json' ? 'json' : 'text'
          const entries = checkedDictionary(field, dictionary ?? [], values)
          putColumn(table, field, name, { type, values, dictionary: entries, indices: new Map() })
        } else {
          const values = readNumbers(bytes, offset, encoding === 'constant' ? 1 : rows, rows)
          putColumn(table, field, name, { type: 'number', values })
        }
      }
      offset += size
    }
    if (table !== undefined) table.rows = rows
  }
  if (offset !== bytes.length) throw bad(`${bytes.length - offset} bytes too many`)
  return batch
}
