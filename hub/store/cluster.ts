/**
 * The same tables on a ClickHouse cluster. Each is two: `NAME_local`, replicated, with the rows of its shard, and `NAME`,
 * which stands before all of them and is what is asked and written. Statements that make or change tables are written once,
 * for one server, and translated here.
 * https://clickhouse.com/docs/engines/table-engines/special/distributed
 */
import type { ClickHouseClient } from '@clickhouse/client'
import { PlumblineError } from '../../base/errors'
import { named } from './quoted'

/** What a statement is on a cluster. */
export interface ClusterStatement {
  /** For the rows, on every node. */
  readonly local: string
  /** Tables whose face must be made anew after it, and those that have none any more. */
  readonly faces: readonly string[]
  readonly gone: readonly string[]
}

const NAME = '`?(\\w+)`?'
/** How the tables of rows end. */
export const LOCAL = '_local'
const local = (table: string) => `${table}${LOCAL}`
const localTable = (table: string): string => named(local(table))

type Translation = (onCluster: string, names: string[], rest: string) => ClusterStatement

const replicated = (text: string) => text.replace(/\bENGINE = (\w*MergeTree)\b/, 'ENGINE = Replicated$1')
/** A new table in the form of another takes the other's rows' form. */
const likeLocal = (text: string) =>
  text.replace(new RegExp(`^AS ${NAME} ENGINE`), (_, like) => `AS ${localTable(String(like))} ENGINE`)

const changed =
  (verb: string): Translation =>
  (on, [table = ''], rest) => ({
    local: `${verb} ${localTable(table)}${on} ${rest}`.trimEnd(),
    // Columns stand in the face as well; how rows lie is none of its business.
    faces: /\bCOLUMN\b/.test(rest) ? [table] : [],
    gone: [],
  })

/** Statements by their beginning. What is none of these asks or writes rows, and goes to the faces as it is. */
const TRANSLATIONS: readonly (readonly [RegExp, Translation])[] = [
  [
    new RegExp(`^CREATE TABLE (?:IF NOT EXISTS )?${NAME} `),
    (on, [table = ''], rest) => ({
      local: `CREATE TABLE IF NOT EXISTS ${localTable(table)}${on} ${replicated(likeLocal(rest))}`,
      faces: [table],
      gone: [],
    }),
  ],
  [new RegExp(`^ALTER TABLE ${NAME}\\s+`), changed('ALTER TABLE')],
  [new RegExp(`^OPTIMIZE TABLE ${NAME}\\s*`), changed('OPTIMIZE TABLE')],
  [new RegExp(`^TRUNCATE TABLE ${NAME}\\s*`), changed('TRUNCATE TABLE')],
  [new RegExp(`^DELETE FROM ${NAME}\\s+`), changed('DELETE FROM')],
  [
    new RegExp(`^RENAME TABLE ${NAME} TO ${NAME}$`),
    (on, [from = '', to = '']) => ({
      local: `RENAME TABLE ${localTable(from)} TO ${localTable(to)}${on}`,
      faces: [to],
      gone: [from],
    }),
  ],
  [
    new RegExp(`^EXCHANGE TABLES ${NAME} AND ${NAME}$`),
    (on, [one = '', other = '']) => ({
      local: `EXCHANGE TABLES ${localTable(one)} AND ${localTable(other)}${on}`,
      faces: [one, other],
      gone: [],
    }),
  ],
  [
    new RegExp(`^DROP TABLE (?:IF EXISTS )?${NAME}$`),
    (on, [table = '']) => ({ local: `DROP TABLE IF EXISTS ${localTable(table)}${on} SYNC`, faces: [], gone: [table] }),
  ],
]
const CHANGES_TABLES = /^(?:CREATE|ALTER|RENAME|EXCHANGE|DROP|OPTIMIZE|TRUNCATE|DELETE|ATTACH|DETACH)\b/

const onCluster = (cluster: string) => ` ON CLUSTER ${named(cluster)}`

/** Undefined for one that changes no table. Throws where it changes one in a way that has no translation. */
export function clusterStatement(statement: string, cluster: string): ClusterStatement | undefined {
  const text = statement.trim()
  for (const [pattern, translate] of TRANSLATIONS) {
    const found = pattern.exec(text)
    if (found !== null) return translate(onCluster(cluster), found.slice(1), text.slice(found[0].length))
  }
  if (!CHANGES_TABLES.test(text)) return undefined
  throw new PlumblineError(`no translation for a cluster: ${text.slice(0, 80)}`, {
    fix: 'add one in hub/store/cluster.ts',
  })
}

/**
 * The face of a table. All rows of one batch must lie in one shard, so that they come at once or not at all, and rows that
 * replace one another too: `key` is the agent, or what the table is sorted by first.
 */
export function faceStatement(table: string, key: string, cluster: string): string {
  return `CREATE OR REPLACE TABLE ${named(table)}${onCluster(cluster)} AS ${localTable(table)}
    ENGINE = Distributed('${cluster}', currentDatabase(), '${local(table)}', cityHash64(${named(key)}))`
}

export const dropFaceStatement = (table: string, cluster: string): string =>
  `DROP TABLE IF EXISTS ${named(table)}${onCluster(cluster)} SYNC`

/** The rows of a table in every replica: what one has and another does not yet is in it too, and may be in it twice. */
export const everyReplica = (table: string, cluster: string): string =>
  `clusterAllReplicas('${cluster}', currentDatabase(), '${local(table)}')`

/** By which column rows are spread, as the server says of a table's rows. */
async function keyOf(client: ClickHouseClient, table: string): Promise<string> {
  const asked = await client.query({
    query: `SELECT sorting_key AS sorted, (SELECT count() FROM system.columns
        WHERE database = currentDatabase() AND table = {table:String} AND name = 'agent') AS agents
      FROM system.tables WHERE database = currentDatabase() AND name = {table:String}`,
    query_params: { table: local(table) },
    format: 'JSONEachRow',
  })
  const [row] = await asked.json<{ sorted: string; agents: string }>()
  if (row === undefined) throw new PlumblineError(`the cluster has no table ${local(table)}`)
  return Number(row.agents) > 0 ? 'agent' : (row.sorted.split(',')[0] ?? '')
}

/** Runs a statement that makes or changes tables. It may end anywhere and be run again. */
export async function defineOnCluster(client: ClickHouseClient, cluster: string, statement: string): Promise<void> {
  const translated = clusterStatement(statement, cluster)
  if (translated === undefined) return void (await client.command({ query: statement }))
  await client.command({ query: translated.local })
  for (const table of translated.faces)
    await client.command({ query: faceStatement(table, await keyOf(client, table), cluster) })
  for (const table of translated.gone) await client.command({ query: dropFaceStatement(table, cluster) })
}

/** For FROM: the parts of all tables in every replica, under the names by which tables are asked. */
export const everyPart = (cluster: string): string =>
  `(SELECT * REPLACE (replaceRegexpOne(table, '${LOCAL}$', '') AS table) FROM clusterAllReplicas('${cluster}', system, parts))`

/** A server's settings for those who speak to a cluster. */
export const CLUSTER_SETTINGS = {
  // What is acknowledged is in its shard, not in a queue of the server that took it.
  distributed_foreground_insert: 1,
  // A join of two faces asks for the right side once and sends it to all.
  distributed_product_mode: 'global',
  alter_sync: '2',
  mutations_sync: '2',
} as const
