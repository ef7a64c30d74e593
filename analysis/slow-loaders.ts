/**
 * Ranks that wait longer for their data, by that phase alone: where computing scatters, it hides a loader that is late by
 * much less.
 */
import type { RankMatrix } from './rank-matrix'
import { ENOUGH_ALIKE, sampleOf } from './sample'
import { mean, medianInPlace } from './statistics'
import type { Straggler } from './straggler'
import { stragglersOf, type Likeness } from './stragglers'

/** Loaders that are alike take some thousandths of a step’s work more or less. */
const OF_LOADERS: Likeness = {
  apart: 0.004,
  apartOfScatter: 0.33,
  wander: 0.002,
  wanderOfScatter: 0.2,
  lookAt: 'all',
  floors: { level: 0.02, change: 0.015, intermittent: 0.005 },
}
/** Where no rank’s mean is above its peers’ by so much of the work, over all steps or the newest, nobody is slow. */
const WORTH_A_LOOK = 0.004
const NEWEST_STEPS = 16

export function slowLoadersOf(matrix: RankMatrix): Straggler[] {
  const { ranks, steps, ahead } = matrix
  const excessOf = rowsAbove(matrix)
  const row = new Float32Array(steps.length)
  if (!ranks.some((_, place) => isWorthALook(excessOf(place, row)))) return []
  const excess = new Float32Array(ranks.length * steps.length)
  for (const place of ranks.keys()) excess.set(excessOf(place, row), place * steps.length)
  return stragglersOf({ ranks, steps, excess, ahead }, OF_LOADERS)
}

/** Fills a rank's row: by step, seconds above the median of the role, relative to its work. */
function rowsAbove(matrix: RankMatrix): (place: number, row: Float32Array) => Float32Array {
  const { steps, rows, roleWork, roles, roleOf } = matrix
  const { dataSeconds } = matrix.columns
  const { length } = steps
  const middles = new Float64Array(roleWork.length)
  for (const [role, { peers }] of roles.entries()) {
    const asked = sampleOf(peers, ENOUGH_ALIKE)
    const values = new Float64Array(asked.length)
    for (let step = 0; step < length; step += 1) {
      let known = 0
      for (let member = 0; member < asked.length; member += 1) {
        const own = dataSeconds[rows[(asked[member] ?? 0) * length + step] ?? -1] ?? NaN
        if (!Number.isNaN(own)) values[known++] = own
      }
      middles[role * length + step] = known < 2 ? NaN : medianInPlace(values, known)
    }
  }
  return (place, row) => {
    const role = (roleOf[place] ?? 0) * length
    for (let step = 0; step < length; step += 1) {
      const own = dataSeconds[rows[place * length + step] ?? -1] ?? NaN
      row[step] = (own - (middles[role + step] ?? NaN)) / (roleWork[role + step] ?? NaN)
    }
    return row
  }
}

const isWorthALook = (row: Float32Array) =>
  mean(row) > WORTH_A_LOOK || mean(row, Math.max(0, row.length - NEWEST_STEPS)) > WORTH_A_LOOK
