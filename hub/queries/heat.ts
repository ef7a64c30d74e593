/** The map of ranks and time of one metric, and one rank among its peers. A column of several samples shows the highest. */
import type { PeerSeries } from '../../wire/api'
import { HEAT_METRICS, type HeatMap, type HeatMetricName } from '../../wire/heat'
import type { Columns, Store } from '../store/store'
import type { Range } from './steps'
import { numberAt, numbers, rowsOf } from './values'

/** Of a row of `step`. */
const RANK_SQL: Readonly<Partial<Record<HeatMetricName, string>>> = {
  computeSeconds:
    'if(forwardSeconds IS NULL AND backwardSeconds IS NULL, NULL, ifNull(forwardSeconds, 0) + ifNull(backwardSeconds, 0))',
  syncWaitSeconds: 'communicationSeconds - least',
}
const rankSql = (metric: HeatMetricName) => RANK_SQL[metric] ?? metric

const OF_RUN = 'run = {run:String} AND time BETWEEN {from:Float64} AND {to:Float64} AND rank IS NOT NULL'

/** Rows `rank, time, one` of a metric. Sync wait needs the least time in collectives of each step beside it. */
function rankRows(metric: HeatMetricName): string {
  const columns = `toUInt32(rank) AS rank, step.time AS time, ${rankSql(metric)} AS one`
  if (metric !== 'syncWaitSeconds') return `SELECT ${columns} FROM step WHERE ${OF_RUN}`
  return `SELECT ${columns} FROM step INNER JOIN
    (SELECT step, min(communicationSeconds) AS least FROM step WHERE ${OF_RUN} GROUP BY step) AS floor USING (step) WHERE ${OF_RUN}`
}

/** The same of the devices that the run's ranks drive. */
function deviceRows(metric: HeatMetricName): string {
  return `SELECT rank, gpu.time AS time, gpu.${metric} AS one FROM gpu INNER JOIN
    (SELECT toUInt32(rank.rank) AS rank, argMax(toString(node), time) AS node, argMax(gpuIndex, time) AS index FROM rank
     WHERE run = {run:String} AND rank.rank IS NOT NULL AND gpuIndex IS NOT NULL GROUP BY rank) AS driven
    ON toString(gpu.node) = driven.node AND gpu.index = driven.index WHERE time BETWEEN {from:Float64} AND {to:Float64}`
}

/** The same of the hosts that the run's ranks are on. */
function hostRows(metric: HeatMetricName): string {
  return `SELECT rank, host.time AS time, host.${metric} AS one FROM host INNER JOIN
    (SELECT toUInt32(rank.rank) AS rank, argMax(toString(node), time) AS node FROM rank
     WHERE run = {run:String} AND rank.rank IS NOT NULL GROUP BY rank) AS placed
    ON toString(host.node) = placed.node WHERE time BETWEEN {from:Float64} AND {to:Float64}`
}

const ROWS = { rank: rankRows, device: deviceRows, host: hostRows }
const rowsSql = (metric: HeatMetricName) => ROWS[HEAT_METRICS[metric].of](metric)

/** Columns such that each holds a step, or a second of samples. */
async function columnsFor(store: Store, run: string, metric: HeatMetricName, range: Range): Promise<number> {
  const seconds = Math.floor(range.to - range.from)
  if (HEAT_METRICS[metric].of !== 'rank') return Math.max(1, Math.min(range.points, seconds))
  const steps = await store.query(`SELECT uniq(step) AS steps FROM step WHERE ${OF_RUN}`, {
    run,
    from: range.from,
    to: range.to,
  })
  return Math.max(1, Math.min(range.points, numberAt(steps, 'steps', 0) ?? 1))
}

/** A column between two that have a value is empty where samples did not fall evenly: it shows the one before. */
function fillGaps(values: Float32Array, columns: number): void {
  for (let at = 1; at + 1 < values.length; at += 1) {
    const isInside = at % columns !== 0 && (at + 1) % columns !== 0
    const before = values[at - 1] ?? NaN
    if (isInside && Number.isNaN(values[at]) && !Number.isNaN(values[at + 1])) values[at] = before
  }
}

function cellsOf(rows: Columns, columns: number): Float32Array {
  const values = new Float32Array(rowsOf(rows) * columns).fill(NaN)
  for (let row = 0; row < rowsOf(rows); row += 1) {
    const cells = rows['cells']?.[row]
    if (!Array.isArray(cells)) continue
    for (let column = 0; column < columns; column += 1) {
      const value: unknown = cells[column]
      if (typeof value === 'number') values[row * columns + column] = value
    }
  }
  fillGaps(values, columns)
  return values
}

export async function heatMap(store: Store, run: string, metric: HeatMetricName, range: Range): Promise<HeatMap> {
  const columns = await columnsFor(store, run, metric, range)
  const { from, to } = range
  const rows = await store.query(
    `SELECT rank, groupArrayInsertAt(nan, ${columns})(toFloat32(assumeNotNull(value)), slot) AS cells FROM (
       SELECT rank, toUInt32(least(floor((time - {from:Float64}) / {width:Float64}), ${columns - 1})) AS slot, max(one) AS value
       FROM (${rowsSql(metric)}) GROUP BY rank, slot HAVING value IS NOT NULL)
     GROUP BY rank ORDER BY rank`,
    { run, from, to, width: Math.max(1e-3, (to - from) / columns) },
  )
  const ranks = numbers(rows, 'rank').map(rank => rank ?? 0)
  return { metric, from, to, columns, ranks, values: cellsOf(rows, columns) }
}

/** One rank, and the middle and the ends of `peers`, in the same moments. */
export async function peerSeries(
  store: Store,
  run: string,
  metric: HeatMetricName,
  { rank, peers, range }: { rank: number; peers: readonly number[]; range: Range },
): Promise<PeerSeries> {
  const points = await columnsFor(store, run, metric, range)
  const { from, to } = range
  const width = Math.max(1e-3, (to - from) / points)
  const rows = await store.query(
    `SELECT floor((time - {from:Float64}) / {width:Float64}) AS slot, maxIf(one, rank = {rank:UInt32}) AS own,
       quantileIf(0.5)(one, isPeer) AS median, minIf(one, isPeer) AS low, maxIf(one, isPeer) AS high
     FROM (SELECT *, has({peers:Array(UInt32)}, rank) AS isPeer FROM (${rowsSql(metric)})) WHERE one IS NOT NULL GROUP BY slot ORDER BY slot`,
    { run, from, to, width, rank, peers },
  )
  return {
    metric,
    time: numbers(rows, 'slot').map(slot => from + ((slot ?? 0) + 0.5) * width),
    own: numbers(rows, 'own'),
    median: numbers(rows, 'median'),
    low: numbers(rows, 'low'),
    high: numbers(rows, 'high'),
  }
}
