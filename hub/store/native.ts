/**
 * Columns as a block of ClickHouse's Native format.
 * Format: https://clickhouse.com/docs/interfaces/formats/Native and, for LowCardinality, SerializationLowCardinality.cpp.
 *
 *     block:   columns varint | rows varint | columns
 *     column:  name | type | Nullable: rows × u8 (1 is NULL), then values
 *     LowCardinality(String):  version u64 1 | flags and width of an index u64 | keys u64 | keys | rows u64 | rows × index
 *     String:  length varint | UTF-8
 */
import { putVarint, varint } from '../../base/varint'
import { fieldsOf, type Kind } from '../../wire/metrics'

/** Where rows come from. */
export interface Origin {
  readonly agent: string
  readonly sequence: number
  /** Unix seconds; stands for the time of a row that has none. */
  readonly receivedAt: number
}

/** HasAdditionalKeysBit | NeedUpdateDictionary: the block brings its own dictionary. */
const OWN_DICTIONARY = 0x600
/** Of a length, and of one UTF-16 unit. */
const [MOST_VARINT_BYTES, MOST_UTF8_BYTES] = [5, 3] as const

export const ORIGIN_COLUMNS = ['agent', 'sequence', 'receivedAt'] as const
export const columnNames = (kind: Kind): string[] => [...fieldsOf(kind).map(([name]) => name), ...ORIGIN_COLUMNS]

const bytesOf = (values: ArrayBufferView) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)
const u64 = (value: number) => bytesOf(BigUint64Array.of(BigInt(value)))

/** Texts one behind the other, each after its length, and where each ends. */
function encoded(keys: readonly string[]): { bytes: Buffer; ends: Uint32Array } {
  const most = keys.reduce((sum, key) => sum + MOST_VARINT_BYTES + key.length * MOST_UTF8_BYTES, 0)
  const bytes = Buffer.allocUnsafe(most)
  const ends = new Uint32Array(keys.length)
  let at = 0
  for (const [place, key] of keys.entries()) {
    at = putVarint(bytes, at, Buffer.byteLength(key, 'utf8'))
    at += bytes.write(key, at, 'utf8')
    ends[place] = at
  }
  return { bytes: bytes.subarray(0, at), ends }
}

/** A column of texts: which of `keys` stands in each row. */
export interface Texts {
  readonly keys: readonly string[]
  readonly indices: Uint32Array
}

function lowCardinality({ keys, indices }: Texts): Buffer[] {
  const width = keys.length <= 0x100 ? 0 : keys.length <= 0x10000 ? 1 : 2
  const packed = width === 0 ? new Uint8Array(indices) : width === 1 ? new Uint16Array(indices) : indices
  return [
    ...[u64(1), u64(OWN_DICTIONARY | width), u64(keys.length), encoded(keys).bytes],
    ...[u64(indices.length), bytesOf(packed)],
  ]
}

function strings({ keys, indices }: Texts): Buffer[] {
  const { bytes, ends } = encoded(keys)
  const from = (index: number) => (index === 0 ? 0 : (ends[index - 1] ?? 0))
  let length = 0
  for (const index of indices) length += (ends[index] ?? 0) - from(index)
  const all = Buffer.allocUnsafe(length)
  let at = 0
  for (const index of indices) at += bytes.copy(all, at, from(index), ends[index])
  return [all]
}

/** A column of a block, as its type has it. */
export interface NativeColumn {
  readonly name: string
  readonly type: string
  readonly values: readonly Buffer[]
}

/** Int64, to the nearest whole number and no further from zero than JavaScript tells these apart: low half, high half. */
function wholes(values: Float64Array): Int32Array {
  const halves = new Int32Array(2 * values.length)
  for (let row = 0; row < values.length; row += 1) {
    const whole = Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Math.round(values[row] ?? 0)))
    halves[2 * row] = whole
    halves[2 * row + 1] = Math.floor(whole / 2 ** 32)
  }
  return halves
}

/** In `nulls` 1 where a value is absent. */
export const numbers = (name: string, type: string, values: Float64Array, nulls: Uint8Array): NativeColumn => ({
  name,
  type,
  values: [
    ...(type.startsWith('Nullable') ? [bytesOf(nulls)] : []),
    bytesOf(type.includes('Int64') ? wholes(values) : values),
  ],
})
export const texts = (name: string, type: string, column: Texts): NativeColumn => ({
  name,
  type,
  values: type.startsWith('LowCardinality') ? lowCardinality(column) : strings(column),
})
/** The sequences and times of arrival of rows. */
export const arrivals = (sequences: BigUint64Array, receivedAt: Float64Array): NativeColumn[] => [
  { name: 'sequence', type: 'UInt64', values: [bytesOf(sequences)] },
  { name: 'receivedAt', type: 'Float64', values: [bytesOf(receivedAt)] },
]

/** A block in pieces, which are written one behind the other, and the columns that are in it, with their types. */
export interface Block {
  readonly columns: readonly string[]
  readonly types: readonly string[]
  readonly pieces: readonly Buffer[]
}

export function blockOf(rows: number, columns: readonly NativeColumn[]): Block {
  const body = columns.flatMap(({ name, type, values }) => [encoded([name, type]).bytes, ...values])
  return {
    columns: columns.map(({ name }) => name),
    types: columns.map(({ type }) => type),
    pieces: [varint(columns.length), varint(rows), ...body],
  }
}

/** The block of `delivered`: agents as plain strings. */
export const deliveredBlock = (origins: readonly Origin[]): Block =>
  blockOf(origins.length, [
    texts('agent', 'String', {
      keys: origins.map(({ agent }) => agent),
      indices: Uint32Array.from(origins.keys()),
    }),
    ...arrivals(
      BigUint64Array.from(origins, ({ sequence }) => BigInt(sequence)),
      Float64Array.from(origins, ({ receivedAt }) => receivedAt),
    ),
  ])
