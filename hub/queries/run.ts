/** What is known of one run beside its series: its ranks, its events, its configuration. */
import type { RankInfo, RunEvent } from '../../wire/api'
import { memoryPartsSchema } from '../../wire/metrics'
import { asRecord, type RecordOf } from '../../wire/records'
import type { Store } from '../store/store'
import { perRank } from './folded-steps'
import { jsonAt, numberAt, rowsOf, textAt } from './values'

/** How many of the newest steps a rank's current figures are the mean of: one step alone jumps about. */
export const RECENT_STEPS = 20

/** What `rankInfos` does not know of a rank: where it stands. */
type Standing = 'stage' | 'leaf'

export async function rankInfos(
  store: Store,
  run: string,
  lastStep: number | null,
): Promise<Omit<RankInfo, Standing>[]> {
  const from = (lastStep ?? 0) - RECENT_STEPS
  const facts = await store.query(
    `SELECT rank.rank AS rank, argMax(toString(node), time) AS node, argMax(pid, time) AS pid, argMaxIf(toString(device), time, device != '') AS device,
       argMax(gpuIndex, time) AS gpuIndex, argMaxIf(toString(gpuUuid), time, gpuUuid != '') AS gpuUuid
     FROM rank WHERE run = {run:String} AND rank.rank IS NOT NULL GROUP BY rank ORDER BY rank`,
    { run },
  )
  const steps = await store.query(
    `SELECT rank, max(step) AS lastStep, avg(stepSeconds) AS stepSeconds, avg(communicationSeconds) AS communicationSeconds, avg(wait) AS wait,
       argMax(memoryAllocatedBytes, step) AS memoryAllocatedBytes, argMax(memoryReservedBytes, step) AS memoryReservedBytes,
       max(memoryPeakBytes) AS memoryPeakBytes, argMax(residentBytes, step) AS residentBytes
     FROM (SELECT *, if(count(communicationSeconds) OVER (PARTITION BY step) > 1, communicationSeconds - min(communicationSeconds) OVER (PARTITION BY step), NULL) AS wait
       FROM (${perRank('run = {run:String} AND step > {from:Float64} AND rank IS NOT NULL')}))
     GROUP BY rank ORDER BY rank`,
    { run, from },
  )
  const categories = await store.query(
    `SELECT rank, argMax(step.memoryCategories, step.time) AS memoryCategories FROM step
     WHERE run = {run:String} AND step > {from:Float64} AND rank IS NOT NULL AND step.memoryCategories != '' GROUP BY rank`,
    { run, from },
  )
  const held = new Map<number, Record<string, number>>()
  for (let row = 0; row < rowsOf(categories); row += 1) {
    const value = jsonAt(categories, 'memoryCategories', row)
    if (typeof value === 'object' && value !== null)
      held.set(numberAt(categories, 'rank', row) ?? -1, value as Record<string, number>)
  }
  const factRow = new Map(Array.from({ length: rowsOf(facts) }, (_, row) => [numberAt(facts, 'rank', row) ?? -1, row]))
  const stepRow = new Map(Array.from({ length: rowsOf(steps) }, (_, row) => [numberAt(steps, 'rank', row) ?? -1, row]))
  return [...new Set([...factRow.keys(), ...stepRow.keys()])]
    .sort((one, other) => one - other)
    .map(rank => {
      const fact = factRow.get(rank) ?? -1
      const step = stepRow.get(rank) ?? -1
      return {
        rank,
        node: textAt(facts, 'node', fact),
        pid: numberAt(facts, 'pid', fact),
        device: textAt(facts, 'device', fact),
        gpuIndex: numberAt(facts, 'gpuIndex', fact),
        gpuUuid: textAt(facts, 'gpuUuid', fact),
        memoryAllocatedBytes: numberAt(steps, 'memoryAllocatedBytes', step),
        memoryReservedBytes: numberAt(steps, 'memoryReservedBytes', step),
        memoryPeakBytes: numberAt(steps, 'memoryPeakBytes', step),
        residentBytes: numberAt(steps, 'residentBytes', step),
        memoryCategories: held.get(rank) ?? {},
        lastStep: numberAt(steps, 'lastStep', step),
        stepSeconds: numberAt(steps, 'stepSeconds', step),
        communicationSeconds: numberAt(steps, 'communicationSeconds', step),
        syncWaitSeconds: numberAt(steps, 'wait', step),
      }
    })
}

export const runEventOf = ({ time, node, rank, type, message, exitCode }: RecordOf<'event'>): RunEvent => ({
  time: time ?? 0,
  node: node ?? null,
  rank: rank ?? null,
  type: type ?? 'event',
  message: message ?? '',
  exitCode: exitCode ?? null,
})

/** Newest first. */
export async function runEvents(store: Store, run: string, limit: number, after = 0): Promise<RunEvent[]> {
  const columns = await store.query(
    `SELECT time, toString(node) AS node, rank, toString(type) AS type, message, exitCode FROM event
     WHERE run = {run:String} AND receivedAt > {after:Float64} ORDER BY time DESC LIMIT {limit:UInt32}`,
    { run, limit, after },
  )
  return Array.from({ length: rowsOf(columns) }, (_, row) => ({
    time: numberAt(columns, 'time', row) ?? 0,
    node: textAt(columns, 'node', row),
    rank: numberAt(columns, 'rank', row),
    type: textAt(columns, 'type', row) ?? 'event',
    message: textAt(columns, 'message', row) ?? '',
    exitCode: numberAt(columns, 'exitCode', row),
  }))
}

export async function eventCount(store: Store, run: string): Promise<number> {
  const columns = await store.query('SELECT count() AS events FROM event WHERE run = {run:String}', { run })
  return numberAt(columns, 'events', 0) ?? 0
}

/** Newest first, with all that each of them says. */
export async function eventRecords(store: Store, run: string): Promise<RecordOf<'event'>[]> {
  const columns = await store.query(
    `SELECT * EXCEPT (agent, sequence, receivedAt, run, node, type), toString(node) AS node, toString(type) AS type FROM event
     WHERE run = {run:String} ORDER BY time DESC LIMIT 1000`,
    { run },
  )
  return Array.from({ length: rowsOf(columns) }, (_, row) => {
    const record: Record<string, unknown> = { kind: 'event', run }
    for (const name of Object.keys(columns))
      record[name] = textAt(columns, name, row) ?? numberAt(columns, name, row) ?? undefined
    record['parts'] = memoryPartsSchema.safeParse(jsonAt(columns, 'parts', row)).data
    return record as unknown as RecordOf<'event'>
  })
}

const CONFIG_TEXTS = ['framework', 'precision', 'optimizer', 'recompute'] as const
const CONFIG_JSON = ['model', 'parallelism', 'batch', 'hardware'] as const

/** The configuration of a run: every source's `config` records laid over one another, the newest on top. */
export async function runConfig(store: Store, run: string): Promise<RecordOf<'config'> | undefined> {
  const columns = await store.query(
    `SELECT time, ${[...CONFIG_TEXTS, ...CONFIG_JSON].map(name => `toString(${name}) AS ${name}`).join(', ')} FROM config
     WHERE run = {run:String} ORDER BY time`,
    { run },
  )
  if (rowsOf(columns) === 0) return undefined
  const merged: Record<string, unknown> = { kind: 'config', run }
  for (let row = 0; row < rowsOf(columns); row += 1) {
    merged['time'] = numberAt(columns, 'time', row) ?? 0
    for (const name of CONFIG_TEXTS) merged[name] = textAt(columns, name, row) ?? merged[name]
    for (const name of CONFIG_JSON) {
      const value = jsonAt(columns, name, row)
      if (typeof value === 'object' && value !== null)
        merged[name] = { ...(merged[name] as object | undefined), ...value }
    }
  }
  const record = asRecord(JSON.parse(JSON.stringify(merged)))
  return record?.kind === 'config' ? record : undefined
}
