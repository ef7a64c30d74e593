/**
 * A hub's place among the hubs of one store: a lease in Redis that it renews while it lives, and claims under it, of agents,
 * runs and the house-keeping. A claim whose hub has no lease any more is free. Each lease has a number of its own, higher than
 * all before, so that whoever lost one never passes for who has one now.
 *
 * A Redis that is found empty may have forgotten leases that their hubs still believe in: who comes then waits for one lease.
 */
import { z } from 'zod'
import { repeat, sleep } from '../../base/clock'
import { messageOf } from '../../base/errors'
import type { RedisDoor } from './redis'

/** Times that it is renewed while it lasts. */
const RENEWALS = 5

/** What others are told of a hub. */
export const memberSchema = z.object({
  url: z.string(),
  version: z.string(),
  /** Unix seconds. */
  startedAt: z.number(),
  /** Up to when all that arrived there is stored, in Unix seconds. */
  storedTo: z.number(),
})
export type About = z.infer<typeof memberSchema>
export interface Member extends About {
  readonly id: string
}

/** One lease, from when it was given to when it is over. */
export interface Term {
  readonly id: string
  /** Seconds that it lasts when it is renewed. */
  readonly seconds: number
  /** For how long nobody else can have what is claimed under it; negative once it is over. */
  leftSeconds(): number
}

const NOW = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`
/** KEYS: since, counter, hubs. ARGV: prefix of leases, milliseconds, about. */
const ENTER = `${NOW}redis.call('SET', KEYS[1], string.format('%d', now), 'NX')
local wait = redis.call('GET', KEYS[1]) + ARGV[2] - now
local id = string.format('%d', math.max(now, (redis.call('GET', KEYS[2]) or 0) + 1))
redis.call('SET', KEYS[2], id)
redis.call('SET', ARGV[1] .. id, ARGV[3], 'PX', ARGV[2])
redis.call('SADD', KEYS[3], id)
return {id, string.format('%d', now), string.format('%d', math.max(0, wait))}`
/** KEYS: hubs. ARGV: prefix of leases, milliseconds, about, id. Gives id and about of every hub; nothing once it is over. */
const RENEW = `if not redis.call('SET', ARGV[1] .. ARGV[4], ARGV[3], 'PX', ARGV[2], 'XX') then return {} end
local found = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local about = redis.call('GET', ARGV[1] .. id)
  if about then table.insert(found, id) table.insert(found, about) else redis.call('SREM', KEYS[1], id) end
end
return found`
/** KEYS: claims. ARGV: prefix of leases, id, unit. Gives the id that it is with now; '' once our lease is over. */
const CLAIM = `if redis.call('EXISTS', ARGV[1] .. ARGV[2]) == 0 then return '' end
local owner = redis.call('HGET', KEYS[1], ARGV[3])
if owner and owner ~= ARGV[2] and redis.call('EXISTS', ARGV[1] .. owner) == 1 then return owner end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[2])
return ARGV[2]`
/** KEYS: claims. ARGV: id, unit. */
const RELEASE = `if redis.call('HGET', KEYS[1], ARGV[2]) == ARGV[1] then redis.call('HDEL', KEYS[1], ARGV[2]) end
return 1`
/** KEYS: claims. ARGV: prefix of leases. Forgets claims of hubs that are gone. */
const SWEEP = `local claims = redis.call('HGETALL', KEYS[1])
for at = 1, #claims, 2 do
  if redis.call('EXISTS', ARGV[1] .. claims[at + 1]) == 0 then redis.call('HDEL', KEYS[1], claims[at]) end
end
return 1`
/** KEYS: hubs. ARGV: prefix of leases, id. */
const LEAVE = `redis.call('DEL', ARGV[1] .. ARGV[2])
redis.call('SREM', KEYS[1], ARGV[2])
return 1`

const enteredSchema = z.tuple([z.string(), z.coerce.number(), z.coerce.number()])

export interface LeaseOptions {
  readonly redis: RedisDoor
  readonly prefix: string
  readonly seconds: number
  about(): About
  /** A new term began; what it was before is over. */
  began(term: Term): Promise<void>
  /** It is over, and nothing may be done any more that only its holder does. */
  lost(): void
  log(line: string): void
}

export class Lease {
  term: Term | undefined
  /** Whether claims may be made: others may still act on leases that a new Redis does not know of. */
  private isOpen = false
  /** Hubs as of the last renewal. */
  members: readonly Member[] = []
  /** Seconds by which this machine's clock is ahead of Redis's. */
  clockAhead = 0
  /** When the lease ends at the earliest, on this process's own clock, in milliseconds. */
  private endsAt = -Infinity
  private readonly claimed = new Set<string>()
  private readonly stopped = new AbortController()
  private running: Promise<void> = Promise.resolve()
  private told = ''
  private watch: NodeJS.Timeout | undefined

  constructor(private readonly options: LeaseOptions) {}

  /** Resolves in the first term. Rejects where Redis does not answer. */
  async start(): Promise<void> {
    await this.enter()
    const every = (this.options.seconds * 1000) / RENEWALS
    this.running = sleep(every, this.stopped.signal).then(() =>
      repeat(
        every,
        this.stopped.signal,
        () => this.renew(),
        error => this.say(`the lease is not renewed: ${messageOf(error)}`),
      ),
    )
  }

  /** Whether a unit is this hub's now: what it was given, and for as long as its lease lasts. */
  holds(unit: string): boolean {
    return this.claimed.has(unit) && (this.term?.leftSeconds() ?? 0) > 0
  }

  /** Makes a unit this hub's, where it is nobody else's. False too where Redis does not answer, or there is no lease. */
  async claim(unit: string): Promise<boolean> {
    const { term } = this
    if (term === undefined || !this.isOpen) return false
    const owner = await this.run(CLAIM, ['claims'], [this.leases, term.id, unit]).catch(() => undefined)
    if (owner !== term.id || this.term !== term) return false
    this.claimed.add(unit)
    return true
  }

  /** Gives a unit up. Where Redis does not answer it stays until the lease is over. */
  async release(unit: string): Promise<void> {
    const { term } = this
    this.claimed.delete(unit)
    if (term !== undefined) await this.run(RELEASE, ['claims'], [term.id, unit]).catch(() => undefined)
  }

  /** Forgets claims of hubs that are gone. */
  async sweep(): Promise<void> {
    await this.run(SWEEP, ['claims'], [this.leases])
  }

  /** Gives everything up at once. */
  async close(): Promise<void> {
    this.stopped.abort()
    await this.running
    clearTimeout(this.watch)
    const { term } = this
    this.term = undefined
    this.endsAt = -Infinity
    if (term !== undefined) await this.run(LEAVE, ['hubs'], [this.leases, term.id]).catch(() => undefined)
  }

  private get leases(): string {
    return `${this.options.prefix}:hub:`
  }
  private get milliseconds(): number {
    return Math.round(this.options.seconds * 1000)
  }

  private run(script: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    const { redis, prefix } = this.options
    return redis.run(
      script,
      keys.map(key => `${prefix}:${key}`),
      values,
    )
  }

  private async enter(): Promise<void> {
    const began = performance.now()
    const about = JSON.stringify(this.options.about())
    const answer = await this.run(ENTER, ['since', 'counter', 'hubs'], [this.leases, this.milliseconds, about])
    const [id, now, wait] = enteredSchema.parse(answer)
    this.clockAhead = (Date.now() - now - (performance.now() - began) / 2) / 1000
    this.extend(began)
    const term: Term = {
      id,
      seconds: this.options.seconds,
      leftSeconds: () => (this.term === term ? (this.endsAt - performance.now()) / 1000 : -Infinity),
    }
    this.term = term
    this.claimed.clear()
    this.isOpen = false
    if (wait > 0) {
      this.options.log(`Redis is new: waits ${Math.ceil(wait / 1000)} s for hubs that it may not know of`)
      await this.waitFor(wait)
    }
    await this.renew()
    if (this.term !== term) return
    await this.options.began(term)
    this.isOpen = true
  }

  private async waitFor(milliseconds: number): Promise<void> {
    const until = performance.now() + milliseconds
    while (performance.now() < until && !this.stopped.signal.aborted) {
      await sleep(Math.min(until - performance.now(), this.milliseconds / RENEWALS), this.stopped.signal)
      await this.renew()
    }
  }

  private async renew(): Promise<void> {
    const { term } = this
    if (term === undefined) return this.enter()
    const began = performance.now()
    const about = JSON.stringify(this.options.about())
    const answer = await this.run(RENEW, ['hubs'], [this.leases, this.milliseconds, about, term.id])
    const found = z.array(z.string()).parse(answer)
    if (this.term !== term) return
    if (found.length === 0) return this.lose('Redis knows of it no more')
    this.extend(began)
    this.told = ''
    this.members = membersOf(found)
  }

  /** Once, not at every attempt. */
  private say(line: string): void {
    if (line !== this.told) this.options.log(line)
    this.told = line
  }

  /** It lasts from when it was asked for, not from when the answer came. */
  private extend(askedAt: number): void {
    this.endsAt = askedAt + this.milliseconds
    clearTimeout(this.watch)
    this.watch = setTimeout(() => this.lose('it was not renewed in time'), this.endsAt - performance.now())
    this.watch.unref()
  }

  private lose(why: string): void {
    if (this.term === undefined) return
    this.options.log(`this hub’s lease is over (${why}): agents are sent away until it has another`)
    this.term = undefined
    this.members = []
    this.claimed.clear()
    clearTimeout(this.watch)
    this.options.lost()
  }
}

function membersOf(found: readonly string[]): Member[] {
  const members: Member[] = []
  for (let at = 0; at + 1 < found.length; at += 2) {
    const [id = '', about = ''] = [found[at], found[at + 1]]
    members.push({ id, ...memberSchema.parse(JSON.parse(about)) })
  }
  return members.sort((one, other) => (one.id < other.id ? -1 : 1))
}
