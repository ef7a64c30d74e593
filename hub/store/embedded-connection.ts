/**
 * What a ClickHouse client speaks through to the engine in this process. One connection of chdb does one thing after the
 * other, and of all that are given parameters (`query_params`), only one goes on in the whole process: a page would wait for
 * roll-ups. So there are several, and parameters are set by the statement itself, which holds up nobody.
 */
import type { createChdbConnection } from 'chdb/connection'
import { escaped, quoted } from './quoted'

type Connection = ReturnType<typeof createChdbConnection>
type Asked<Method extends 'query' | 'exec' | 'command'> = Parameters<Connection[Method]>[0]

/**
 * Connections for one kind of work: roll-ups and commits, or queries long and short, go on beside one another. More would
 * hold threads of Node's pool, which has four, without more cores to run on.
 */
const OF_EACH_KIND = 2

/** What a statement had answered before it failed stands before the next answer of its connection: nobody's answer. */
const drain = (connection: Connection) => connection.query({ query: 'SELECT 1' }).catch(() => undefined)

/** Connections that are free, and who waits for one, in the order in which they came. */
class Lane {
  private readonly waiting: ((connection: Connection) => void)[] = []

  constructor(private readonly free: Connection[]) {}

  async run<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.free.pop() ?? (await new Promise<Connection>(resolve => this.waiting.push(resolve)))
    try {
      return await work(connection)
    } catch (error) {
      await drain(connection)
      throw error
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.free.push(connection)
      else next(connection)
    }
  }
}

/** The text of a parameter as the store reads it: strings are quoted where they are elements of an array. */
function textOf(value: unknown): string {
  if (Array.isArray(value))
    return `[${value.map(one => (typeof one === 'string' ? quoted(one) : String(one))).join(',')}]`
  return escaped(String(value))
}

/**
 * A statement that brings its parameters along. What was set stays set on its connection, so that one that is missing would
 * be answered with another statement's. Throws where one is.
 */
export function withParameters(sql: string, parameters: Readonly<Record<string, unknown>> = {}): string {
  for (const [, name = ''] of sql.matchAll(/\{(\w+):\w+/g))
    if (!Object.hasOwn(parameters, name)) throw new Error(`the parameter ${name} is missing`)
  const set = Object.entries(parameters).map(([name, value]) => `param_${name} = ${quoted(textOf(value))}`)
  return set.length === 0 ? sql : `SET ${set.join(', ')}; ${sql}`
}

/** `open` makes one more connection to the same folder. What answers and what changes do not wait for one another. */
export function embeddedConnection(open: () => Connection) {
  const connections = Array.from({ length: 2 * OF_EACH_KIND }, open)
  const answering = new Lane(connections.slice(0, OF_EACH_KIND))
  const changing = new Lane(connections.slice(OF_EACH_KIND))
  const complete = <Asking extends Asked<'query'>>({ query_params, ...asked }: Asking) =>
    ({ ...asked, query: withParameters(asked.query, query_params) }) as Asking
  return {
    query: async (asked: Asked<'query'>) => answering.run(connection => connection.query(complete(asked))),
    exec: async (asked: Asked<'exec'>) => answering.run(connection => connection.exec(complete(asked))),
    command: async (asked: Asked<'command'>) => changing.run(connection => connection.command(complete(asked))),
    ping: (asked: Parameters<Connection['ping']>[0]) => answering.run(connection => connection.ping(asked)),
    close: async () => {
      for (const connection of connections) await connection.close()
    },
  }
}
