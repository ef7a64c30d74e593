/** A SELECT, answered as columns. */
import type { Readable } from 'node:stream'
import type { Engine } from './engine'
import { PackedColumns } from './packed'

export type Parameters = Record<string, string | number | readonly string[] | readonly number[]>
export type Columns = Record<string, unknown[]>

export type FileFormat = 'Parquet' | 'Native' | 'CSVWithNames'

/** The client refuses numbers beyond 2^53 and those that are not finite; as text the store reads them all. */
const asParameter = (value: Parameters[string]) => (typeof value === 'number' ? String(value) : value)

const asParameters = (parameters: Parameters) =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, asParameter(value)]))

export async function commandOf(engine: Engine, sql: string, parameters: Parameters = {}): Promise<void> {
  await engine.client.command({ query: sql, query_params: asParameters(parameters) })
}

/** Columns by name, arrays of one length. Values are bound with `{name:Type}`. */
export async function columnsOf(engine: Engine, sql: string, parameters: Parameters = {}): Promise<Columns> {
  const result = await engine.client.query({
    query: sql,
    query_params: asParameters(parameters),
    format: 'JSONColumnsWithMetadata',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0, output_format_json_quote_denormals: 0 },
  })
  const answer = (await result.json()) as unknown as { data?: Columns; meta?: { name: string }[] }
  const columns: Columns = {}
  // An empty answer has no column arrays at all: give each name an empty one.
  for (const { name } of answer.meta ?? []) columns[name] = answer.data?.[name] ?? []
  return columns
}

/** A SELECT, answered as a file in a format of ClickHouse. */
export async function fileOf(
  engine: Engine,
  sql: string,
  format: FileFormat,
  parameters: Parameters = {},
): Promise<Readable> {
  const { stream } = await engine.client.exec({
    query: `${sql} FORMAT ${format}`,
    query_params: asParameters(parameters),
  })
  return stream
}

/** The same as `columnsOf` for an answer that is large: JSON of a million numbers holds up all else for a second. */
export async function packedOf(engine: Engine, sql: string, parameters: Parameters = {}): Promise<PackedColumns> {
  // `buffer` of node:stream/consumers goes by way of a Blob, which takes ten times as long.
  const chunks: Buffer[] = await (await fileOf(engine, sql, 'Native', parameters)).toArray()
  const [first] = chunks
  return new PackedColumns(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks))
}
