/**
 * Steps. A step has rows of several sources: one per rank from the hook, and whole-job rows (rank NULL) from a framework's
 * log, which may print loss, timers and memory on lines of their own. `PER_RANK` folds the rows of one rank and step into
 * one (the newest known value of each column, so a step repeated after a restart replaces itself); `PER_STEP` folds ranks.
 */
import type { Efficiency } from '../../analysis/efficiency'
import type { Provenance } from '../../wire/findings'
import { RANK_METRICS, type RankMap, type RankMetric, type StepSeries } from '../../wire/api'
import type { Columns, Store } from '../store/store'
import { numberAt, numbers, rowsOf, textAt } from './values'

export interface Range {
  readonly from: number
  readonly to: number
  /** The most that may come out; Infinity for each step by itself. */
  readonly points: number
}

const LATEST = [
  'stepSeconds',
  'tokens',
  'tokensPerSecond',
  'tokensPerSecondPerGpu',
  'flopsPerSecondPerGpu',
  'mfu',
  'loss',
  'gradientNorm',
  'learningRate',
  'totalSteps',
  'memoryAllocatedBytes',
  'memoryReservedBytes',
  'memoryPeakBytes',
  'residentBytes',
  'dataSeconds',
  'forwardSeconds',
  'backwardSeconds',
  'communicationSeconds',
  'optimizerSeconds',
  'cpuSeconds',
  'runDelaySeconds',
  'throttledSeconds',
]

export const perRank = (where: string) => `
  SELECT run, step, rank, max(step.time) AS at, anyIf(source, source != '') AS sources,
    ${LATEST.map(name => `argMax(step.${name}, step.time) AS ${name}`).join(',\n    ')}
  FROM step WHERE ${where} AND step.step IS NOT NULL GROUP BY run, step, rank`

/** A whole-job figure: what the job's own line says, else the ranks folded by `fold`. */
const jobElse = (name: string, fold: string) =>
  `coalesce(anyIf(${name}, rank IS NULL), ${fold}If(${name}, rank IS NOT NULL))`

/**
 * The step time of the job is the mean over its ranks: the steps of each rank tile its time, so that the mean adds up to
 * the wall clock. The longest of each step would not, as ranks pass the end of a step at moments that jitter.
 */
export const perStep = (where: string) => `
  SELECT run, step, max(at) AS at,
    countIf(rank IS NOT NULL) AS ranks,
    anyIf(sources, sources != '') AS source,
    if(countIf(stepSeconds, rank IS NOT NULL) > 0, avgIf(stepSeconds, rank IS NOT NULL), any(stepSeconds)) AS seconds,
    minIf(stepSeconds, rank IS NOT NULL) AS secondsMin,
    maxIf(stepSeconds, rank IS NOT NULL) AS secondsMax,
    if(countIf(tokens, rank IS NOT NULL) > 0, sumIf(tokens, rank IS NOT NULL), any(tokens)) AS stepTokens,
    coalesce(anyIf(tokensPerSecond, rank IS NULL), stepTokens / nullIf(seconds, 0)) AS throughput,
    any(tokensPerSecond) IS NULL AS throughputDerived,
    max(tokensPerSecondPerGpu) AS throughputPerGpu,
    ${jobElse('loss', 'avg')} AS stepLoss,
    ${jobElse('gradientNorm', 'avg')} AS stepGradientNorm,
    ${jobElse('learningRate', 'avg')} AS stepLearningRate,
    max(flopsPerSecondPerGpu) AS loggedFlops,
    max(mfu) AS loggedMfu,
    max(totalSteps) AS total,
    if(count(communicationSeconds) > 1, min(communicationSeconds), NULL) AS transfer,
    if(count(communicationSeconds) > 1, avg(communicationSeconds) - min(communicationSeconds), NULL) AS wait
  FROM (${perRank(where)}) GROUP BY run, step`

/** Steps to fold into one point so that at most `points` come out. */
async function bucketOf(store: Store, run: string, { from, to, points }: Range): Promise<number> {
  if (points === Infinity) return 1
  const span = await store.query(
    'SELECT min(step) AS low, max(step) AS high FROM step WHERE run = {run:String} AND time BETWEEN {from:Float64} AND {to:Float64}',
    { run, from, to },
  )
  const low = numberAt(span, 'low', 0)
  const high = numberAt(span, 'high', 0)
  return low === null || high === null ? 1 : Math.max(1, Math.ceil((high - low + 1) / points))
}

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
    `SELECT floor(step / {bucket:Float64}) * {bucket:Float64} AS first, max(step) AS last, max(at) AS time, any(source) AS source,
       avg(seconds) AS stepSeconds, min(coalesce(secondsMin, seconds)) AS stepSecondsMin, max(coalesce(secondsMax, seconds)) AS stepSecondsMax,
       avg(throughput) AS tokensPerSecond, max(throughputDerived) AS throughputDerived, avg(throughputPerGpu) AS tokensPerSecondPerGpu,
       avg(stepLoss) AS loss, min(stepLoss) AS lossMin, max(stepLoss) AS lossMax, avg(stepGradientNorm) AS gradientNorm, avg(stepLearningRate) AS learningRate,
       avg(loggedFlops) AS logged, avg(loggedMfu) AS loggedMfu, avg(wait) AS syncWaitSeconds, avg(transfer) AS transferSeconds
     FROM (${perStep('run = {run:String} AND time BETWEEN {from:Float64} AND {to:Float64}')})
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
    time: numbers(columns, 'time').map(value => value ?? 0),
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
      value === null || peak === undefined ? numberAt(columns, 'loggedMfu', row) : value / peak,
    ),
    syncWaitSeconds: numbers(columns, 'syncWaitSeconds'),
    transferSeconds: numbers(columns, 'transferSeconds'),
    provenance: rowsOf(columns) === 0 ? {} : provenanceOf(columns, efficiency),
  }
}

const RANK_VALUE: Record<RankMetric, string> = {
  stepSeconds: 'stepSeconds',
  computeSeconds:
    'if(forwardSeconds IS NULL AND backwardSeconds IS NULL, NULL, ifNull(forwardSeconds, 0) + ifNull(backwardSeconds, 0))',
  communicationSeconds: 'communicationSeconds',
  syncWaitSeconds: 'communicationSeconds - min(communicationSeconds) OVER (PARTITION BY step)',
  dataSeconds: 'dataSeconds',
  memoryAllocatedBytes: 'memoryAllocatedBytes',
  residentBytes: 'residentBytes',
}

/** The rank × step heat map of one metric; a bucket of several steps shows its largest value, so that peaks stay. */
export async function rankMap(store: Store, run: string, metric: RankMetric, range: Range): Promise<RankMap> {
  const bucket = await bucketOf(store, run, range)
  const columns = await store.query(
    `SELECT floor(step / {bucket:Float64}) * {bucket:Float64} AS first, rank, max(step) AS last, max(at) AS time, max(one) AS value FROM (
       SELECT step, rank, at, ${RANK_VALUE[metric]} AS one
       FROM (${perRank('run = {run:String} AND time BETWEEN {from:Float64} AND {to:Float64} AND rank IS NOT NULL')})
     ) WHERE one IS NOT NULL GROUP BY first, rank ORDER BY first, rank`,
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
    map.time[place] = Math.max(map.time[place] ?? 0, numberAt(columns, 'time', row) ?? 0)
  }
  return map
}

export const isRankMetric = (name: string): name is RankMetric => RANK_METRICS.some(metric => metric === name)
