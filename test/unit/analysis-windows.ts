/** Runs as detectors see them, made of what ranks measured. */
import { seededRandom } from '../../base/random'
import type { DetectorWindow, JobStepColumns, RankStepColumns, RunFacts } from '../../analysis/detector'

/** Seconds of one rank and step; what is left out is absent. */
export interface RankStep {
  readonly step: number
  readonly rank: number
  readonly time?: number
  readonly data?: number
  readonly forward?: number
  readonly backward?: number
  readonly communication?: number
  readonly optimizer?: number
  readonly tokens?: number
  readonly peakBytes?: number
}

export const STARTED = 1_000

const column = <T>(rows: readonly T[], valueOf: (row: T) => number | undefined) =>
  Float64Array.from(rows, row => valueOf(row) ?? NaN)

export function rankColumns(rows: readonly RankStep[]): RankStepColumns {
  const total = ({ data = 0, forward = 0, backward = 0, communication = 0 }: RankStep) =>
    data + forward + backward + communication
  return {
    step: column(rows, row => row.step),
    rank: column(rows, row => row.rank),
    time: column(rows, row => row.time ?? STARTED + row.step),
    stepSeconds: column(rows, total),
    dataSeconds: column(rows, row => row.data),
    forwardSeconds: column(rows, row => row.forward),
    backwardSeconds: column(rows, row => row.backward),
    communicationSeconds: column(rows, row => row.communication),
    optimizerSeconds: column(rows, row => row.optimizer),
    tokens: column(rows, row => row.tokens),
    memoryPeakBytes: column(rows, row => row.peakBytes),
  }
}

export function jobColumns(seconds: readonly number[]): JobStepColumns {
  const steps = seconds.map((_, index) => index + 1)
  let now = STARTED
  return {
    step: Float64Array.from(steps),
    time: Float64Array.from(seconds, value => (now += value)),
    stepSeconds: Float64Array.from(seconds),
  }
}

type Change = Partial<Omit<DetectorWindow, 'facts'>> & { readonly facts?: Partial<RunFacts> }

/** A live run of 30 steps of a second each, the last of them just now, of which nothing else is known. */
export function windowOf({ facts, ...change }: Change = {}): DetectorWindow {
  return {
    run: 'run',
    now: STARTED + 30,
    ranks: rankColumns([]),
    steps: jobColumns(Array<number>(30).fill(1)),
    events: [],
    config: undefined,
    prediction: undefined,
    facts: { state: 'live', startedAt: STARTED, endedAt: undefined, exitCode: undefined, worldSize: 4, ...facts },
    ...change,
  }
}

/** What one rank spends on average, in milliseconds. */
export interface Spent {
  readonly communication: number
  readonly forward?: number
  readonly backward?: number
  readonly data?: number
}

/** Times of healthy ranks on a crowded machine scatter by 0.12 to 0.22 of their mean. */
const SCATTER = 0.15

/** Steps in which every rank spends its means, scattered; the same seed gives the same run. */
export function scattered(ranks: readonly Spent[], seed: number, steps = 25): RankStep[] {
  const random = seededRandom(seed)
  // The sum of three draws has a bell's shape and no long tail.
  const scatter = () => 1 + SCATTER * 2 * (random() + random() + random() - 1.5)
  const seconds = (milliseconds: number | undefined) =>
    milliseconds === undefined ? undefined : (milliseconds / 1000) * scatter()
  return Array.from({ length: steps }, (_, step) =>
    ranks.map(({ communication, forward, backward, data }, rank): RankStep => {
      const times = { forward: seconds(forward), backward: seconds(backward), data: seconds(data) }
      const known = Object.fromEntries(Object.entries(times).filter(([, value]) => value !== undefined))
      return { step, rank, communication: seconds(communication) ?? NaN, ...known }
    }),
  ).flat()
}
