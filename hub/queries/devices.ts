/** Series of devices and hosts, folded to at most `points` per device by time. Gauges show their mean, memory its peak. */
import { z } from 'zod'
import type { HostMemory } from '../../analysis/detector'
import type { GpuSeries, HostSeries } from '../../wire/api'
import { processesSchema } from '../../wire/processes'
import { gpuRollUp, hostRollUp, linkRollUp } from '../roll-ups/devices'
import { weightedMean, type RollUp } from '../roll-ups/roll-up'
import { tieredRows } from '../roll-ups/rows'
import type { Columns, Store } from '../store/store'
import type { Range } from './steps'
import { groupRows, jsonAt, numberAt, rowsOf, textAt } from './values'

const bucketSeconds = ({ from, to, points }: Range) => Math.max(0.25, (to - from) / points)
const WHERE = 'node IN {nodes:Array(String)} AND time BETWEEN {from:Float64} AND {to:Float64}'
const BUCKET = 'floor(slot / {bucket:Float64}) AS point'
const mean = (name: string) => `${weightedMean(name)} AS ${name}Mean`

/** Points of all series of an answer together: more is more than a page draws, and takes hundreds of megabytes of the hub. */
const MOST_POINTS = 1 << 18
const LEAST_POINTS = 32

/** Of many devices each has fewer points than was asked for. */
export const pointsFor = (series: number, points: number): number =>
  Math.min(points, Math.max(LEAST_POINTS, Math.floor(MOST_POINTS / Math.max(1, series))))

/** What is known of these nodes in the range, for its points. */
const rowsIn = (store: Store, rollUp: RollUp, nodes: readonly string[], range: Range) =>
  tieredRows(store, rollUp, {
    where: 'node IN {nodes:Array(String)}',
    parameters: { nodes },
    from: range.from,
    to: range.to,
    width: bucketSeconds(range),
  })

const pick = (columns: Columns, name: string, rows: readonly number[]) => rows.map(row => numberAt(columns, name, row))
const times = (columns: Columns, rows: readonly number[]) => rows.map(row => numberAt(columns, 'at', row) ?? 0)

/** Rows of several sources for one device are one series: none of them need have every figure. */
export async function gpuSeries(store: Store, nodes: readonly string[], range: Range): Promise<GpuSeries[]> {
  const columns = await store.query(
    `SELECT toString(node) AS node, index, ${BUCKET}, max(time) AS at, anyLastIf(toString(uuid), uuid != '') AS uuid, anyLastIf(toString(name), name != '') AS name, anyLast(toString(source)) AS source,
       ${mean('utilizationRatio')}, min(utilizationRatioMin) AS utilizationRatioLeast, max(memoryUsedBytes) AS memoryUsedBytes, max(memoryTotalBytes) AS memoryTotalBytes,
       ${mean('powerWatts')}, max(powerLimitWatts) AS powerLimitWatts, max(temperatureCelsius) AS temperatureCelsius,
       ${mean('smClockHertz')}, argMaxIf(throttleReasons, time, throttleReasons != '') AS throttleReasons,
       sumOrNull(coveredSeconds) / {bucket:Float64} AS covered
     FROM (${await rowsIn(store, gpuRollUp, nodes, range)}) WHERE instance = '' GROUP BY node, index, point ORDER BY node, index, point`,
    { nodes, from: range.from, to: range.to, bucket: bucketSeconds(range) },
  )
  const groups = groupRows(
    columns,
    row => `${textAt(columns, 'node', row) ?? ''} ${numberAt(columns, 'index', row) ?? 0}`,
  )
  return [...groups.values()].map(rows => {
    const last = rows.at(-1) ?? 0
    const reasons = jsonAt(columns, 'throttleReasons', last)
    return {
      node: textAt(columns, 'node', last) ?? '',
      index: numberAt(columns, 'index', last) ?? 0,
      uuid: textAt(columns, 'uuid', last),
      name: textAt(columns, 'name', last),
      source: textAt(columns, 'source', last),
      time: times(columns, rows),
      utilizationRatio: pick(columns, 'utilizationRatioMean', rows),
      utilizationRatioMin: pick(columns, 'utilizationRatioLeast', rows),
      coveredRatio: pick(columns, 'covered', rows).map(ratio => (ratio === null ? null : Math.min(1, ratio))),
      memoryUsedBytes: pick(columns, 'memoryUsedBytes', rows),
      memoryTotalBytes: pick(columns, 'memoryTotalBytes', rows),
      powerWatts: pick(columns, 'powerWattsMean', rows),
      powerLimitWatts: pick(columns, 'powerLimitWatts', rows),
      temperatureCelsius: pick(columns, 'temperatureCelsius', rows),
      smClockHertz: pick(columns, 'smClockHertzMean', rows),
      throttleReasons: Array.isArray(reasons) ? reasons.map(String) : [],
    }
  })
}

/** Bytes per second of a node: growth of each device's counter between buckets, summed; a counter that fell was reset. */
function rates(columns: Columns, name: string, at: readonly number[], slots: readonly number[]): (number | null)[] {
  const total = new Map<number, number>()
  const last = new Map<string, { time: number; value: number }>()
  for (let row = 0; row < (columns['point']?.length ?? 0); row += 1) {
    const device = textAt(columns, 'device', row) ?? ''
    const value = numberAt(columns, name, row)
    const time = numberAt(columns, 'at', row)
    const slot = numberAt(columns, 'point', row)
    if (value === null || time === null || slot === null) continue
    const before = last.get(device)
    if (before !== undefined && value >= before.value && time > before.time) {
      total.set(slot, (total.get(slot) ?? 0) + (value - before.value) / (time - before.time))
    }
    last.set(device, { time, value })
  }
  return at.map((_, index) => total.get(slots[index] ?? -1) ?? null)
}

async function linkColumns(store: Store, node: string, range: Range): Promise<Columns> {
  return store.query(
    `SELECT toString(device) AS device, ${BUCKET}, max(time) AS at, max(receiveBytes) AS receive, max(transmitBytes) AS transmit
     FROM (${await rowsIn(store, linkRollUp, [node], range)}) GROUP BY device, point ORDER BY point, device`,
    { nodes: [node], from: range.from, to: range.to, bucket: bucketSeconds(range) },
  )
}

export async function hostSeries(store: Store, nodes: readonly string[], range: Range): Promise<HostSeries[]> {
  const columns = await store.query(
    `SELECT toString(node) AS node, ${BUCKET}, max(time) AS at, ${mean('cpuUtilizationRatio')},
       max(memoryUsedBytes) AS memoryUsedBytes, max(memoryTotalBytes) AS memoryTotalBytes
     FROM (${await rowsIn(store, hostRollUp, nodes, range)}) GROUP BY node, point ORDER BY node, point`,
    { nodes, from: range.from, to: range.to, bucket: bucketSeconds(range) },
  )
  const series: HostSeries[] = []
  for (const [node, rows] of groupRows(columns, row => textAt(columns, 'node', row) ?? '')) {
    const links = await linkColumns(store, node, range)
    const at = times(columns, rows)
    const slots = rows.map(row => numberAt(columns, 'point', row) ?? -1)
    series.push({
      node,
      time: at,
      cpuUtilizationRatio: pick(columns, 'cpuUtilizationRatioMean', rows),
      memoryUsedBytes: pick(columns, 'memoryUsedBytes', rows),
      memoryTotalBytes: pick(columns, 'memoryTotalBytes', rows),
      networkReceiveBytesPerSecond: rates(links, 'receive', at, slots),
      networkTransmitBytesPerSecond: rates(links, 'transmit', at, slots),
    })
  }
  return series
}

/** What does not change of a device is read of its newest samples, in seconds; of all where there are none so new. */
const NEWEST_SECONDS = 600

export interface DeviceFacts {
  /** What the devices are called. */
  readonly names: readonly string[]
  /** Of the device that has least; undefined where none says. */
  readonly leastMemoryBytes: number | undefined
}

async function deviceFactsOf(store: Store, nodes: readonly string[], from: number, to: number): Promise<DeviceFacts> {
  const rows = await store.query(
    `SELECT groupUniqArrayIf(8)(name, name != '') AS names, minIf(memory, instance = '' AND index IS NOT NULL) AS least FROM (
       SELECT index, toString(instance) AS instance, anyLastIf(toString(name), name != '') AS name, max(memoryTotalBytes) AS memory
       FROM gpu WHERE ${WHERE} GROUP BY node, index, instance)`,
    { nodes, from, to },
  )
  const names = Array.isArray(rows['names']?.[0]) ? rows['names'][0].map(String) : []
  return { names, leastMemoryBytes: numberAt(rows, 'least', 0) ?? undefined }
}

/** The devices on these nodes that were seen between `from` and `to`, Unix seconds. */
export async function deviceFacts(
  store: Store,
  nodes: readonly string[],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<DeviceFacts> {
  const since = Math.max(from, to - NEWEST_SECONDS)
  const newest = await deviceFactsOf(store, nodes, since, to)
  return newest.names.length > 0 || since === from ? newest : deviceFactsOf(store, nodes, from, to)
}

/** Seconds after which a sample of a host says nothing of now. */
const RECENT_SECONDS = 120

/**
 * Of the newest list of processes and the one before: a process that has just ended keeps its limit until it is told that its
 * run is over, or what was its own would look like the node's.
 */
function limitsIn(lists: unknown): HostMemory['limits'] {
  const { data = [] } = z.array(processesSchema).safeParse(lists)
  return new Map(data.flat().flatMap(({ pid, limit }) => (limit === undefined ? [] : [[pid, limit] as const])))
}

/** Memory of these nodes as it was last seen, of those that somebody looks at. */
export async function hostMemory(
  store: Store,
  nodes: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, HostMemory>> {
  const columns = await store.query(
    `SELECT toString(node) AS name, argMax(memoryTotalBytes, host.time) AS total, argMax(memoryUsedBytes, host.time) AS used,
       concat('[', arrayStringConcat(arrayMap(one -> one.2, arraySlice(arraySort(groupArrayIf((host.time, processes), processes != '')), -2)), ','), ']') AS lists FROM host
     WHERE node IN {nodes:Array(String)} AND host.time > {from:Float64} GROUP BY node`,
    { nodes, from: now - RECENT_SECONDS },
  )
  return new Map(
    Array.from({ length: rowsOf(columns) }, (_, row): [string, HostMemory] => [
      textAt(columns, 'name', row) ?? '',
      {
        totalBytes: numberAt(columns, 'total', row) ?? NaN,
        usedBytes: numberAt(columns, 'used', row) ?? NaN,
        limits: limitsIn(jsonAt(columns, 'lists', row)),
      },
    ]).filter(([, { totalBytes, usedBytes }]) => totalBytes > 0 && usedBytes >= 0),
  )
}
