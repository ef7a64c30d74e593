/** Nodes: their agents, the health of the agents' collectors, and who was turned away. */
import type { NodeInfo } from '../wire/api'
import { catalogue, type Kind } from '../wire/metrics'
import type { Batch } from '../wire/table'
import type { Store } from './store/store'
import { numberAt, rowsOf, textAt } from './queries/values'

type Health = NodeInfo['collectors'][number]
interface NodeState {
  readonly node: string
  lastSeenAt: number
  version: string | null
  readonly agents: Set<string>
  readonly collectors: Map<string, Health>
  readonly refusals: NodeInfo['refusals']
}

/** Refusals kept per node: the newest few say all that a person needs. */
const MAX_REFUSALS = 10
/** Names and texts come from strangers: how many are kept in memory, and how long, is bounded. */
const MAX_NODES = 65_536
const MAX_COLLECTORS = 256
const MAX_TEXT = 1000
const HEALTH = new Set(['ok', 'absent', 'failed'])

/** Of what `fold` reads. */
export const isNodeKind = (kind: Kind): boolean => kind === 'collector'

export class Nodes {
  private readonly nodes = new Map<string, NodeState>()
  /** Agents connected now, and where. */
  private readonly connected = new Map<string, string>()
  /** Agents of each node that are connected to other hubs, and all of these. */
  private elsewhere: { readonly nodes: ReadonlyMap<string, number>; readonly agents: ReadonlySet<string> } = {
    nodes: new Map(),
    agents: new Set(),
  }

  /** Agents connected now. */
  get agents(): number {
    return this.connected.size
  }

  isConnected = (agent: string): boolean => this.connected.has(agent) || this.elsewhere.agents.has(agent)

  /** Agent, node and version of all that are connected. */
  present(): [agent: string, node: string, version: string][] {
    return [...this.connected].map(([agent, node]) => [agent, node, this.nodes.get(node)?.version ?? ''])
  }

  /** Who is connected to other hubs now. */
  hear(present: readonly (readonly [agent: string, node: string, version: string])[], now: number): void {
    const nodes = new Map<string, number>()
    for (const [, node, version] of present) {
      nodes.set(node, (nodes.get(node) ?? 0) + 1)
      const state = this.stateOf(node)
      if (state === undefined) continue
      if (version !== '') state.version = version
      state.lastSeenAt = Math.max(state.lastSeenAt, now)
    }
    this.elsewhere = { nodes, agents: new Set(present.map(([agent]) => agent)) }
  }

  connect(agent: string, node: string, version: string, now: number): void {
    // It may have been on a node of another name a moment ago.
    this.disconnect(agent)
    this.connected.set(agent, node)
    const state = this.stateOf(node)
    if (state === undefined) return
    state.agents.add(agent)
    state.version = version
    state.lastSeenAt = now
    state.refusals.length = 0
  }

  disconnect(agent: string): void {
    const node = this.connected.get(agent)
    this.connected.delete(agent)
    if (node !== undefined) this.nodes.get(node)?.agents.delete(agent)
  }

  refuse(node: string, error: string, fix: string | undefined, now: number): void {
    const refusals = this.stateOf(node)?.refusals
    if (refusals === undefined) return
    const told = clip(error)
    if (refusals.at(-1)?.error === told) refusals.pop()
    refusals.push({ time: now, error: told, fix: fix ?? null })
    if (refusals.length > MAX_REFUSALS) refusals.shift()
  }

  fold(batch: Batch, node: string, receivedAt: number): void {
    const own = this.stateOf(node)
    if (own !== undefined) own.lastSeenAt = receivedAt
    const table = batch.table('collector')
    for (let row = 0; row < table.rows; row += 1) {
      const record = table.record(row)
      if (record.name === undefined) continue
      const collectors = this.stateOf(record.node ?? node)?.collectors
      const name = clip(record.name)
      if (collectors === undefined || (collectors.size >= MAX_COLLECTORS && !collectors.has(name))) continue
      collectors.set(name, {
        name,
        state: healthOf(record.state),
        message: clip(record.message ?? '') || null,
        fix: clip(record.fix ?? '') || null,
        durationSeconds: record.durationSeconds ?? null,
        failures: record.failures ?? 0,
        linesRead: record.linesRead ?? null,
        linesUnread: record.linesUnread ?? null,
        lastSeenAt: receivedAt,
      })
    }
  }

  list(): NodeInfo[] {
    return [...this.nodes.values()]
      .sort((one, other) => (one.node < other.node ? -1 : 1))
      .map(({ node, lastSeenAt, version, agents, collectors, refusals }) => ({
        node,
        connected: agents.size + (this.elsewhere.nodes.get(node) ?? 0) > 0,
        agents: agents.size + (this.elsewhere.nodes.get(node) ?? 0),
        lastSeenAt,
        version,
        collectors: [...collectors.values()],
        refusals,
      }))
  }

  /** Learns from the store what arrived at `since` (Unix seconds) or later; gives the nodes that it speaks of. */
  async restore(store: Store, since = 0): Promise<Set<string>> {
    const touched = new Set<string>()
    const fields = Object.keys(catalogue.collector).filter(name => !['time', 'node', 'name'].includes(name))
    const columns = await store.query(
      `SELECT toString(node) AS node, toString(name) AS name, max(collector.receivedAt) AS last,
         ${fields.map(name => `argMax(tuple(collector.${name}), collector.time).1 AS ${name}`).join(', ')}
       FROM collector WHERE collector.receivedAt >= {since:Float64} GROUP BY node, name`,
      { since },
    )
    for (let row = 0; row < rowsOf(columns); row += 1) {
      const state = this.stateOf(textAt(columns, 'node', row) ?? '')
      if (state === undefined) return touched
      touched.add(state.node)
      const name = textAt(columns, 'name', row) ?? ''
      const lastSeenAt = numberAt(columns, 'last', row) ?? 0
      state.lastSeenAt = Math.max(state.lastSeenAt, lastSeenAt)
      state.collectors.set(name, {
        name,
        state: healthOf(textAt(columns, 'state', row)),
        lastSeenAt,
        message: textAt(columns, 'message', row),
        fix: textAt(columns, 'fix', row),
        durationSeconds: numberAt(columns, 'durationSeconds', row),
        failures: numberAt(columns, 'failures', row) ?? 0,
        linesRead: numberAt(columns, 'linesRead', row),
        linesUnread: numberAt(columns, 'linesUnread', row),
      })
    }
    return touched
  }

  /** Undefined for one node too many. */
  private stateOf(name: string): NodeState | undefined {
    const node = clip(name)
    let state = this.nodes.get(node)
    if (state === undefined && this.nodes.size < MAX_NODES) {
      state = { node, lastSeenAt: 0, version: null, agents: new Set(), collectors: new Map(), refusals: [] }
      this.nodes.set(node, state)
    }
    return state
  }
}

const clip = (text: string) => text.slice(0, MAX_TEXT)
const healthOf = (state: string | null | undefined): Health['state'] =>
  HEALTH.has(state ?? '') ? (state as Health['state']) : 'failed'
