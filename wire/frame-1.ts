/**
 * Frames of the first form, "PLB1", which agents of the version before this one send and have in their spools. Read only.
 *
 *     magic "PLB1" | header length u32 LE | header JSON (UTF-8) | columns, in the order of the header
 *
 * Header: { tables: [{ kind, rows, columns: [{ name, encoding, dictionary? }] }] }. Encodings:
 * - `constant`: one f64 (number) for all rows;
 * - `plain`:    rows × f64 LE, NaN where absent;
 * - `index`:    rows × i32 LE into `dictionary`, -1 where absent.
 */
import { z } from 'zod'
import { messageOf } from '../base/errors'
import { catalogue, type Field, type Kind } from './metrics'
import { badFrame as bad, goodTexts, MAX_FRAME_BYTES, MAX_ROWS, putColumn } from './frame-parts'
import { Batch } from './table'

export const MAGIC_1 = 0x31424c50 // "PLB1" read as u32 LE
const PREFIX = 8

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

function readHeader(bytes: Buffer): { header: Header; offset: number } {
  if (bytes.length > MAX_FRAME_BYTES) throw bad(`${bytes.length} bytes is over the limit of ${MAX_FRAME_BYTES}`)
  if (bytes.length < PREFIX || bytes.readUInt32LE(0) !== MAGIC_1) throw bad('it does not begin with PLB1')
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

export function decodeFrame1(bytes: Buffer): Batch {
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
          const entries = dictionary ?? []
          const values = readIndices(bytes, offset, rows, entries.length)
          const good = goodTexts(field, entries)
          if (good !== undefined) values.forEach((index, row) => good[index] === false && (values[row] = -1))
          const type = field.type === 'json' ? 'json' : 'text'
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
