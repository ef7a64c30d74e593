/**
 * Ranks that wait longer for their data, or that the quota of their cgroup holds back more, by that part of their time alone:
 * where computing scatters, or where they are held back now in one phase and now in another, all work together hides it.
 */
import type { RankMatrix } from './rank-matrix'
import { ENOUGH_ALIKE, sampleOf } from './sample'
import { mean, medianInPlace } from './statistics'
import type { Straggler } from './straggler'
import { stragglersOf, type Likeness } from './stragglers'

/** Loaders that are alike take some thousandths of a step’s work more or less, and quotas hold back so. */
const ALIKE: Likeness = {
  apart: 0.004,
  apartOfScatter: 0.33,
  wander: 0.002,
  wanderOfScatter: 0.2,
  lookAt: 'all',
  floors: { level: 0.02, change: 0.015, intermittent: 0.005 },
}
/** What is held back in a collective holds all of its ranks back, and none of them waits longer than others for it. */
const WAITED_FOR_LEAST = 0.2
/** Where no rank’s mean is above its peers’ by so much of the work, over all steps or the newest, nobody is slow. */
const WORTH_A_LOOK = 0.004
const NEWEST_STEPS = 16

export const slowLoadersOf = (matrix: RankMatrix): Straggler[] =>
  slowIn(matrix, matrix.columns.dataSeconds, matrix.ahead)

/** Their excess is what they are held back, of which their work becomes longer by a part; nobody whose does not is among them. */
export function heldBackOf(matrix: RankMatrix): Straggler[] {
  const { throttledSeconds } = matrix.columns
  if (throttledSeconds === undefined) return []
  const { length } = matrix.steps
  return slowIn(matrix, throttledSeconds).filter(one => {
    const ahead = Float32Array.from({ length }, (_, step) => matrix.ahead(one.place * length + step))
    return byWork(matrix, one).excess > 0 && rise(ahead, one) > WAITED_FOR_LEAST * one.excess
  })
}

/** The same, its excess that of its work. */
export function byWork({ excess, steps: { length } }: RankMatrix, one: Straggler): Straggler {
  return { ...one, excess: rise(excess.subarray(one.place * length, (one.place + 1) * length), one) }
}

/** Mean of a rank's row while it is slow, over that before. */
const rise = (row: Float32Array, { from, to }: Straggler) => mean(row, from, to) - (from === 0 ? 0 : mean(row, 0, from))

/** `ahead` as in the matrix; where left out, who is waited for is told otherwise. */
function slowIn(matrix: RankMatrix, seconds: ArrayLike<number>, ahead?: RankMatrix['ahead']): Straggler[] {
  const { ranks, steps } = matrix
  const excessOf = rowsAbove(matrix, seconds)
  const row = new Float32Array(steps.length)
  if (!ranks.some((_, place) => isWorthALook(excessOf(place, row)))) return []
  const excess = new Float32Array(ranks.length * steps.length)
  for (const place of ranks.keys()) excess.set(excessOf(place, row), place * steps.length)
  return stragglersOf({ ranks, steps, excess, ahead: ahead ?? (cell => excess[cell] ?? NaN) }, ALIKE)
}

/** Fills a rank's row: by step, seconds above the median of the role, relative to its work. */
function rowsAbove(matrix: RankMatrix, seconds: ArrayLike<number>): (place: number, row: Float32Array) => Float32Array {
  const { steps, rows, roleWork, roles, roleOf } = matrix
  const { length } = steps
  const middles = new Float64Array(roleWork.length)
  for (const [role, { peers }] of roles.entries()) {
    const asked = sampleOf(peers, ENOUGH_ALIKE)
    const values = new Float64Array(asked.length)
    for (let step = 0; step < length; step += 1) {
      let known = 0
      for (let member = 0; member < asked.length; member += 1) {
        const own = seconds[rows[(asked[member] ?? 0) * length + step] ?? -1] ?? NaN
        if (!Number.isNaN(own)) values[known++] = own
      }
      middles[role * length + step] = known < 2 ? NaN : medianInPlace(values, known)
    }
  }
  return (place, row) => {
    const role = (roleOf[place] ?? 0) * length
    for (let step = 0; step < length; step += 1) {
      const own = seconds[rows[place * length + step] ?? -1] ?? NaN
      row[step] = (own - (middles[role + step] ?? NaN)) / (roleWork[role + step] ?? NaN)
    }
    return row
  }
}

const isWorthALook = (row: Float32Array) =>
  mean(row) > WORTH_A_LOOK || mean(row, Math.max(0, row.length - NEWEST_STEPS)) > WORTH_A_LOOK
