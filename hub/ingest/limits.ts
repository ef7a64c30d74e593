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
class Names {
  private readonly seen = new Set<string | number>()
  private since = performance.now()

  constructor(private readonly most: number) {}

  /** Adds what stands in these columns; false, and adds none, where there would be too many. */
  add(tables: readonly Table[], columns: readonly string[]): boolean {
    const now = performance.now()
    if (now - this.since > HOUR_MS) {
      this.seen.clear()
      this.since = now
    }
    // Hardly ever is there one.
    let fresh: Set<string | number> | undefined
    visit(tables, columns, value => this.seen.has(value) || (fresh ??= new Set()).add(value))
    if (fresh === undefined) return true
    if (this.seen.size + fresh.size > this.most) return false
    for (const value of fresh) this.seen.add(value)
    return true
  }
}

/** In which columns, of any table, what is limited has its names. */
const NAMED_IN = {
  nodes: ['node'],
  runs: ['run'],
  ranks: ['rank'],
  devices: ['uuid'],
  labels: ['device', 'group', 'operation', 'source', 'name', 'type'],
} as const satisfies Partial<Record<LimitName, readonly string[]>>
type Named = keyof typeof NAMED_IN
const NAMED = Object.keys(NAMED_IN) as Named[]

/** Shows each value of these columns, some more than once. */
function visit(tables: readonly Table[], names: readonly string[], see: (value: string | number) => void): void {
  for (const { columns, rows } of tables)
    for (const name of names) {
      const column = columns.get(name)
      if (column === undefined) continue
      if (column.type === 'number') for (let row = 0; row < rows; row += 1) see(column.values[row] ?? NaN)
      else for (const text of column.dictionary) see(text)
    }
}

/** Runs that nobody heard of are refused where the hub knows as many as it may. */
export function checkInAll(
  batch: Batch,
  limits: Limits,
  runs: Pick<ReadonlyMap<string, unknown>, 'size' | 'has'>,
): Met | undefined {
  if (runs.size < limits.runsInAll) return undefined
  let isNew = false
  visit(batch.tables(), NAMED_IN.runs, run => (isNew ||= !runs.has(String(run))))
  return isNew ? met('runsInAll', limits.runsInAll, false) : undefined
}

export class AgentLimits {
  private readonly batches: Bucket
  private readonly bytes: Bucket
  private readonly names: Readonly<Record<Named, Names>>
  private deaf = 0

  constructor(private readonly limits: Limits) {
    this.batches = new Bucket(limits.batchesPerSecond, BURST_SECONDS)
    this.bytes = new Bucket(limits.bytesPerSecond, BURST_SECONDS)
    const names = NAMED.map(name => [name, new Names(limits[name])] as const)
    this.names = Object.fromEntries(names) as Record<Named, Names>
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
    for (const name of NAMED)
      if (!this.names[name].add(tables, NAMED_IN[name])) return met(name, this.limits[name], false)
    return undefined
  }
}
