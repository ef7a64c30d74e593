/**
 * What one agent may do to the hub: how fast it may send, and how many names it may bring within an hour. One that is broken or
 * hostile is refused with the limit and its setting, and counted; others do not notice. What is too fast stays in the agent's
 * spool and comes later; a batch with names too many is refused for good, and the agent keeps it aside.
 */
import { Bucket } from '../../base/bucket'
import type { Batch, Table } from '../../wire/table'
import { LIMITS, type LimitName, type Limits } from '../../wire/limits'

const HOUR_MS = 3_600_000
/** So many seconds of its rate may come at once: a spool that is sent after the hub was away. */
const BURST_SECONDS = 10
/** Who goes on all the same, without waiting as it was told, is cut off. */
const DEAF = 200

/** Which limit was met. */
export interface Met {
  readonly limit: LimitName
  readonly error: string
  readonly fix: string
  /** It may come later as it is. */
  readonly retry: boolean
}

function met(limit: LimitName, most: number, retry: boolean): Met {
  const fix = `find out why there are so many, or start the hub with --agent-limits ${limit}=${2 * most}`
  return { limit, error: `more than ${most.toLocaleString('en')} ${LIMITS[limit].of}`, fix, retry }
}

/** Distinct values of an hour. */
class Names<T> {
  private readonly seen = new Set<T>()
  private since = performance.now()

  constructor(private readonly most: number) {}

  /** Adds these; false, and adds none, where they would be too many. */
  add(values: ReadonlySet<T>): boolean {
    if (performance.now() - this.since > HOUR_MS) {
      this.seen.clear()
      this.since = performance.now()
    }
    const fresh = [...values].filter(value => !this.seen.has(value))
    if (this.seen.size + fresh.length > this.most) return false
    for (const value of fresh) this.seen.add(value)
    return true
  }
}

/** The texts that a column of any table has. */
function textsOf(tables: readonly Table[], name: string): Set<string> {
  const texts = new Set<string>()
  for (const { columns } of tables) {
    const column = columns.get(name)
    if (column !== undefined && column.type !== 'number') for (const text of column.dictionary) texts.add(text)
  }
  return texts
}

function numbersOf(tables: readonly Table[], name: string): Set<number> {
  const numbers = new Set<number>()
  for (const { columns, rows } of tables) {
    const column = columns.get(name)
    if (column?.type !== 'number') continue
    for (let row = 0; row < rows; row += 1) numbers.add(column.values[row] ?? NaN)
  }
  return numbers
}

/** Runs that nobody heard of are refused where the hub knows as many as it may. */
export function checkInAll(
  batch: Batch,
  limits: Limits,
  runs: Pick<ReadonlyMap<string, unknown>, 'size' | 'has'>,
): Met | undefined {
  if (runs.size < limits.runsInAll) return undefined
  const isNew = [...textsOf(batch.tables(), 'run')].some(run => !runs.has(run))
  return isNew ? met('runsInAll', limits.runsInAll, false) : undefined
}

export class AgentLimits {
  private readonly batches: Bucket
  private readonly bytes: Bucket
  private readonly names: { [Name in 'nodes' | 'runs' | 'devices' | 'ranks' | 'labels']: Names<string | number> }
  private deaf = 0

  constructor(private readonly limits: Limits) {
    this.batches = new Bucket(limits.batchesPerSecond, BURST_SECONDS)
    this.bytes = new Bucket(limits.bytesPerSecond, BURST_SECONDS)
    const names = (name: LimitName) => new Names<string | number>(limits[name])
    this.names = {
      nodes: names('nodes'),
      runs: names('runs'),
      devices: names('devices'),
      ranks: names('ranks'),
      labels: names('labels'),
    }
  }

  /** Something comes: the limit of speed that it meets. */
  pass(bytes: number): Met | undefined {
    const { batchesPerSecond, bytesPerSecond } = this.limits
    const why = !this.batches.take(1)
      ? met('batchesPerSecond', batchesPerSecond, true)
      : this.bytes.take(bytes)
        ? undefined
        : met('bytesPerSecond', bytesPerSecond, true)
    this.deaf = why === undefined ? 0 : this.deaf + 1
    return why
  }

  /** It was told to wait again and again, and does not. */
  get isDeaf(): boolean {
    return this.deaf > DEAF
  }

  /** The limit of names that a batch meets. */
  check(batch: Batch): Met | undefined {
    const tables = batch.tables()
    const of = { nodes: textsOf(tables, 'node'), runs: textsOf(tables, 'run'), ranks: numbersOf(tables, 'rank') }
    const devices = textsOf(tables, 'uuid')
    const labels = new Set(
      ['device', 'group', 'operation', 'source', 'name', 'type'].flatMap(name => [...textsOf(tables, name)]),
    )
    const brought: readonly (readonly [LimitName & keyof AgentLimits['names'], ReadonlySet<string | number>])[] = [
      ['nodes', of.nodes],
      ['runs', of.runs],
      ['ranks', of.ranks],
      ['devices', devices],
      ['labels', labels],
    ]
    for (const [name, values] of brought) if (!this.names[name].add(values)) return met(name, this.limits[name], false)
    return undefined
  }
}
