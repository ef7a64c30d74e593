/**
 * Ranks that wait longer for their data, by that phase alone: where computing scatters, it hides a loader that is late by
 * much less.
 */
import { valueAt, type RankMatrix } from './rank-matrix'
import { mean, medianInPlace } from './statistics'
import { stragglersOf, type Likeness, type Straggler } from './stragglers'

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
  const excess = new Float64Array(ranks.length * steps.length).fill(NaN)
  for (const [role, members] of matrix.roles.entries()) compare(matrix, role, members, excess)
  if (!isWorthALook(excess, steps.length)) return []
  return stragglersOf({ ranks, steps, excess, ahead }, OF_LOADERS)
}

/** Into `excess`: seconds above the median of the role, relative to its work. */
function compare(matrix: RankMatrix, role: number, members: Int32Array, excess: Float64Array): void {
  const { length } = matrix.steps
  const values = new Float64Array(members.length)
  for (let step = 0; step < length; step += 1) {
    let known = 0
    for (const rank of members) {
      const own = valueAt(matrix, 'dataSeconds', rank * length + step)
      if (!Number.isNaN(own)) values[known++] = own
    }
    if (known < 2) continue
    const middle = medianInPlace(values, known)
    const work = matrix.roleWork[role * length + step] ?? NaN
    for (const rank of members) {
      const cell = rank * length + step
      excess[cell] = (valueAt(matrix, 'dataSeconds', cell) - middle) / work
    }
  }
}

function isWorthALook(excess: Float64Array, steps: number): boolean {
  for (let first = 0; first < excess.length; first += steps)
    if (
      mean(excess, first, first + steps) > WORTH_A_LOOK ||
      mean(excess, first + Math.max(0, steps - NEWEST_STEPS), first + steps) > WORTH_A_LOOK
    )
      return true
  return false
}
