/**
 * What other hubs stored: read from the store, where all of it is, soon after they say so, and now and then all the same.
 * Of what this hub stored the others are told, a few times a second.
 */
import { repeat, sleep, unixSeconds } from '../../base/clock'
import { messageOf } from '../../base/errors'
import type { Fleet } from './fleet'

/** Between two messages, and two looks. */
const SAY_MS = 100
const REST_MS = 250
/** A look takes this share of the time at most. */
const WORK_SHARE = 0.2
/** Without a word for so long it looks all the same; and this far back, for what was on its way and clocks that differ. */
const QUIET_MS = 10_000
const OVERLAP_SECONDS = 40

export interface TailOptions {
  readonly fleet: Fleet
  /** Reads what arrived at `since` (Unix seconds) or later. */
  read(since: number): Promise<void>
  log(line: string): void
}

export class Tail {
  private from = Infinity
  private wake = new AbortController()
  private lookedAt = unixSeconds()
  private readonly stopped = new AbortController()
  private running: Promise<void> = Promise.resolve()
  private own = Infinity
  private saying: NodeJS.Timeout | undefined

  constructor(private readonly options: TailOptions) {}

  start(): void {
    if (this.options.fleet.isAlone) return
    const failed = (error: unknown) => this.options.log(`what other hubs stored is not read: ${messageOf(error)}`)
    this.running = repeat(REST_MS, this.stopped.signal, () => this.look(), failed)
  }

  /** This hub stored what arrived at `receivedAt`. */
  stored(receivedAt: number): void {
    if (this.options.fleet.isAlone) return
    this.own = Math.min(this.own, receivedAt)
    this.saying ??= setTimeout(() => {
      this.options.fleet.say({ what: 'stored', from: this.own })
      this.own = Infinity
      this.saying = undefined
    }, SAY_MS)
  }

  /** Another hub stored what arrived at `from` or later. */
  heard(from: number): void {
    this.from = Math.min(this.from, from)
    this.wake.abort()
  }

  async close(): Promise<void> {
    clearTimeout(this.saying)
    this.stopped.abort()
    this.wake.abort()
    await this.running
  }

  private async look(): Promise<void> {
    if (this.from === Infinity) await sleep(QUIET_MS, this.wake.signal)
    if (this.stopped.signal.aborted) return
    this.wake = new AbortController()
    const began = unixSeconds()
    const since = this.from === Infinity ? this.lookedAt - OVERLAP_SECONDS : this.from
    this.from = Infinity
    const from = performance.now()
    try {
      await this.options.read(since)
      this.lookedAt = began
    } catch (error) {
      this.from = Math.min(this.from, since)
      throw error
    } finally {
      const took = performance.now() - from
      await sleep(took / WORK_SHARE - took - REST_MS, this.stopped.signal)
    }
  }
}
