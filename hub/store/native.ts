/**
 * Columns of many batches as one block of ClickHouse's Native format: typed arrays are laid end to end, texts stay indices
 * into a dictionary. No row and no sample is an object on its way.
 * Format: https://clickhouse.com/docs/interfaces/formats/Native and, for LowCardinality, SerializationLowCardinality.cpp.
 *
 *     block:   columns varint | rows varint | columns
 *     column:  name | type | Nullable: rows × u8 (1 is NULL), then values
 *     LowCardinality(String):  version u64 1 | flags and width of an index u64 | keys u64 | keys | rows u64 | rows × index
 *     String:  length varint | UTF-8
 */
import { varint } from '../../base/varint'
import { fieldsOf, type Kind } from '../../wire/metrics'
import { ConstantText, PackedNumbers } from '../../wire/packed'
import type { Column, Table, TextColumn } from '../../wire/table'
import { Arena } from './arena'

export interface Origin {
  readonly agent: string
  readonly sequence: number
  /** Unix seconds; stands for the time of a row that has none. */
  readonly receivedAt: number
}
/** A table of one batch, with where it came from. */
export interface Part {
  readonly table: Table
  readonly origin: Origin
}
/** Types of a table's columns, by name, as the store says. */
export type ColumnTypes = ReadonlyMap<string, string>

/** The longest text that one field may bring: what a hostile agent can make a row cost. */
const MAX_TEXT = 64 * 1024
/** HasAdditionalKeysBit | NeedUpdateDictionary: the block brings its own dictionary. */
const OWN_DICTIONARY = 0x600

export const ORIGIN_COLUMNS = ['agent', 'sequence', 'receivedAt'] as const
export const columnNames = (kind: Kind): string[] => [...fieldsOf(kind).map(([name]) => name), ...ORIGIN_COLUMNS]

const bytesOf = (values: ArrayBufferView) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)

const text = (value: string): Buffer[] => {
  const bytes = Buffer.from(value, 'utf8')
  return [varint(bytes.length), bytes]
}
const u64 = (value: number) => bytesOf(BigUint64Array.of(BigInt(value)))

/** Half a JSON text is none: too long is absent. */
const clipped = ({ type }: TextColumn, entry: string) =>
  entry.length <= MAX_TEXT ? entry : type === 'json' ? '' : entry.slice(0, MAX_TEXT)

/** Values of all parts end to end, NaN where absent. */
function gatherNumbers(arena: Arena, parts: readonly Part[], name: string, rows: number): Float64Array {
  const values = arena.floats(rows)
  let at = 0
  for (const { table } of parts) {
    const column = table.columns.get(name)
    if (column instanceof PackedNumbers) column.copyTo(values, at)
    else if (column?.type === 'number') values.set(column.values.subarray(0, table.rows), at)
    else values.fill(NaN, at, at + table.rows)
    at += table.rows
  }
  return values
}

/** Absent is NULL, or what `absent` says where the column takes none. -0 is stored as 0. */
function numbers(arena: Arena, values: Float64Array, type: string, absent?: Float64Array): Buffer[] {
  const nulls = arena.bytes(values.length)
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row] ?? NaN
    if (value === 0) values[row] = 0
    if (!Number.isNaN(value)) continue
    nulls[row] = 1
    values[row] = absent?.[row] ?? 0
  }
  return type.startsWith('Nullable') ? [bytesOf(nulls), bytesOf(values)] : [bytesOf(values)]
}

interface Texts {
  readonly keys: readonly string[]
  /** Into `keys`, by row. */
  readonly indices: Uint32Array
}

/** One dictionary for the texts of all parts, '' first: absent is ''. */
function gatherTexts(arena: Arena, parts: readonly Part[], rows: number, columnOf: (part: Part) => Column | undefined) {
  const keys = ['']
  const places = new Map<string, number>([['', 0]])
  const indices = arena.words(rows)
  let at = 0
  for (const part of parts) {
    const column = columnOf(part)
    const count = part.table.rows
    if (column !== undefined && column.type !== 'number') {
      const own = column.dictionary.map(entry => {
        const key = clipped(column, entry)
        let place = places.get(key)
        if (place === undefined) places.set(key, (place = keys.push(key) - 1))
        return place
      })
      if (column instanceof ConstantText) indices.fill(own[column.index] ?? 0, at, at + count)
      else for (let row = 0; row < count; row += 1) indices[at + row] = own[column.values[row] ?? -1] ?? 0
    }
    at += count
  }
  return { keys, indices }
}

function lowCardinality({ keys, indices }: Texts): Buffer[] {
  const width = keys.length <= 0x100 ? 0 : keys.length <= 0x10000 ? 1 : 2
  const packed = width === 0 ? new Uint8Array(indices) : width === 1 ? new Uint16Array(indices) : indices
  return [
    ...[u64(1), u64(OWN_DICTIONARY | width), u64(keys.length), Buffer.concat(keys.flatMap(text))],
    ...[u64(indices.length), bytesOf(packed)],
  ]
}

function strings({ keys, indices }: Texts): Buffer[] {
  const encoded = keys.map(key => Buffer.concat(text(key)))
  let length = 0
  for (const index of indices) length += encoded[index]?.length ?? 0
  const all = Buffer.allocUnsafe(length)
  let at = 0
  for (const index of indices) at += encoded[index]?.copy(all, at) ?? 0
  return [all]
}

const texts = (type: string, gathered: Texts) =>
  type.startsWith('LowCardinality') ? lowCardinality(gathered) : strings(gathered)

function sequences(parts: readonly Part[], rows: number): Buffer[] {
  const values = new BigUint64Array(rows)
  let at = 0
  for (const { table, origin } of parts) values.fill(BigInt(origin.sequence), at, (at += table.rows))
  return [bytesOf(values)]
}

function arrivals(arena: Arena, parts: readonly Part[], rows: number): Float64Array {
  const values = arena.floats(rows)
  let at = 0
  for (const { table, origin } of parts) values.fill(origin.receivedAt, at, (at += table.rows))
  return values
}

/** Each part comes from one agent. */
const agents = (arena: Arena, parts: readonly Part[], rows: number) =>
  gatherTexts(arena, parts, rows, ({ table, origin }) => new ConstantText('text', [origin.agent], table.rows, 0))

/** A block in pieces, which are written one behind the other, and the columns that are in it, with their types. */
export interface Block {
  readonly columns: readonly string[]
  readonly types: readonly string[]
  readonly pieces: readonly Buffer[]
}

/** A column that is absent in every row is left to its default. The block lies in the arena until that is cleared. */
export function nativeBlock(kind: Kind, parts: readonly Part[], types: ColumnTypes, arena: Arena = new Arena()): Block {
  const rows = parts.reduce((sum, { table }) => sum + table.rows, 0)
  const at = arrivals(arena, parts, rows)
  const columns: string[] = []
  const columnTypes: string[] = []
  const body: Buffer[] = []
  const put = (name: string, type: string, values: readonly Buffer[]) => {
    columns.push(name)
    columnTypes.push(type)
    for (const bytes of [...text(name), ...text(type), ...values]) body.push(bytes)
  }
  for (const [name, field] of fieldsOf(kind)) {
    const type = types.get(name)
    const isThere = name === 'time' || parts.some(({ table }) => table.columns.has(name))
    if (type === undefined || !isThere) continue
    const absent = name === 'time' ? at : undefined
    if (field.type === 'number') put(name, type, numbers(arena, gatherNumbers(arena, parts, name, rows), type, absent))
    else
      put(
        name,
        type,
        texts(
          type,
          gatherTexts(arena, parts, rows, ({ table }) => table.columns.get(name)),
        ),
      )
  }
  put('agent', 'LowCardinality(String)', lowCardinality(agents(arena, parts, rows)))
  put('sequence', 'UInt64', sequences(parts, rows))
  put('receivedAt', 'Float64', [bytesOf(at)])
  return { columns, types: columnTypes, pieces: [varint(columns.length), varint(rows), ...body] }
}

/** The block of `delivered`: agents as plain strings. */
export function deliveredBlock(origins: readonly Origin[]): Block {
  const rows = origins.length
  const body = [
    ...[...text('agent'), ...text('String'), ...origins.flatMap(({ agent }) => text(agent))],
    ...[
      ...text('sequence'),
      ...text('UInt64'),
      bytesOf(BigUint64Array.from(origins, ({ sequence }) => BigInt(sequence))),
    ],
    ...[...text('receivedAt'), ...text('Float64'), bytesOf(Float64Array.from(origins, ({ receivedAt }) => receivedAt))],
  ]
  return {
    columns: [...ORIGIN_COLUMNS],
    types: ['String', 'UInt64', 'Float64'],
    pieces: [varint(3), varint(rows), ...body],
  }
}
