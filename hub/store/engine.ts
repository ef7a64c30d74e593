/**
 * Where the tables live: ClickHouse inside this process (chdb) in the data folder, or a ClickHouse server by URL. Both
 * speak through `@clickhouse/client`, with one dialect.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createClient, type ClickHouseClient } from '@clickhouse/client'
import { PlumblineError, messageOf } from '../../base/errors'
import { ownerOf, takeLock } from '../../base/pid-lock'
import { backUp } from './backup'
import { CLUSTER_SETTINGS, defineOnCluster, everyPart, everyReplica } from './cluster'
import { embeddedConnection } from './embedded-connection'
import type { Block } from './native'
import { listed, named, quoted } from './quoted'

export interface Engine {
  readonly name: string
  readonly client: ClickHouseClient
  /** Inserts one block in the Native format; with a bound, only within it. */
  insert(table: string, block: Block, bound?: Bound): Promise<void>
  /** Keeps the store as it is, under a name, before its tables change. A server's backup is its operator's. */
  backUp(name: string): Promise<void>
  /** Runs a statement that makes or changes tables, as it is written for one server. */
  define(statement: string): Promise<void>
  /** For FROM: the rows of a table wherever there are any, some perhaps more than once. */
  everywhere(table: string): string
  /** For FROM: the parts that tables consist of. */
  readonly parts: string
  close(): Promise<void>
}

/** When an insert must have begun, by the store's own clock in Unix seconds, and how long it may take. */
export interface Bound {
  readonly before: number
  readonly seconds: number
}

/** The embedded store takes one process per folder: a second hub would damage it, so it is refused by name. */
function lock(folder: string): () => void {
  const file = join(folder, 'hub.lock')
  const release = takeLock(file)
  if (release !== undefined) return release
  if (!existsSync(file)) throw new PlumblineError(`${folder} cannot be written`, { fix: 'choose another with --data' })
  throw new PlumblineError(`another hub (process ${ownerOf(file)}) uses ${folder}`, {
    fix: 'stop it, or give this one a folder of its own with --data',
  })
}

/** A block is inserted as it is, in one part, by one thread. Of this query alone: what is SET stays set in the embedded store. */
const AS_IT_IS = 'SETTINGS max_threads = 1, min_insert_block_size_rows = 0, min_insert_block_size_bytes = 0'

/**
 * INSERT of a block by a server. What comes after its bound is refused there: whoever sent it may have been stopped in
 * between, and what it is to write may be another's by now.
 */
function insertSql(table: string, { columns, types }: Block, bound: Bound | undefined): string {
  const into = `INSERT INTO ${named(table)} (${listed(columns)}) ${AS_IT_IS}`
  if (bound === undefined) return `${into} FORMAT Native`
  const structure = columns.map((name, at) => `${named(name)} ${types[at] ?? ''}`).join(', ')
  return `${into}, max_execution_time = ${bound.seconds} SELECT ${listed(columns)} FROM input(${quoted(structure)})
    WHERE throwIf(toUnixTimestamp64Milli(now64(3)) > ${Math.floor(bound.before * 1000)}, 'the lease of the hub is over') = 0 FORMAT Native`
}

async function writePieces(file: string, pieces: readonly Buffer[]): Promise<void> {
  const handle = await open(file, 'w')
  try {
    const { bytesWritten } = await handle.writev(pieces)
    // A disk that has room for a part of it says so only when more is written.
    if (bytesWritten < pieces.reduce((sum, piece) => sum + piece.length, 0)) throw new Error('the disk is full')
  } finally {
    await handle.close()
  }
}

/**
 * The embedded store takes bytes only within the text of a query, which it copies several times over; a file it reads as
 * it is, and one that is gone in a moment never leaves the page cache.
 */
async function insertByFile(client: ClickHouseClient, file: string, table: string, { columns, pieces }: Block) {
  try {
    await writePieces(file, pieces)
    await client.command({
      query: `INSERT INTO ${named(table)} (${listed(columns)}) ${AS_IT_IS} SELECT ${listed(columns)} FROM file(${quoted(file)}, 'Native')`,
    })
  } finally {
    await rm(file, { force: true })
  }
}

/** Merges rest meanwhile: files of parts neither come nor go. */
async function backUpFiles(client: ClickHouseClient, data: string, name: string): Promise<void> {
  await client.command({ query: 'SYSTEM STOP MERGES' })
  try {
    await backUp(join(data, 'store'), join(data, 'backups', name))
  } finally {
    await client.command({ query: 'SYSTEM START MERGES' })
  }
}

/** An INSERT whose rows follow it. The answer, which is empty, is read to its end: else its connection is lost. */
export async function insertStream(client: ClickHouseClient, query: string, values: Readable): Promise<void> {
  const { stream } = await client.exec({ query, values })
  await finished(stream.resume())
}

async function embedded(data: string): Promise<Engine> {
  try {
    mkdirSync(data, { recursive: true })
  } catch (error) {
    throw new PlumblineError(`the data folder ${data} cannot be made: ${messageOf(error)}`, {
      fix: 'choose another with --data',
    })
  }
  const unlock = lock(data)
  try {
    const { createChdbConnection } = await import('chdb/connection')
    const path = join(data, 'store')
    // chdb ships its own copy of the client's types, equal in shape and experimental on both sides.
    const connection = embeddedConnection(() => createChdbConnection({ path })) as unknown
    const client = createClient({ connection } as Parameters<typeof createClient>[0])
    return {
      name: 'embedded ClickHouse',
      client,
      insert: (table, block) => insertByFile(client, join(data, `incoming-${table}.native`), table, block),
      backUp: name => backUpFiles(client, data, name),
      ...oneServer(client),
      close: async () => {
        await client.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw new PlumblineError(`the embedded store cannot be opened: ${messageOf(error)}`, {
      fix: 'run `npm ci` on this machine, or name a ClickHouse server with --store URL',
      cause: error,
    })
  }
}

/** How tables are made, and where all rows are, without a cluster. */
const oneServer = (client: ClickHouseClient): Pick<Engine, 'define' | 'everywhere' | 'parts'> => ({
  define: async query => void (await client.command({ query })),
  everywhere: named,
  parts: 'system.parts',
})

const ofCluster = (client: ClickHouseClient, cluster: string): Pick<Engine, 'define' | 'everywhere' | 'parts'> => ({
  define: statement => defineOnCluster(client, cluster, statement),
  everywhere: table => everyReplica(table, cluster),
  parts: everyPart(cluster),
})

export interface EngineOptions {
  /** The folder of the embedded store. */
  readonly data: string
  /** The URL of a server; '' for the embedded store. */
  readonly store: string
  /** The name of the cluster that this server is of; '' for the server alone. */
  readonly storeCluster?: string
}

/** Throws PlumblineError where it cannot be opened or does not answer. */
export async function openEngine({ data, store, storeCluster = '' }: EngineOptions): Promise<Engine> {
  if (store === '') {
    if (storeCluster === '') return embedded(data)
    throw new PlumblineError('the embedded store is no cluster', { fix: 'name one of its servers with --store' })
  }
  const client = createClient({ url: store, ...(storeCluster !== '' && { clickhouse_settings: CLUSTER_SETTINGS }) })
  const answer = await client.ping()
  if (!answer.success) {
    throw new PlumblineError(`the store does not answer: ${messageOf(answer.error)}`, { fix: 'check --store' })
  }
  return {
    name: storeCluster === '' ? 'ClickHouse server' : `ClickHouse cluster ${storeCluster}`,
    client,
    backUp: () => Promise.resolve(),
    ...(storeCluster === '' ? oneServer(client) : ofCluster(client, storeCluster)),
    insert: (table, block, bound) =>
      insertStream(client, insertSql(table, block, bound), Readable.from(block.pieces, { objectMode: false })),
    close: () => client.close(),
  }
}
