/**
 * The hubs of one store. What may be done by one hub only is a unit (an agent, a run, the house-keeping): which hub should
 * have it follows from the list of hubs, that no other has it is a claim under a lease. Alone, a hub has everything.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Server } from 'socket.io'
import { sleep } from '../../base/clock'
import { PlumblineError } from '../../base/errors'
import { Lease, type About, type Member, type Term } from './lease'
import { HUB_EVENT, hubMessageSchema, type Heard, type Said } from './messages'
import { openRedis, type RedisDoor } from './redis'

const PREFIX = '{plumbline}'
/** Clocks of hubs stamp what arrives, and roll-ups go by that. */
const MOST_CLOCK_SECONDS = 2
const KEY_BYTES = 32

export interface Fleet {
  readonly isAlone: boolean
  /** Undefined alone, and while there is none. */
  readonly term: Term | undefined
  readonly members: readonly Member[]
  claim(unit: string): Promise<boolean>
  release(unit: string): Promise<void>
  holds(unit: string): boolean
  /** Whether it is for this hub to do what is done once: takes it where it is, gives it up where it no longer is. */
  turn(unit: string): Promise<boolean>
  /** Does what only one hub at a time may do. */
  inTurn(unit: string, work: () => Promise<void>): Promise<void>
  /** Up to when all that arrived at any hub is stored, in Unix seconds. */
  storedTo(): number
  /** The same for all hubs; undefined alone. */
  sessionKey(): Promise<Buffer | undefined>
  /** Forgets what is claimed by hubs that are gone. */
  sweep(): Promise<void>
  say(said: Said): void
  /** From now on hubs hear one another. */
  connect(server: Server, hear: (heard: Heard) => void): void
  close(): Promise<void>
}

const WAIT_MS = 100
/** KEYS: key. ARGV: a new one. */
const KEEP = `redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])`

/** Highest of all hubs for a unit: spreads them evenly, and moves few where a hub comes or goes. */
const weight = (hub: string, unit: string) => createHash('sha256').update(`${unit}\n${hub}`).digest('hex')

const alone = (storedTo: () => number): Fleet => ({
  isAlone: true,
  term: undefined,
  members: [],
  claim: () => Promise.resolve(true),
  release: () => Promise.resolve(),
  holds: () => true,
  turn: () => Promise.resolve(true),
  inTurn: (_, work) => work(),
  storedTo,
  sessionKey: () => Promise.resolve(undefined),
  sweep: () => Promise.resolve(),
  say: () => undefined,
  connect: () => undefined,
  close: () => Promise.resolve(),
})

interface FleetOptions {
  /** URL of Redis, as redis://HOST:PORT. */
  readonly redis: string
  /** How long a hub may be silent before others take what it had. */
  readonly seconds: number
  about(): About
  /** Under a new lease. */
  began(term: Term): void
  lost(): void
  log(line: string): void
}

const LEASE_SECONDS = 15

export interface JoinOptions {
  /** '' or absent for a hub alone. */
  readonly redis?: string
  readonly leaseSeconds?: number
  readonly store: string
  readonly log: (line: string) => void
}

/** Alone without Redis. Throws PlumblineError where its store is one that no other hub can reach, and as `openFleet`. */
export async function joinFleet(
  { redis = '', leaseSeconds = LEASE_SECONDS, store, log }: JoinOptions,
  own: Pick<FleetOptions, 'about' | 'began' | 'lost'> & Pick<Fleet, 'storedTo'>,
): Promise<Fleet> {
  if (redis === '') return alone(own.storedTo)
  if (store === '')
    throw new PlumblineError('several hubs need a store that all of them reach', {
      fix: 'name a ClickHouse server with --store URL',
    })
  return openFleet({ ...own, redis, seconds: leaseSeconds, log })
}

/** Throws PlumblineError where Redis does not answer, or this machine's clock is another than Redis's. */
async function openFleet(options: FleetOptions): Promise<Fleet> {
  const { log, seconds, about, began, lost } = options
  const redis = await openRedis(options.redis, PREFIX, log)
  const start = { redis, prefix: PREFIX, seconds, about, lost, log }
  const lease = new Lease({ ...start, began: term => Promise.resolve(began(term)) })
  try {
    await lease.start()
    if (Math.abs(lease.clockAhead) > MOST_CLOCK_SECONDS)
      throw new PlumblineError(`this machine’s clock is ${lease.clockAhead.toFixed(1)} s ahead of that of Redis’s`, {
        fix: 'let both be set by NTP: hubs of one store go by one time',
      })
  } catch (error) {
    await lease.close()
    redis.close()
    throw error
  }
  return fleetOf(lease, redis)
}

function fleetOf(lease: Lease, redis: RedisDoor): Fleet {
  let server: Server | undefined

  const isFor = (unit: string) => {
    const { term } = lease
    if (term === undefined) return false
    const own = weight(term.id, unit)
    return !lease.members.some(({ id }) => id !== term.id && weight(id, unit) > own)
  }
  const fleet: Fleet = {
    isAlone: false,
    get term() {
      return lease.term
    },
    get members() {
      return lease.members
    },
    claim: unit => lease.claim(unit),
    release: unit => lease.release(unit),
    holds: unit => lease.holds(unit),
    async turn(unit) {
      if (isFor(unit)) return lease.holds(unit) || lease.claim(unit)
      if (lease.holds(unit)) await lease.release(unit)
      return false
    },
    async inTurn(unit, work) {
      while (!(await lease.claim(unit))) await sleep(WAIT_MS)
      await work().finally(() => lease.release(unit))
    },
    storedTo: () => Math.min(...lease.members.map(({ storedTo }) => storedTo)),
    async sessionKey() {
      const fresh = randomBytes(KEY_BYTES).toString('base64')
      return Buffer.from(String(await redis.run(KEEP, [`${PREFIX}:session-key`], [fresh])), 'base64')
    },
    sweep: () => lease.sweep(),
    say(said) {
      if (lease.term !== undefined) server?.serverSideEmit(HUB_EVENT, { ...said, hub: lease.term.id })
    },
    connect(own, hear) {
      server = own
      redis.connect(own)
      own.on(HUB_EVENT, (message: unknown) => {
        const heard = hubMessageSchema.safeParse(message)
        if (heard.success) hear(heard.data)
      })
    },
    async close() {
      await lease.close()
      redis.close()
    },
  }
  return fleet
}
