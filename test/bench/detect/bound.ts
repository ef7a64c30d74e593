/**
 * How often the best method there could be would find a fault: one that knows the noise, the kind of the fault, its size, and
 * in which steps it is there, and asks only where. It adds up what each step says (a matched filter) and names someone only
 * where chance would in fewer looks than a thousand fault-free hours have. What it does not find, no detector can.
 */
import type { Layout } from '../../../cli/simulate/layout'
import { linksOf } from '../../../cli/simulate/layout'
import { sizeAt, type Fault } from '../../../cli/simulate/faults'
import type { NoiseLevel } from '../../../cli/simulate/noise'
import { seededRandom } from '../../../base/random'
import { groupsThatTell, isOfLinks, type Case } from './cases'

/** Looks of a thousand fault-free hours, none of which may name anybody. */
const LOOKS_WITHOUT = 22_000
/** As the simulator loads data: a hundredth of the compute, by a fifth more or less. */
const LOADER_SCATTER = 0.002
const WANDER_STEPS = 50

/** What is wrong by step, relative: what the method knows beforehand. */
function shapeOf(fault: Fault, steps: number, seed: number): Float64Array {
  const uniform = seededRandom(seed)
  return Float64Array.from({ length: steps }, (_, index) => sizeAt(fault, index + 1, uniform))
}

/** s′ C⁻¹ s, by Cholesky’s way, where C holds what lasts, what wanders and what is new in each step. */
function separation(shape: Float64Array, variances: { lasts: number; wanders: number; fresh: number }): number {
  const { length } = shape
  const lower = Array.from({ length }, () => new Float64Array(length))
  const solved = new Float64Array(length)
  let sum = 0
  for (let row = 0; row < length; row += 1) {
    const own = lower[row] ?? new Float64Array()
    for (let column = 0; column <= row; column += 1) {
      const other = lower[column] ?? new Float64Array()
      let value = variances.lasts + variances.wanders * Math.exp((column - row) / WANDER_STEPS)
      if (row === column) value += variances.fresh
      for (let at = 0; at < column; at += 1) value -= (own[at] ?? 0) * (other[at] ?? 0)
      own[column] = row === column ? Math.sqrt(value) : value / (other[column] ?? NaN)
    }
    let value = shape[row] ?? 0
    for (let at = 0; at < row; at += 1) value -= (own[at] ?? 0) * (solved[at] ?? 0)
    solved[row] = value / (own[row] ?? NaN)
    sum += (solved[row] ?? 0) ** 2
  }
  return sum
}

/** Of a normal distribution, by Abramowitz and Stegun 26.2.17: within 1e-7. */
export function normalBelow(deviations: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(deviations))
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = (Math.exp(-(deviations ** 2) / 2) / Math.sqrt(2 * Math.PI)) * polynomial
  return deviations > 0 ? 1 - tail : tail
}

/** Deviations that chance exceeds so seldom. */
function deviationsFor(chance: number): number {
  let [low, high] = [0, 40]
  while (high - low > 1e-6) {
    const middle = (low + high) / 2
    if (1 - normalBelow(middle) > chance) low = middle
    else high = middle
  }
  return high
}

const variancesOf = ({ chip, wander, step, link, transfer }: NoiseLevel, kind: Case['kind']) => {
  if (kind === 'loader') return { lasts: 0, wanders: 0, fresh: LOADER_SCATTER ** 2 }
  if (isOfLinks(kind)) return { lasts: link ** 2, wanders: 0, fresh: transfer ** 2 }
  return { lasts: chip ** 2, wanders: wander ** 2, fresh: step ** 2 }
}

/** Chance that the fault is found when all steps up to `last` were seen; what is lost is only so much less seen. */
export function bestChance(
  { kind, noise, seed, seen }: Case,
  fault: Fault,
  layout: Layout,
  isMissing: readonly boolean[],
  last: number,
): number {
  const told = groupsThatTell(layout, isMissing)
  const isCrossing = (link: string) => told.filter(group => linksOf(layout, group).includes(link)).length
  const witnesses = isOfLinks(kind)
    ? isCrossing(fault.links[0] ?? '')
    : fault.ranks.filter(rank => isMissing[rank] !== true).length
  const one = separation(shapeOf(fault, last, seed), variancesOf(noise, kind))
  const candidates = layout.worldSize + layout.nodes + 2 * layout.leaves
  const least = deviationsFor(1 / LOOKS_WITHOUT / candidates)
  return normalBelow(Math.sqrt(one * witnesses * (1 - seen.lost)) - least)
}
