/** How far apart things that are alike lie, from few or many of them. */
import { finiteOf, medianInPlace } from './statistics'

/** A median absolute deviation times this is the standard deviation of a normal distribution. */
const NORMAL = 1.4826
/** What is believed beforehand counts as this many values: of four ranks the deviation says little, of a hundred all. */
const PRIOR_COUNT = 16

/** Standard deviation, robust: half of the values may be anything. NaN of nothing. */
export function deviation(values: ArrayLike<number>): number {
  const finite = finiteOf(values)
  const middle = medianInPlace(finite, finite.length)
  for (let index = 0; index < finite.length; index += 1) finite[index] = Math.abs((finite[index] ?? NaN) - middle)
  return NORMAL * medianInPlace(finite, finite.length)
}

/** Of the lower half of normal values, times this, it is that of all of them. */
const OF_LOWER_HALF = 1.69

/**
 * The same, drawn towards what is believed beforehand as long as there are few values. Where half of the values may be off
 * upwards together, the lower half alone is looked at. `history`: values of the same kind from before, all known. `skew`: so
 * many times as far as those below the middle do values above it lie.
 */
export function spread(
  values: Float64Array,
  believed: number,
  lookAt: 'all' | 'lower half' = 'all',
  history: ArrayLike<number> = [],
  skew = 1,
): number {
  const finite = finiteOf(values)
  if (lookAt === 'lower half') finite.sort()
  const count = lookAt === 'all' ? finite.length : (finite.length + 1) >> 1
  const seen = deviation(finite.subarray(0, count)) * (lookAt === 'all' ? 1 : OF_LOWER_HALF) * skew
  const before = deviation(history)
  const squares = (number: number, one: number) => (number === 0 || Number.isNaN(one) ? 0 : number * one ** 2)
  const all = PRIOR_COUNT + count + history.length
  return Math.sqrt((PRIOR_COUNT * believed ** 2 + squares(count, seen) + squares(history.length, before)) / all)
}

/** A deviation seen in n values is as sure as a standard deviation of so many times n. */
const EFFICIENCY = 0.37

/** A deviation that was `seen` in so many values, drawn towards what is believed beforehand as long as they are few. */
export function drawn(seen: number, count: number, believed: number): number {
  const weight = EFFICIENCY * count
  return Math.sqrt((PRIOR_COUNT * believed ** 2 + weight * (seen || 0) ** 2) / (PRIOR_COUNT + weight))
}

/**
 * How many deviations none of `count` values that are alike exceeds, but for this chance: more for many values, of which
 * one is always far out, and more where the spread is not known well, as it was `seen` in few values.
 */
export function deviationsOf(count: number, chance: number, seen = count): number {
  const log = Math.log(count / chance)
  const normal = Math.sqrt(2 * log - Math.log(4 * Math.PI * log))
  return normal * (1 + normal ** 2 / (4 * (PRIOR_COUNT + EFFICIENCY * seen)))
}

/** Probability of so many events or more where so many are expected (Poisson). */
export function tail(count: number, expected: number): number {
  let term = Math.exp(-expected)
  for (let index = 1; index <= count; index += 1) term *= expected / index
  let sum = 0
  for (let index = count; term > 1e-30; index += 1) {
    sum += term
    term *= expected / (index + 1)
  }
  return count <= 0 ? 1 : sum
}
