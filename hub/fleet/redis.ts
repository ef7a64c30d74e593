/** The door to Redis, where hubs of one store agree who does what. */
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import type { Server } from 'socket.io'
import { messageOf, PlumblineError } from '../../base/errors'

/** An answer that takes longer is none: a lease must not wait for it. */
const ANSWER_MS = 2000
const MOST_WAIT_MS = 1000

const OPTIONS = {
  protocol: 2,
  lazyConnect: true,
  connectTimeout: ANSWER_MS,
  // What cannot be said now is not said later: by then it may be wrong.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: (times: number) => Math.min(MOST_WAIT_MS, 100 * times),
} as const

/** A message to other hubs that does not get through is not missed: each looks into the store now and then all the same. */
class Publisher extends Redis {
  override async publish(channel: string | Buffer, message: string | Buffer): Promise<number> {
    return super.publish(channel, message).catch(() => 0)
  }
}

export interface RedisDoor {
  /** Runs a script in one piece; its `KEYS` and `ARGV` are as given. Rejects where Redis does not answer at once. */
  run(script: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown>
  /** Messages to the server's namespaces reach those of other hubs. */
  connect(server: Server): void
  close(): void
}

/** Throws PlumblineError where Redis does not answer. */
export async function openRedis(url: string, prefix: string, log: (line: string) => void): Promise<RedisDoor> {
  const commands = new Redis(url, { ...OPTIONS, commandTimeout: ANSWER_MS })
  const publisher = new Publisher(url, OPTIONS)
  const subscriber = new Redis(url, { ...OPTIONS, enableOfflineQueue: true, maxRetriesPerRequest: null })
  const clients = [commands, publisher, subscriber]
  let failure = ''
  const failed = (error: Error) => {
    if (error.message !== failure) log(`redis: ${error.message}`)
    failure = error.message
  }
  for (const client of clients) client.on('error', failed)
  commands.on('ready', () => (failure = ''))
  try {
    await Promise.all(clients.map(client => client.connect()))
  } catch (error) {
    for (const client of clients) client.disconnect()
    throw new PlumblineError(`Redis does not answer: ${failure || messageOf(error)}`, { fix: 'check --redis' })
  }
  return {
    async run(script, keys, values) {
      if (commands.status !== 'ready') throw new PlumblineError('Redis does not answer')
      return commands.eval(script, keys.length, ...keys, ...values)
    },
    connect: server => void server.adapter(createAdapter(publisher, subscriber, { key: `${prefix}:hubs` })),
    close: () => {
      for (const client of clients) client.disconnect()
    },
  }
}
