/** What others published, as plainly as they describe it. They name ranks; of links they say nothing. */
import type { DetectorWindow } from '../../../analysis/detector'
import { median } from '../../../analysis/statistics'
import { pipelineTimes, PipelineSchedule } from '../../../math/pipeline-schedule'
import type { Blame, Method } from './judge'

/** Steps over which a method makes its report. */
const REPORT_STEPS = 32

/** Median of what each rank worked (data, forward, backward) in the last steps, seconds. */
function worksOf({ ranks }: DetectorWindow): Map<number, number> {
  let newest = 0
  for (let row = 0; row < ranks.step.length; row += 1) newest = Math.max(newest, ranks.step[row] ?? 0)
  const own = new Map<number, number[]>()
  for (let row = 0; row < ranks.step.length; row += 1) {
    if ((ranks.step[row] ?? 0) <= newest - REPORT_STEPS) continue
    const work =
      (ranks.dataSeconds[row] ?? NaN) + (ranks.forwardSeconds[row] ?? NaN) + (ranks.backwardSeconds[row] ?? NaN)
    const rank = ranks.rank[row] ?? NaN
    const seen = own.get(rank)
    if (seen === undefined) own.set(rank, [work])
    else seen.push(work)
  }
  return new Map([...own].map(([rank, values]) => [rank, median(values)]))
}

/** They compare ranks that do alike: of one pipeline stage. */
function byStage(window: DetectorWindow): Map<number, number>[] {
  const stages = new Map<number, Map<number, number>>()
  for (const [rank, work] of worksOf(window)) {
    const stage = window.coordinates?.get(rank)?.pipeline ?? 0
    stages.set(stage, (stages.get(stage) ?? new Map<number, number>()).set(rank, work))
  }
  return [...stages.values()]
}

const blame = (ranks: readonly number[]): Blame[] => ranks.map(rank => ({ ranks: [rank], links: [] }))

const Z = 3

/** Whoever is three standard deviations above the mean of all. */
export const zScores: Method = {
  name: 'z-score',
  isOfLinks: false,
  blames: window =>
    byStage(window).flatMap(works => {
      const values = [...works.values()]
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
      return blame([...works].flatMap(([rank, work]) => ((work - mean) / deviation > Z ? [rank] : [])))
    }),
}

const SCORE = 0.75

/**
 * Median of the fastest rank over one's own, below the threshold that comes with it.
 * https://nvidia.github.io/nvidia-resiliency-ext/straggler_det/usage_guide.html
 */
export const relativeScores: Method = {
  name: 'relative score 0.75',
  isOfLinks: false,
  blames: window =>
    byStage(window).flatMap(works => {
      const fastest = Math.min(...works.values())
      return blame([...works].flatMap(([rank, work]) => (fastest / work < SCORE ? [rank] : [])))
    }),
}

/** A job straggles where it takes this much longer than with even workers. */
const JOB_STRAGGLES = 1.1
/** A worker is why, where it alone brings about so much of that. */
const EXPLAINS = 0.5

/**
 * The job replayed with every worker as the mean of its stage, and with all but one so: T over the ideal says whether it
 * straggles, and the ratio of each worker whether it is why. https://arxiv.org/abs/2505.05713
 */
export const whatIfRatio: Method = {
  name: 'what-if ratio',
  isOfLinks: false,
  blames: window => {
    const stages = byStage(window)
    const means = stages.map(works => [...works.values()].reduce((sum, value) => sum + value, 0) / works.size)
    const { pipeline = 1 } = window.config?.parallelism ?? {}
    const schedule = new PipelineSchedule(pipeline, Math.max(1, microBatchesOf(window)))
    const times = pipelineTimes(pipeline)
    const replay = (works: readonly number[]) => {
      for (const [stage, work] of works.entries()) {
        times.forward[stage] = work / 3 / schedule.microBatches
        times.backward[stage] = (2 * work) / 3 / schedule.microBatches
      }
      schedule.run(times)
      return Math.max(...times.end)
    }
    const ideal = replay(means)
    const alone = stages.flatMap((works, stage) =>
      [...works].map(([rank, work]) => ({
        rank,
        ratio: replay(means.with(stage, Math.max(work, means[stage] ?? 0))) / ideal,
      })),
    )
    const job = replay(stages.map(works => Math.max(...works.values()))) / ideal
    if (job <= JOB_STRAGGLES) return []
    return blame(alone.flatMap(({ rank, ratio }) => (ratio - 1 >= EXPLAINS * (job - 1) ? [rank] : [])))
  },
}

function microBatchesOf({ config }: DetectorWindow): number {
  const { micro = 1, global = 1 } = config?.batch ?? {}
  return global / (micro * (config?.parallelism?.data ?? 1))
}
