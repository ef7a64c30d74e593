/**
 * The store. Promises:
 * - A batch whose `insert` resolved is on disk (in the page cache at least): it survives a kill -9 of the hub.
 * - A batch is stored once. Each row carries its agent and sequence; at the start the highest sequence of each agent is
 *   read per table, and a table that has a batch already skips it. A crash between two tables of one batch thus neither
 *   loses nor repeats.
 * - An older Plumbline refuses a newer store instead of guessing.
 */
import { Readable } from 'node:stream'
import { PlumblineError } from '../../base/errors'
import { kinds, type Kind } from '../../wire/metrics'
import type { Batch, Table } from '../../wire/table'
import { openEngine, type Engine } from './engine'
import { migrations } from './migrations/index'
import { columnNames, toTabSeparated } from './rows'

export type Parameters = Record<string, string | number | readonly string[] | readonly number[]>
export type Columns = Record<string, unknown[]>

export interface BatchOrigin {
  readonly agent: string
  readonly sequence: number
  /** Unix seconds. */
  readonly receivedAt: number
}

export interface Store {
  readonly name: string
  /** Stores every table of the batch that is not stored yet. Batches of one agent must come in order. */
  insert(batch: Batch, origin: BatchOrigin): Promise<void>
  /** The highest sequence of an agent of which every table is stored; 0 for an unknown agent. */
  lastSequence(agent: string): number
  /** Runs a SELECT; the answer is columns by name, arrays of one length. Values are bound with `{name:Type}`. */
  query(sql: string, parameters?: Parameters): Promise<Columns>
  /** Waits for what runs, then closes. */
  close(): Promise<void>
}

/** The client refuses numbers beyond 2^53 and those that are not finite; as text the store reads them all. */
const asParameter = (value: Parameters[string]) => (typeof value === 'number' ? String(value) : value)

async function columnsOf(engine: Engine, sql: string, parameters: Parameters = {}): Promise<Columns> {
  const result = await engine.client.query({
    query: sql,
    query_params: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, asParameter(value)])),
    format: 'JSONColumnsWithMetadata',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0, output_format_json_quote_denormals: 0 },
  })
  const answer = (await result.json()) as unknown as { data?: Columns; meta?: { name: string }[] }
  const columns: Columns = {}
  // An empty answer has no column arrays at all: give each name an empty one.
  for (const { name } of answer.meta ?? []) columns[name] = answer.data?.[name] ?? []
  return columns
}

async function migrate(engine: Engine): Promise<void> {
  await engine.client.command({
    query:
      'CREATE TABLE IF NOT EXISTS migrations (version UInt32, name String, appliedAt Float64) ENGINE = MergeTree ORDER BY version',
  })
  const { version = [] } = await columnsOf(engine, 'SELECT version FROM migrations')
  const newest = Math.max(0, ...migrations.map(migration => migration.version))
  const found = Math.max(0, ...version.map(Number))
  if (found > newest) {
    throw new PlumblineError(
      `the store is of a newer Plumbline (tables of version ${found}, this one knows ${newest})`,
      {
        fix: 'upgrade Plumbline, or use another folder with --data',
      },
    )
  }
  for (const migration of migrations.filter(({ version }) => version > found)) {
    for (const statement of migration.statements) {
      await engine.client.command({ query: statement.replace(/^CREATE TABLE /, 'CREATE TABLE IF NOT EXISTS ') })
    }
    const query = `INSERT INTO migrations VALUES (${migration.version}, '${migration.name}', ${Date.now() / 1000})`
    await engine.client.command({ query })
  }
}

/** What each table has of each agent: the highest sequence. */
class Watermarks {
  private readonly marks = new Map<string, number>()

  of = (kind: Kind, agent: string): number => this.marks.get(`${kind} ${agent}`) ?? 0

  raise(kind: Kind, agent: string, sequence: number): void {
    this.marks.set(`${kind} ${agent}`, Math.max(sequence, this.of(kind, agent)))
  }

  async read(engine: Engine, kind: Kind): Promise<void> {
    const { agent = [], last = [] } = await columnsOf(
      engine,
      `SELECT toString(agent) AS agent, max(sequence) AS last FROM \`${kind}\` GROUP BY agent`,
    )
    for (const [row, name] of agent.entries()) this.raise(kind, String(name), Number(last[row]))
  }
}

/** What runs in the engine. An engine that is closed under a running query hangs: the end waits for all, and takes no more. */
class Work {
  private readonly running = new Set<Promise<unknown>>()
  private ended = false

  do<T>(start: () => Promise<T>): Promise<T> {
    if (this.ended) return Promise.reject(new PlumblineError('the store is closed'))
    const work = start()
    this.running.add(work)
    const over = () => this.running.delete(work)
    work.then(over, over)
    return work
  }

  async end(): Promise<void> {
    this.ended = true
    await Promise.allSettled(this.running)
  }
}

export async function openStore(options: { data: string; store: string }): Promise<Store> {
  const engine = await openEngine(options)
  const marks = new Watermarks()
  try {
    await migrate(engine)
    for (const kind of kinds) await marks.read(engine, kind)
  } catch (error) {
    await engine.close()
    throw error
  }
  /** Highest batch of which all tables are stored, of agents seen since the start. */
  const complete = new Map<string, number>()
  /** Tables that failed to say whether they stored: they are asked before the next try. */
  const unsure = new Set<Kind>()
  const work = new Work()

  async function insertTable(table: Table, origin: BatchOrigin): Promise<void> {
    const { kind } = table
    try {
      if (unsure.delete(kind)) await marks.read(engine, kind)
      if (origin.sequence <= marks.of(kind, origin.agent)) return
      await engine.client.insert({
        table: `\`${kind}\``,
        values: Readable.from(toTabSeparated(table, origin), { objectMode: false }),
        format: 'TabSeparated',
        columns: columnNames(kind) as [string, ...string[]],
      })
    } catch (error) {
      unsure.add(kind)
      throw error
    }
    marks.raise(kind, origin.agent, origin.sequence)
  }

  return {
    name: engine.name,
    insert: (batch, origin) =>
      work.do(async () => {
        for (const table of batch.tables()) await insertTable(table, origin)
        complete.set(origin.agent, Math.max(origin.sequence, complete.get(origin.agent) ?? 0))
      }),
    lastSequence(agent) {
      const known = complete.get(agent)
      if (known !== undefined) return known
      // The newest batch may be half stored: ask for it again, each table skips what it has.
      const highest = Math.max(0, ...kinds.map(kind => marks.of(kind, agent)))
      return Math.max(0, highest - 1)
    },
    query: (sql, parameters) => work.do(() => columnsOf(engine, sql, parameters)),
    async close() {
      await work.end()
      await engine.close()
    },
  }
}
