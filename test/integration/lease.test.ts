/** Leases and claims of hubs, on a real Redis. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Lease, type About } from '../../hub/fleet/lease'
import { openRedis, type RedisDoor } from '../../hub/fleet/redis'
import { eventually } from '../plumbline'
import { hasRedis, startRedis, type ServerProcess } from '../server-process'

const SECONDS = 1.5
let server: ServerProcess
const redises: RedisDoor[] = []
const leases: Lease[] = []

interface Made {
  readonly lease: Lease
  readonly redis: RedisDoor
  /** What happened to it. */
  readonly told: string[]
}

async function made(about: Partial<About> = {}): Promise<Made> {
  const told: string[] = []
  const redis = await openRedis(server.url, 'test', line => told.push(line))
  const lease = new Lease({
    redis,
    prefix: 'test',
    seconds: SECONDS,
    about: () => ({ url: 'http://hub', version: '1', startedAt: 1, storedTo: 2, ...about }),
    began: ({ id }) => Promise.resolve(void told.push(`began ${id}`)),
    lost: () => told.push('lost'),
    log: line => told.push(line),
  })
  redises.push(redis)
  leases.push(lease)
  await lease.start()
  return { lease, redis, told }
}

describe.skipIf(!hasRedis)('leases', () => {
  beforeEach(async () => (server = await startRedis()))
  afterEach(async () => {
    await Promise.all(leases.splice(0).map(lease => lease.close()))
    for (const redis of redises.splice(0)) redis.close()
    await server.stop()
  })

  it('a unit is one hub’s until it gives it up, closes, or is no longer there', async () => {
    const [one, other] = [await made({ url: 'http://one' }), await made()]
    expect(await one.lease.claim('run r')).toBe(true)
    expect(await one.lease.claim('run r')).toBe(true)
    expect(await other.lease.claim('run r')).toBe(false)
    expect([one.lease.holds('run r'), other.lease.holds('run r')]).toEqual([true, false])
    await one.lease.release('run r')
    expect(await other.lease.claim('run r')).toBe(true)
    expect(await one.lease.claim('run r')).toBe(false)
    await other.lease.close()
    expect(await one.lease.claim('run r')).toBe(true)
    const third = await made()
    expect(third.lease.members.map(({ url }) => url)).toEqual(['http://one', 'http://hub'])
    // Its connection is gone, as after a kill: nobody says so to Redis.
    one.redis.close()
    expect(await third.lease.claim('run r')).toBe(false)
    await eventually('the end of its lease', () => third.lease.claim('run r'))
    expect(one.told).toContain('lost')
    expect(one.lease.holds('run r')).toBe(false)
    await third.lease.sweep()
    expect(third.lease.holds('run r')).toBe(true)
  })

  it('a Redis that comes back empty gives nothing before leases of before are over', async () => {
    const one = await made()
    expect(await one.lease.claim('agent a')).toBe(true)
    const left = one.lease.term
    await server.stop()
    server = await startRedis(server.port)
    await eventually('another lease', () => Promise.resolve(one.told.filter(line => /^began/.test(line)).length === 2))
    expect(one.told).toContain('lost')
    expect(one.told.some(line => line.startsWith('Redis is new: waits'))).toBe(true)
    expect(left?.leftSeconds()).toBe(-Infinity)
    expect(Number(one.lease.term?.id)).toBeGreaterThan(Number(left?.id))
    expect(one.lease.holds('agent a')).toBe(false)
    await eventually('the claim', () => one.lease.claim('agent a'))
  })
})
