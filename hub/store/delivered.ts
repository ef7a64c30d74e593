/**
 * What the store has of each agent. `delivered` (the table) says of which batches every table has its rows: it is written
 * after them, every few seconds. What came later than its newest line may be there in some tables and not in others; of
 * that each table's own rows say what it has; what was found so is written beside it, table by table.
 */
import { PlumblineError } from '../../base/errors'
import { kinds, type Kind } from '../../wire/metrics'
import { columnsOf } from './columns'
import type { Engine } from './engine'
import { deliveredBlock, type Origin } from './native'

/** What came in this time is looked for in the tables after a crash. */
const WRITE_SECONDS = 10

/** Agents that are asked for at once: their names are in an address. */
const MOST_AT_ONCE = 64

/** Between a table and an agent: no agent's name has it. */
const BESIDE = '\n'
const BESIDE_SQL = '\\n'
const keyOf = (kind: string, agent: string) => `${kind}${BESIDE}${agent}`
const agentOf = (key: string) => key.slice(key.indexOf(BESIDE) + 1)

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
  /** In a fleet: those whose batches come here, and those that are asked for. */
  private readonly adopted = new Set<string>()
  private asked: string[] = []
  private asking: Promise<void> = Promise.resolve()

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
    const found = this.beyondWhole()
    if (found.length === 0) return
    const receivedAt = this.newest
    await this.engine.insert(
      'delivered',
      deliveredBlock(found.map(([agent, sequence]) => ({ agent, sequence, receivedAt }))),
    )
  }

  /**
   * From another hub: what the store has of an agent, once nobody else writes what it sends. From now on each line says from
   * when on to look. `arrival` gives the time that what comes next is stamped with; it is not before `newest`.
   */
  async adopt(agent: string, arrival: () => number): Promise<void> {
    if (this.adopted.has(agent)) return
    this.asked.push(agent)
    // Who comes while others are asked for is asked for with all who came meanwhile.
    this.asking = this.asking.catch(() => undefined).then(() => this.ask(arrival))
    await this.asking
    if (!this.adopted.has(agent)) throw new PlumblineError('the store did not say what it has of the agent')
  }

  private async ask(arrival: () => number): Promise<void> {
    const agents = this.asked.splice(0, MOST_AT_ONCE)
    if (agents.length === 0) return
    const {
      name = [],
      last = [],
      at = [],
    } = await columnsOf(
      this.engine,
      `SELECT agent AS name, max(sequence) AS last, max(receivedAt) AS at FROM ${this.engine.everywhere('delivered')}
       WHERE splitByChar('${BESIDE_SQL}', agent)[-1] IN {agents:Array(String)} GROUP BY agent`,
      { agents },
    )
    let since = Infinity
    for (const [row, key] of name.entries()) {
      const known = String(key).includes(BESIDE) ? this.partly : this.whole
      known.set(String(key), Math.max(Number(last[row]), known.get(String(key)) ?? 0))
      since = Math.min(since, Number(at[row]))
      this.newest = Math.max(this.newest, Number(at[row]))
    }
    // Who is nowhere in `delivered` has nothing in the tables: it is written there first.
    if (since < Infinity) await this.look(kinds, since, agents)
    const receivedAt = arrival()
    const lines = agents.map(agent => ({ agent, sequence: this.of(agent), receivedAt }))
    const parts = this.beyondWhole().filter(([key]) => agents.includes(agentOf(key)))
    lines.push(...parts.map(([agent, sequence]) => ({ agent, sequence, receivedAt })))
    await this.engine.insert('delivered', deliveredBlock(lines))
    for (const agent of agents) this.adopted.add(agent)
    if (this.asked.length > 0) await this.ask(arrival)
  }

  /** To another hub: what is known of these agents is written down. */
  async giveUp(agents: readonly string[]): Promise<void> {
    await this.flush()
    for (const agent of agents) this.adopted.delete(agent)
  }

  /** What tables have in parts, beyond what all have: by table and agent. */
  private beyondWhole(): [key: string, sequence: number][] {
    return [...this.partly].filter(([key, sequence]) => sequence > this.of(agentOf(key)))
  }

  /** Reads what tables have of what came at `since` or later. Parts of before are not opened: each knows its times. */
  async look(tables: readonly Kind[], since: number, agents?: readonly string[]): Promise<void> {
    const theirs = agents === undefined ? '' : 'AND agent IN {agents:Array(String)}'
    const selects = tables.map(
      kind =>
        `SELECT '${kind}' AS kind, toString(agent) AS agent, max(sequence) AS last FROM ${this.engine.everywhere(kind)} WHERE receivedAt >= {since:Float64} ${theirs} GROUP BY agent`,
    )
    const parameters = agents === undefined ? { since } : { since, agents }
    const { kind = [], agent = [], last = [] } = await columnsOf(this.engine, selects.join(' UNION ALL '), parameters)
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
