/**
 * What the store has of each agent. `delivered` (the table) says of which batches every table has its rows: it is written
 * after them, every few seconds. What came later than its newest line may be there in some tables and not in others; of
 * that each table's own rows say what it has; what was found so is written beside it, table by table.
 */
import { kinds, type Kind } from '../../wire/metrics'
import { columnsOf } from './columns'
import type { Engine } from './engine'
import { deliveredBlock, type Origin } from './native'

/** What came in this time is looked for in the tables after a crash. */
const WRITE_SECONDS = 10

/** Between a table and an agent: no agent's name has it. */
const BESIDE = '\n'
const keyOf = (kind: string, agent: string) => `${kind}${BESIDE}${agent}`

export class Delivered {
  /** Highest sequence by agent of which every table has its rows. */
  private readonly whole = new Map<string, number>()
  /** Highest sequence by kind and agent, of rows beyond `whole`. */
  private readonly partly = new Map<string, number>()
  /** Of which the table does not know yet. */
  private readonly unwritten = new Map<string, Origin>()
  /** When the newest whole batch came, in Unix seconds, and the newest of which the table knows. */
  newest = 0
  private written = 0

  constructor(private readonly engine: Engine) {}

  async open(): Promise<void> {
    const {
      agent = [],
      last = [],
      at = [],
    } = await columnsOf(
      this.engine,
      'SELECT agent, max(sequence) AS last, max(receivedAt) AS at FROM delivered GROUP BY agent',
    )
    for (const [row, name] of agent.entries()) {
      const known = String(name).includes(BESIDE) ? this.partly : this.whole
      known.set(String(name), Number(last[row]))
      this.newest = Math.max(this.newest, Number(at[row]))
    }
    this.written = this.newest
    await this.look(kinds, this.newest)
    await this.keepPartly()
  }

  /**
   * Writes down what was found in parts: before its agent sends it again the hub may die once more, and by then the table
   * may know of what came later from others, beyond which nothing is looked for.
   */
  private async keepPartly(): Promise<void> {
    const found = [...this.partly].filter(([key, sequence]) => sequence > this.of(key.slice(key.indexOf(BESIDE) + 1)))
    if (found.length === 0) return
    const receivedAt = this.newest
    await this.engine.insert(
      'delivered',
      deliveredBlock(found.map(([agent, sequence]) => ({ agent, sequence, receivedAt }))),
    )
  }

  /** Reads what tables have of what came at `since` or later. Parts of before are not opened: each knows its times. */
  async look(tables: readonly Kind[], since: number): Promise<void> {
    const selects = tables.map(
      kind =>
        `SELECT '${kind}' AS kind, toString(agent) AS agent, max(sequence) AS last FROM ${this.engine.everywhere(kind)} WHERE receivedAt >= {since:Float64} GROUP BY agent`,
    )
    const { kind = [], agent = [], last = [] } = await columnsOf(this.engine, selects.join(' UNION ALL '), { since })
    for (const [row, name] of agent.entries()) {
      const key = keyOf(String(kind[row]), String(name))
      this.partly.set(key, Math.max(Number(last[row]), this.partly.get(key) ?? 0))
    }
  }

  of = (agent: string): number => this.whole.get(agent) ?? 0

  has = (kind: Kind, { agent, sequence }: Origin): boolean =>
    sequence <= this.of(agent) || sequence <= (this.partly.get(keyOf(kind, agent)) ?? 0)

  /** Every table has the rows of these now. */
  async put(origins: readonly Origin[]): Promise<void> {
    for (const origin of origins) {
      const { agent, sequence, receivedAt } = origin
      if (sequence < this.of(agent)) continue
      this.whole.set(agent, sequence)
      this.unwritten.set(agent, origin)
      this.newest = Math.max(this.newest, receivedAt)
    }
    if (this.newest - this.written >= WRITE_SECONDS) await this.flush()
  }

  /** Writes what `put` said. */
  async flush(): Promise<void> {
    if (this.unwritten.size === 0) return
    await this.engine.insert('delivered', deliveredBlock([...this.unwritten.values()]))
    this.unwritten.clear()
    this.written = this.newest
  }
}
