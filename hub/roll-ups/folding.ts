/**
 * Folds what arrived into roll-ups, a little each minute. Which arrivals a tier has is kept in the table `folded`, written
 * after the tier: a hub that dies between folds the same slots again, to the same rows.
 */
import { repeat, sleep } from '../../base/clock'
import { messageOf } from '../../base/errors'
import { numberAt, rowsOf, textAt } from '../queries/values'
import type { Store } from '../store/store'
import { rollUps } from './index'
import { foldSql, type RollUp, type Tier } from './roll-up'
import { FOLD_STEP_SENDERS, STEP_SENDERS } from './step-senders'

const EVERY_MS = 60_000
/** Rows that are folded at once, for the sake of memory: what a store of before has comes in such pieces. */
const MOST_ROWS = 4_000_000
/** Times of rows that lie further apart are looked for by themselves. */
const GAP_SECONDS = 3600

export interface HouseKeeping {
  isOurs(): Promise<boolean>
  storedTo(): number
}

export class Folding {
  private readonly receivedTo = new Map<string, number>()
  private isOurs = true
  private readonly ended = new AbortController()
  private running: Promise<void> = Promise.resolve()

  /** `house`: whether it is for this hub to do, and up to when all that arrived is stored. */
  constructor(
    private readonly store: Store,
    private readonly log: (line: string) => void,
    private readonly house: HouseKeeping = { isOurs: () => Promise.resolve(true), storedTo: store.storedTo },
  ) {}

  /** Folds again and again, until `close`. */
  async start(): Promise<void> {
    await this.look()
    const { signal } = this.ended
    const failed = (error: unknown) => this.log(`roll-ups wait: ${messageOf(error)}`)
    this.running = sleep(EVERY_MS, signal).then(() => repeat(EVERY_MS, signal, () => this.foldOurs(), failed))
  }

  /** Another hub may have folded until now: how far, the store says. */
  private async foldOurs(): Promise<void> {
    const wasOurs = this.isOurs
    this.isOurs = await this.house.isOurs()
    if (!this.isOurs) return
    if (!wasOurs) await this.look()
    await this.fold()
  }

  private async look(): Promise<void> {
    const rows = await this.store.query('SELECT tier, max(receivedTo) AS receivedTo FROM folded GROUP BY tier')
    for (let row = 0; row < rowsOf(rows); row += 1)
      this.receivedTo.set(textAt(rows, 'tier', row) ?? '', numberAt(rows, 'receivedTo', row) ?? 0)
  }

  async close(): Promise<void> {
    this.ended.abort()
    await this.running
  }

  /** Brings every tier up to what arrived up to `to`, Unix seconds; coarse ones less often, unless `all` is asked for. */
  async fold(all = false, to = this.house.storedTo()): Promise<void> {
    for (const rollUp of rollUps) {
      for (const [level, tier] of rollUp.tiers.entries()) {
        const source = level === 0 ? rollUp.table : (rollUp.tiers[level - 1]?.table ?? '')
        if (!all && level > 0 && !(await this.isDue(tier, source, to))) continue
        await this.foldTier(tier.table, source, to, (after, end) => this.foldPiece(rollUp, level, source, after, end))
      }
    }
    await this.foldTier(STEP_SENDERS, 'step', to, (after, end) =>
      this.store.command(FOLD_STEP_SENDERS, { after, to: end }),
    )
  }

  /** Looks come at moments that jitter: it is at the nearest one. */
  private async isDue({ table, everySeconds }: Tier, source: string, to: number): Promise<boolean> {
    const since = this.receivedTo.get(table) ?? (await this.oldest(source)) ?? to
    return to - since >= everySeconds - EVERY_MS / 2000
  }

  private async oldest(source: string): Promise<number | null> {
    return numberAt(await this.store.query(`SELECT minOrNull(receivedAt) AS first FROM ${source}`), 'first', 0)
  }

  /** What arrived in a source since this tier was last folded, in pieces. */
  private async foldTier(
    tier: string,
    source: string,
    to: number,
    fold: (after: number, end: number) => Promise<void>,
  ): Promise<void> {
    for (let after = this.receivedTo.get(tier) ?? 0; after < to && !this.ended.signal.aborted;) {
      const { rows, end } = await this.piece(source, after, to)
      // Where nothing arrived, whoever looks again finds nothing again.
      if (rows > 0) {
        await fold(after, end)
        await this.store.command('INSERT INTO folded VALUES ({tier:String}, {end:Float64})', { tier, end })
      }
      this.receivedTo.set(tier, end)
      after = end
    }
  }

  /** How far to go at once, and how many rows that are, if they came evenly. */
  private async piece(source: string, after: number, to: number): Promise<{ rows: number; end: number }> {
    const found = await this.store.query(
      `SELECT count() AS rows, minOrNull(receivedAt) AS first FROM ${source} WHERE receivedAt > {after:Float64} AND receivedAt <= {to:Float64}`,
      { after, to },
    )
    const rows = numberAt(found, 'rows', 0) ?? 0
    const first = numberAt(found, 'first', 0) ?? to
    return rows <= MOST_ROWS ? { rows, end: to } : { rows: MOST_ROWS, end: first + (to - first) * (MOST_ROWS / rows) }
  }

  private async foldPiece(rollUp: RollUp, level: number, source: string, after: number, to: number): Promise<void> {
    const sql = foldSql(rollUp, level)
    if (level > 0 || rollUp.by === 'step') return this.store.command(sql, { after, to })
    const width = rollUp.tiers[level]?.width ?? 1
    for (const [first, last] of await this.spans(rollUp, source, after, to, width))
      await this.store.command(sql, { after, to, first, last })
  }

  /** The times of what arrived, as spans of whole slots. */
  private async spans({ valid }: RollUp, source: string, after: number, to: number, width: number) {
    const rows = await this.store.query(
      `SELECT floor(time / ${GAP_SECONDS}) AS hour, min(time) AS first, max(time) AS last FROM ${source}
       WHERE receivedAt > {after:Float64} AND receivedAt <= {to:Float64} AND ${valid} GROUP BY hour ORDER BY hour`,
      { after, to },
    )
    const spans: [number, number][] = []
    for (let row = 0; row < rowsOf(rows); row += 1) {
      const first = Math.floor((numberAt(rows, 'first', row) ?? 0) / width) * width
      const last = (Math.floor((numberAt(rows, 'last', row) ?? 0) / width) + 1) * width
      const before = spans.at(-1)
      if (before !== undefined && first - before[1] < GAP_SECONDS) before[1] = last
      else spans.push([first, last])
    }
    return spans
  }
}
