/**
 * Rows of amd-smi's monitor, one for each device and turn. Whether devices are divided into partitions shows only when all rows
 * of a turn are seen, so the first turn is held back until a device comes again; from then on rows pass at once.
 */
import { quantity } from './cells'
import type { Cells, Gpu } from './device'
import { smiRecords } from './smi'

const MAX_HELD = 4096

export class MonitorSamples {
  private held: Cells[] = []
  private readonly seen = new Set<string>()
  private divided: boolean | undefined

  constructor(private readonly add: (record: Gpu) => void) {}

  push(row: Cells): void {
    const key = `${row.get('gpu') ?? ''} ${row.get('xcp') ?? ''}`
    if (this.divided === undefined && (this.seen.has(key) || this.held.length >= MAX_HELD)) this.end()
    if (this.divided !== undefined) return this.give(row)
    this.seen.add(key)
    this.held.push(row)
  }

  /** No more rows of this turn come. */
  end(): void {
    if (this.held.length === 0) return
    this.divided = this.held.some(row => (quantity(row.get('xcp')) ?? 0) > 0)
    for (const row of this.held) this.give(row)
    this.held = []
    this.seen.clear()
  }

  private give(cells: Cells): void {
    for (const record of smiRecords({ cells, divided: this.divided === true })) this.add(record)
  }
}
