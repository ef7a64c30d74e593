/**
 * The store. Promises:
 * - A batch whose `insert` resolved is on disk (in the page cache at least): it survives a kill -9 of the hub.
 * - A batch is stored once. Each row carries its agent and sequence, and what every table has is kept in `delivered`
 *   (commits.ts, delivered.ts): a crash between two tables of one batch neither loses nor repeats.
 * - An older Plumbline refuses a newer store instead of guessing.
 */
import type { Readable } from 'node:stream'
import { unixSeconds } from '../../base/clock'
import { PlumblineError } from '../../base/errors'
import type { Kind } from '../../wire/metrics'
import type { Batch } from '../../wire/table'
import { yieldMerges } from './background'
import { columnsOf, commandOf, fileOf, packedOf, type Columns, type FileFormat, type Parameters } from './columns'
import { Commits } from './commits'
import { Delivered } from './delivered'
import { openEngine, type Engine } from './engine'
import { guarded, type Holder } from './guard'
import { migrations } from './migrations/index'
import type { Origin } from './native'
import type { PackedColumns } from './packed'

export type { Columns, PackedColumns, Parameters }

export interface Store {
  readonly name: string
  /**
   * Stores what is not stored yet of the batch, which is read at once, together with others that wait. Batches of one agent
   * must come in order. `isAwaited`: somebody wants to see it soon; where left out, so it is.
   */
  insert(batch: Batch, origin: Origin, isAwaited?: boolean): Promise<void>
  /** More waits than the hub holds: what comes now would be refused. */
  isFull(): boolean
  /** The highest sequence of an agent of which every table is stored; 0 for an unknown agent. */
  lastSequence(agent: string): number
  /** In a fleet: learns what the store has of an agent, and takes what it sends from now on. */
  adopt(agent: string): Promise<void>
  /** In a fleet: what these sent is stored, and written down for the hub that takes them now. */
  giveUp(agents: readonly string[]): Promise<void>
  /** In a fleet: under another lease. What waits under the one of before is refused. */
  begin(holder: Holder): void
  /** Under which name the hub itself stores: two hubs must not share one. */
  sender(name: string): string
  /** The time of arrival of what comes now, in Unix seconds: it never goes back, whatever the clock does. */
  arrival(): number
  /** Up to when all that arrived is stored, in Unix seconds. */
  storedTo(): number
  /** Runs a statement that answers nothing. One without parameters may change tables. */
  command(sql: string, parameters?: Parameters): Promise<void>
  /** For FROM: the parts that tables consist of, of all replicas. */
  readonly parts: string
  /** Runs a SELECT; the answer is columns by name, arrays of one length. Values are bound with `{name:Type}`. */
  query(sql: string, parameters?: Parameters): Promise<Columns>
  /** The same of an answer that is large: numbers, texts and lists of numbers as they lie. */
  packed(sql: string, parameters?: Parameters): Promise<PackedColumns>
  /** The answer of a SELECT as a file in a format of ClickHouse. */
  export(sql: string, format: FileFormat, parameters?: Parameters): Promise<Readable>
  /** Waits for what runs, then closes. */
  close(): Promise<void>
}

/** One that was begun and did not end is run again from its first statement. */
const repeatable = (statement: string) =>
  statement
    .replace(/^CREATE TABLE (?!IF )/, 'CREATE TABLE IF NOT EXISTS ')
    .replace(/\bADD COLUMN (?!IF )/g, 'ADD COLUMN IF NOT EXISTS ')

/** Brings the tables up to this Plumbline's. Throws PlumblineError where they are of a newer one. */
export async function migrate(engine: Engine): Promise<void> {
  await engine.define(
    'CREATE TABLE IF NOT EXISTS migrations (version UInt32, name String, appliedAt Float64) ENGINE = MergeTree ORDER BY version',
  )
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
  if (found > 0 && found < newest) await engine.backUp(`tables-${found}`)
  for (const migration of migrations.filter(({ version }) => version > found)) {
    const upgrade = found > 0 ? (migration.upgrade ?? []) : []
    for (const statement of [...migration.statements, ...upgrade]) {
      await engine.define(repeatable(statement))
    }
    const query = `INSERT INTO migrations VALUES (${migration.version}, '${migration.name}', ${Date.now() / 1000})`
    await engine.client.command({ query })
  }
}

/** What each column is, by table: blocks are written in the types of the tables. */
async function columnTypes(engine: Engine): Promise<Map<Kind, Map<string, string>>> {
  const {
    table = [],
    name = [],
    type = [],
  } = await columnsOf(engine, 'SELECT table, name, type FROM system.columns WHERE database = currentDatabase()')
  const types = new Map<Kind, Map<string, string>>()
  for (const [row, kind] of table.entries()) {
    const known = types.get(kind as Kind) ?? new Map<string, string>()
    types.set(kind as Kind, known.set(String(name[row]), String(type[row])))
  }
  return types
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

export interface StoreOptions {
  /** The folder of the embedded store. */
  readonly data: string
  /** The URL of a server; '' for the embedded store. */
  readonly store: string
  /** The name of the cluster that the server is of; '' for the server alone. */
  readonly storeCluster?: string
  /** The lease of a hub that is one of several. */
  readonly holder?: Holder | undefined
  /** Runs what only one hub at a time may do. */
  readonly alone?: (work: () => Promise<void>) => Promise<void>
}

/** A batch is stamped so long at most before it is handed over. */
const STAMPED_SECONDS = 5

export async function openStore(options: StoreOptions): Promise<Store> {
  const engine = await openEngine(options)
  const work = new Work()
  let { holder } = options
  let delivered = new Delivered(engine)
  let arrived = 0
  let commits: Commits
  let types: Awaited<ReturnType<typeof columnTypes>>
  const begin = () => {
    const own = holder === undefined ? engine : guarded(engine, holder)
    if (holder !== undefined) delivered = new Delivered(own)
    commits = new Commits(own, delivered, types)
  }
  try {
    const prepare = async () => {
      await migrate(engine)
      await delivered.open()
    }
    await (options.alone === undefined ? prepare() : options.alone(prepare))
    // Where the engine is in this process: it has its threads once it has tables.
    yieldMerges()
    types = await columnTypes(engine)
    arrived = delivered.newest
    begin()
  } catch (error) {
    await engine.close()
    throw error
  }
  const arrival = () => {
    arrived = Math.max(arrived, delivered.newest, unixSeconds())
    return arrived
  }

  return {
    name: engine.name,
    insert: (batch, origin, isAwaited = true) => work.do(() => commits.add(batch, origin, isAwaited)),
    isFull: () => commits.isFull,
    lastSequence: agent => delivered.of(agent),
    async adopt(agent) {
      if (holder !== undefined) await work.do(() => delivered.adopt(agent, arrival))
    },
    async giveUp(agents) {
      if (holder !== undefined) await work.do(() => delivered.giveUp(agents))
    },
    begin(next) {
      commits.abandon()
      holder = next
      begin()
    },
    sender: name => (holder === undefined ? name : `${name}@${holder.id}`),
    arrival,
    storedTo: () => Math.min(unixSeconds() - STAMPED_SECONDS, commits.oldestWaiting() - 1e-3),
    command: (sql, parameters) =>
      work.do(() => (parameters === undefined ? engine.define(sql) : commandOf(engine, sql, parameters))),
    parts: engine.parts,
    query: (sql, parameters) => work.do(() => columnsOf(engine, sql, parameters)),
    packed: (sql, parameters) => work.do(() => packedOf(engine, sql, parameters)),
    export: (sql, format, parameters) => work.do(() => fileOf(engine, sql, format, parameters)),
    async close() {
      const stored = commits.close()
      await work.end()
      await stored
      await engine.close()
    },
  }
}
