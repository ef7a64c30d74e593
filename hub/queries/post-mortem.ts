/** What a post-mortem needs of the store: how memory grew in the rank that died, and what its device held. */
import { firstOf, type Event, type MemoryHistory, type Scene } from '../../analysis/post-mortem/scene'
import type { PredictInput } from '../../math/input'
import type { RunFacts } from '../run-facts'
import type { Store } from '../store/store'
import { perRank } from './folded-steps'
import { numberAt, numbers, rowsOf } from './values'

const MOST_STEPS = 5_000
/** Steps over which the peak of a rank is taken when ranks are compared. */
const RECENT_STEPS = 16
/** Seconds before the event within which a device sample still tells of it. */
const RECENT_SECONDS = 120

const column = (values: readonly (number | null)[]) => Float64Array.from(values, value => value ?? NaN)

/** What is seen to grow: tensors on a device, the process on a host. */
const HELD = { oom: 'coalesce(memoryPeakBytes, memoryAllocatedBytes)', 'host-oom': 'residentBytes' } as const
type Held = (typeof HELD)[keyof typeof HELD]

async function memoryHistory(store: Store, run: string, rank: number | undefined, held: Held): Promise<MemoryHistory> {
  const of = async (where: string) => {
    const rows = await store.query(
      `SELECT * FROM (
         SELECT step, max(at) AS time, max(${held}) AS peak, max(memoryReservedBytes) AS reserved
         FROM (${perRank('run = {run:String}')}) WHERE ${where} GROUP BY step ORDER BY step DESC LIMIT ${MOST_STEPS}
       ) ORDER BY step`,
      { run, rank: rank ?? -1 },
    )
    return {
      step: column(numbers(rows, 'step')),
      time: column(numbers(rows, 'time')),
      peakBytes: column(numbers(rows, 'peak')),
      reservedBytes: column(numbers(rows, 'reserved')),
    }
  }
  const own = rank === undefined ? undefined : await of('rank = {rank:Float64}')
  // A framework's log tells of the whole job, or of its first rank.
  return own !== undefined && own.peakBytes.some(Number.isFinite) ? own : of('true')
}

async function peaksByRank(store: Store, facts: RunFacts, held: Held): Promise<Map<number, number>> {
  const rows = await store.query(
    `SELECT rank, max(${held}) AS peak
     FROM (${perRank('run = {run:String} AND step > {from:Float64} AND rank IS NOT NULL')}) GROUP BY rank HAVING peak IS NOT NULL`,
    { run: facts.run, from: (facts.lastStep ?? 0) - RECENT_STEPS },
  )
  const entries = Array.from({ length: rowsOf(rows) }, (_, row) => [
    numberAt(rows, 'rank', row),
    numberAt(rows, 'peak', row),
  ])
  return new Map(entries.filter((entry): entry is [number, number] => entry[0] !== null && entry[1] !== null))
}

async function deviceOf(store: Store, event: Event): Promise<Scene['device']> {
  const { node, gpuIndex, time } = event
  if (node === undefined || gpuIndex === undefined || time === undefined) return {}
  const rows = await store.query(
    `SELECT max(memoryTotalBytes) AS capacity, argMax(memoryUsedBytes, gpu.time) AS used FROM gpu
     WHERE node = {node:String} AND gpu.\`index\` = {index:Float64} AND time BETWEEN {from:Float64} AND {to:Float64}`,
    { node, index: gpuIndex, from: time - RECENT_SECONDS, to: time + 1 },
  )
  return {
    capacityBytes: numberAt(rows, 'capacity', 0) ?? undefined,
    usedBytes: numberAt(rows, 'used', 0) ?? undefined,
  }
}

/** Whether the hook said that the ranks compute on processors: what they hold is in the host's memory. */
async function computesOnHost(store: Store, run: string): Promise<boolean> {
  const rows = await store.query(
    "SELECT countIf(device = 'cpu') AS host, countIf(device != '' AND device != 'cpu') AS other FROM rank WHERE run = {run:String}",
    { run },
  )
  return (numberAt(rows, 'host', 0) ?? 0) > 0 && (numberAt(rows, 'other', 0) ?? 0) === 0
}

/** Undefined where no memory ran out. `events` in any order. */
export async function sceneOf(
  store: Store,
  facts: RunFacts,
  events: readonly Event[],
  config: PredictInput | undefined,
): Promise<Scene | undefined> {
  const ascending = events.toSorted((one, other) => (one.time ?? 0) - (other.time ?? 0))
  const event = firstOf(ascending)
  if (event === undefined) return undefined
  const held = HELD[event.type === 'host-oom' ? 'host-oom' : 'oom']
  return {
    run: facts.run,
    events: ascending,
    config,
    history: await memoryHistory(store, facts.run, event.rank, held),
    peaksByRank: await peaksByRank(store, facts, held),
    lastStep: facts.lastStep ?? undefined,
    lastStepAt: facts.lastStepAt ?? undefined,
    isOnHost: await computesOnHost(store, facts.run),
    device: await deviceOf(store, event),
  }
}
