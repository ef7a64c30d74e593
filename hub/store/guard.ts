/**
 * Inserts of a hub that is one of several. While it has its lease nobody else writes what its agents send; an insert of its
 * that came to the store after the end of the lease would double what another hub stored meanwhile. So each carries the time
 * by the store's own clock at which it must have begun, and none may take longer than what is left of the lease then.
 */
import { sleep } from '../../base/clock'
import { PlumblineError } from '../../base/errors'
import { ClickHouseError } from '@clickhouse/client'
import { columnsOf } from './columns'
import type { Engine } from './engine'

/** An insert may take this share of a lease, and no longer than a connection waits for its answer. */
const INSERT_SHARE = 0.5
const MOST_INSERT_SECONDS = 15
/** The store's clock is asked for again after so long. */
const CLOCK_MS = 5000

/** What a lease is to the store. */
export interface Holder {
  /** Tells rows that the hub itself writes from those of other hubs. */
  readonly id: string
  readonly seconds: number
  leftSeconds(): number
}

/** The clock of the store, at the latest that it can be: what came back was read before it came. */
class StoreClock {
  private ahead = NaN
  private askedAt = -Infinity

  constructor(private readonly engine: Engine) {}

  /** Unix seconds; never later than it is there. */
  async now(): Promise<number> {
    if (performance.now() - this.askedAt > CLOCK_MS) {
      const { now = [] } = await columnsOf(this.engine, 'SELECT toUnixTimestamp64Milli(now64(3)) AS now')
      this.askedAt = performance.now()
      this.ahead = Number(now[0]) / 1000 - this.askedAt / 1000
    }
    return this.ahead + performance.now() / 1000
  }
}

export function guarded(engine: Engine, holder: Holder): Engine {
  const clock = new StoreClock(engine)
  const seconds = Math.min(MOST_INSERT_SECONDS, holder.seconds * INSERT_SHARE)
  return {
    ...engine,
    async insert(table, block) {
      const now = await clock.now()
      const left = holder.leftSeconds() - seconds
      if (left <= 0) throw new PlumblineError('the hub’s lease is about to end')
      const began = performance.now()
      try {
        await engine.insert(table, block, { before: now + left, seconds })
      } catch (error) {
        // What got no answer may still be at work there: who looks what is stored must not look before it ends.
        if (!(error instanceof ClickHouseError)) await sleep(seconds * 1000 - (performance.now() - began))
        throw error
      }
    },
  }
}
