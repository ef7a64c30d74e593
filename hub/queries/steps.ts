/** Series of steps, folded to at most `points`: of the whole job, and of each rank. */
import type { Efficiency } from '../../analysis/efficiency'
import type { Provenance } from '../../wire/findings'
import { RANK_METRICS, type RankMap, type RankMetric, type StepSeries } from '../../wire/api'
import { jobRollUp, rankRollUp } from '../roll-ups/steps'
import { tieredRows } from '../roll-ups/rows'
import { weightedMean, type RollUp } from '../roll-ups/roll-up'
import type { Columns, Store } from '../store/store'
import { numberAt, numbers, rowsOf, textAt } from './values'

export interface Range {
  readonly from: number
  readonly to: number
  /** The most that may come out; Infinity for each step by itself. */
  readonly points: number
}

/** Steps to fold into one point so that at most `points` come out; whole slots of the tier that is read. */
async function bucketOf(store: Store, run: string, { from, to, points }: Range): Promise<number> {
  if (points === Infinity) return 1
  const [finest] = jobRollUp.tiers
  const within = 'run = {run:String} AND time BETWEEN {from:Float64} AND {to:Float64}'
  const span = await store.query(
    `WITH (SELECT maxOrDefault(slot) FROM ${finest?.table} WHERE ${within}) AS folded
     SELECT minOrNull(low) AS low, maxOrNull(high) AS high FROM (
       SELECT minOrNull(slot) AS low, maxOrNull(step) AS high FROM ${finest?.table} WHERE ${within}
       UNION ALL SELECT minOrNull(step.step), maxOrNull(step.step) FROM step WHERE ${within} AND step.step >= folded)`,
    { run, from, to },
  )
  const low = numberAt(span, 'low', 0)
  const high = numberAt(span, 'high', 0)
  if (low === null || high === null) return 1
  const bucket = Math.max(1, Math.ceil((high - low + 1) / points))
  const width = jobRollUp.tiers.findLast(tier => tier.width <= bucket)?.width ?? 1
  return Math.ceil(bucket / width) * width
}

/** Rows and slots of the run in the range, for points of `bucket` steps. */
const rowsIn = (store: Store, rollUp: RollUp, run: string, { from, to }: Range, bucket: number) =>
  tieredRows(store, rollUp, { where: 'run = {run:String}', parameters: { run }, from, to, width: bucket })

const mean = (name: string, as: string) => `${weightedMean(name)} AS ${as}`

type Source = { provenance: Provenance; source: string }

function provenanceOf(columns: Columns, efficiency: Efficiency): Record<string, Source> {
  const log = textAt(columns, 'source', 0) ?? 'training log'
  const measured: Source = { provenance: 'measured', source: log }
  const derivedThroughput = numberAt(columns, 'throughputDerived', 0) === 1
  const sync: Source = { provenance: 'derived', source: `${log}: time in collectives, less the least of the ranks` }
  const hasModel = efficiency.flopsPerToken !== undefined
  return {
    stepSeconds: measured,
    stepSecondsMin: measured,
    stepSecondsMax: measured,
    loss: measured,
    lossMin: measured,
    lossMax: measured,
    gradientNorm: measured,
    learningRate: measured,
    syncWaitSeconds: sync,
    transferSeconds: sync,
    tokensPerSecond: derivedThroughput
      ? { provenance: 'derived', source: `${log}: tokens of a step ÷ its time` }
      : measured,
    flopsPerSecondPerGpu: hasModel
      ? { provenance: 'derived', source: efficiency.flopsPerSecondPerGpu.source }
      : measured,
    mfu: efficiency.peak !== undefined ? { provenance: 'derived', source: efficiency.mfu.source } : measured,
  }
}

/** The step series of the whole job. `devices` turns tokens per second into FLOP/s per device. */
export async function stepSeries(
  store: Store,
  run: string,
  range: Range,
  known: { efficiency: Efficiency; devices: number | undefined },
): Promise<StepSeries> {
  const bucket = await bucketOf(store, run, range)
  const columns = await store.query(
    `SELECT floor(slot / {bucket:Float64}) * {bucket:Float64} AS first, max(step) AS last, max(time) AS at, anyLastIf(source, source != '') AS source,
       ${mean('seconds', 'stepSeconds')}, min(secondsMin) AS stepSecondsMin, max(secondsMax) AS stepSecondsMax,
       ${mean('throughput', 'tokensPerSecond')}, max(throughputDerived) AS throughputDerived, ${mean('throughputPerGpu', 'tokensPerSecondPerGpu')},
       ${mean('stepLoss', 'loss')}, min(stepLossMin) AS lossMin, max(stepLossMax) AS lossMax,
       ${mean('stepGradientNorm', 'gradientNorm')}, ${mean('stepLearningRate', 'learningRate')},
       ${mean('loggedFlops', 'logged')}, ${mean('loggedMfu', 'loggedMeanMfu')}, ${mean('wait', 'syncWaitSeconds')}, ${mean('transfer', 'transferSeconds')}
     FROM (${await rowsIn(store, jobRollUp, run, range, bucket)})
     GROUP BY first ORDER BY first`,
    { run, bucket, from: range.from, to: range.to },
  )
  const { efficiency, devices } = known
  const peak = efficiency.peak?.flopsPerSecond
  const tokensPerSecond = numbers(columns, 'tokensPerSecond').map((value, row) => {
    if (value !== null || devices === undefined) return value
    const each = numberAt(columns, 'tokensPerSecondPerGpu', row)
    return each === null ? null : each * devices
  })
  const flops = tokensPerSecond.map((value, row) =>
    value === null || efficiency.flopsPerToken === undefined || devices === undefined
      ? numberAt(columns, 'logged', row)
      : (value * efficiency.flopsPerToken) / devices,
  )
  return {
    bucketSteps: bucket,
    step: numbers(columns, 'last').map(value => value ?? 0),
    time: numbers(columns, 'at').map(value => value ?? 0),
    stepSeconds: numbers(columns, 'stepSeconds'),
    stepSecondsMin: numbers(columns, 'stepSecondsMin'),
    stepSecondsMax: numbers(columns, 'stepSecondsMax'),
    tokensPerSecond,
    loss: numbers(columns, 'loss'),
    lossMin: numbers(columns, 'lossMin'),
    lossMax: numbers(columns, 'lossMax'),
    gradientNorm: numbers(columns, 'gradientNorm'),
    learningRate: numbers(columns, 'learningRate'),
    flopsPerSecondPerGpu: flops,
    mfu: flops.map((value, row) =>
      value === null || peak === undefined ? numberAt(columns, 'loggedMeanMfu', row) : value / peak,
    ),
    syncWaitSeconds: numbers(columns, 'syncWaitSeconds'),
    transferSeconds: numbers(columns, 'transferSeconds'),
    provenance: rowsOf(columns) === 0 ? {} : provenanceOf(columns, efficiency),
  }
}

/** The rank × step heat map of one metric; a bucket of several steps shows its largest value, so that peaks stay. */
export async function rankMap(store: Store, run: string, metric: RankMetric, range: Range): Promise<RankMap> {
  const bucket = await bucketOf(store, run, range)
  const highest = `${metric}Max` in rankRollUp.columns ? `${metric}Max` : metric
  const columns = await store.query(
    `SELECT floor(slot / {bucket:Float64}) * {bucket:Float64} AS first, rank, max(step) AS last, max(time) AS at, max(${highest}) AS value
     FROM (${await rowsIn(store, rankRollUp, run, range, bucket)})
     WHERE ${highest} IS NOT NULL GROUP BY first, rank ORDER BY first, rank`,
    { run, bucket, from: range.from, to: range.to },
  )
  const ranks = [...new Set(numbers(columns, 'rank').map(rank => rank ?? 0))].sort((one, other) => one - other)
  const positions = new Map(ranks.map((rank, index) => [rank, index]))
  const firsts = [...new Set(numbers(columns, 'first').map(first => first ?? 0))]
  const places = new Map(firsts.map((first, index) => [first, index]))
  const map: RankMap = {
    metric,
    bucketSteps: bucket,
    ranks,
    step: firsts.map(() => 0),
    time: firsts.map(() => 0),
    values: ranks.map(() => firsts.map(() => null)),
  }
  for (let row = 0; row < rowsOf(columns); row += 1) {
    const place = places.get(numberAt(columns, 'first', row) ?? 0) ?? 0
    const line = map.values[positions.get(numberAt(columns, 'rank', row) ?? 0) ?? 0]
    if (line !== undefined) line[place] = numberAt(columns, 'value', row)
    map.step[place] = Math.max(map.step[place] ?? 0, numberAt(columns, 'last', row) ?? 0)
    map.time[place] = Math.max(map.time[place] ?? 0, numberAt(columns, 'at', row) ?? 0)
  }
  return map
}

export const isRankMetric = (name: string): name is RankMetric => RANK_METRICS.some(metric => metric === name)
