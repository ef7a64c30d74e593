/** What a store holds, table by table. */
import { numberAt, rowsOf, textAt } from '../queries/values'
import { columnsOf } from './columns'
import { LOCAL } from './cluster'
import type { Engine } from './engine'
import { named } from './quoted'

/** A table as it is asked and written, on a cluster too. */
export interface TableForm {
  readonly table: string
  /** Those that are written. */
  readonly columns: readonly string[]
  /** Rows of one key become one: what comes twice is there once. */
  readonly replaces: boolean
}

export interface TableInfo {
  readonly table: string
  readonly rows: number
  /** On disk, in all replicas. */
  readonly bytes: number
  /** When its first and its last row arrived, in Unix seconds; null where the table is empty or does not say. */
  readonly oldest: number | null
  readonly newest: number | null
}

/** Every table but the list of migrations, by name. */
export async function tablesOf(engine: Engine): Promise<TableForm[]> {
  const forms = await columnsOf(
    engine,
    `SELECT table, groupArray(name) AS columns FROM
       (SELECT table, name FROM system.columns WHERE database = currentDatabase() AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY table, position)
     GROUP BY table ORDER BY table`,
  )
  const engines = await columnsOf(engine, 'SELECT name, engine FROM system.tables WHERE database = currentDatabase()')
  const engineOf = new Map<string, string>()
  for (let row = 0; row < rowsOf(engines); row += 1)
    engineOf.set(textAt(engines, 'name', row) ?? '', textAt(engines, 'engine', row) ?? '')
  const found: TableForm[] = []
  for (let row = 0; row < rowsOf(forms); row += 1) {
    const table = textAt(forms, 'table', row) ?? ''
    if (table === 'migrations' || table.endsWith(LOCAL)) continue
    const rows = engineOf.get(`${table}${LOCAL}`) ?? engineOf.get(table) ?? ''
    const columns = forms['columns']?.[row]
    found.push({
      table,
      columns: Array.isArray(columns) ? columns.map(String) : [],
      replaces: /(?:Replacing|Aggregating)MergeTree/.test(rows),
    })
  }
  return found
}

async function bytesByTable(engine: Engine): Promise<Map<string, number>> {
  const parts = await columnsOf(
    engine,
    `SELECT table, sum(bytes_on_disk) AS bytes FROM ${engine.parts} WHERE active AND database = currentDatabase() GROUP BY table`,
  )
  const bytes = new Map<string, number>()
  for (let row = 0; row < rowsOf(parts); row += 1)
    bytes.set(textAt(parts, 'table', row) ?? '', numberAt(parts, 'bytes', row) ?? 0)
  return bytes
}

export async function inventoryOf(engine: Engine): Promise<TableInfo[]> {
  const bytes = await bytesByTable(engine)
  const infos: TableInfo[] = []
  for (const { table, columns } of await tablesOf(engine)) {
    const times = columns.includes('receivedAt') ? 'min(receivedAt), max(receivedAt)' : 'NULL, NULL'
    const asked = await columnsOf(engine, `SELECT count() AS rows, tuple(${times}) AS times FROM ${named(table)}`)
    const rows = numberAt(asked, 'rows', 0) ?? 0
    const span = asked['times']?.[0]
    const [oldest, newest] = Array.isArray(span) && rows > 0 ? (span as unknown[]) : [null, null]
    infos.push({
      table,
      rows,
      bytes: bytes.get(table) ?? 0,
      oldest: typeof oldest === 'number' ? oldest : null,
      newest: typeof newest === 'number' ? newest : null,
    })
  }
  return infos
}
