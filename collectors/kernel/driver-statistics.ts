/** Statistics of cards by `ethtool -S`, at a slow pace and beside the collection: a card’s firmware can take seconds to answer. */
import type { Host } from '../host'
import { driverCounters, parseStatistics } from './ethtool'

const EVERY_SECONDS = 30
const TIMEOUT_MS = 4_000

export class DriverStatistics {
  private readonly fresh = new Map<string, Readonly<Record<string, number>>>()
  private askedAt = -Infinity
  private asking = false
  /** ethtool is not installed: asked for again with the next session only. */
  private missing = false

  constructor(private readonly host: Host) {}

  /** Asks for the statistics of these cards when it is time to; the answers come later. */
  ask(names: Iterable<string>): void {
    const now = this.host.now()
    if (this.missing || this.asking || Math.abs(now - this.askedAt) < EVERY_SECONDS) return
    this.asking = true
    this.askedAt = now
    void this.readAll([...names]).finally(() => (this.asking = false))
  }

  /** Counters that came since the last call; empty where none did. */
  take(name: string): Readonly<Record<string, number>> {
    const errors = this.fresh.get(name) ?? {}
    this.fresh.delete(name)
    return errors
  }

  private async readAll(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const { code, stdout, error } = await this.host.run('ethtool', ['-S', name], TIMEOUT_MS)
      if (error !== undefined && !/did not end/.test(error)) {
        this.missing = true
        return
      }
      // A card without statistics says so and ends with an error.
      if (code === 0) this.fresh.set(name, driverCounters(parseStatistics(stdout).statistics).errors)
    }
  }
}
