/**
 * Where the tables live: ClickHouse inside this process (chdb) in the data folder, or a ClickHouse server by URL. Both
 * speak through `@clickhouse/client`, with one dialect.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createClient, type ClickHouseClient } from '@clickhouse/client'
import { PlumblineError, messageOf } from '../../base/errors'
import { ownerOf, takeLock } from '../../base/pid-lock'

export interface Engine {
  readonly name: string
  readonly client: ClickHouseClient
  close(): Promise<void>
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
    // chdb ships its own copy of the client's types, equal in shape and experimental on both sides.
    const connection = createChdbConnection({ path: join(data, 'store') }) as unknown
    const client = createClient({ connection } as Parameters<typeof createClient>[0])
    return {
      name: 'embedded ClickHouse',
      client,
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

export async function openEngine(options: { data: string; store: string }): Promise<Engine> {
  if (options.store === '') return embedded(options.data)
  const client = createClient({ url: options.store })
  const answer = await client.ping()
  if (!answer.success) {
    throw new PlumblineError(`the store does not answer: ${messageOf(answer.error)}`, { fix: 'check --store' })
  }
  return { name: 'ClickHouse server', client, close: () => client.close() }
}
