/** What is slow in some steps and not in others: more of them stick out than chance would give one. */
import { tail } from './spread'
import { AHEAD_SHARE, BLOCK_STEPS, type Excesses, type Straggler } from './straggler'

/**
 * A step sticks out by so many deviations of steps, which of normal ones this share does; so improbable must their number be;
 * so much must they cost.
 */
const STICKS_OUT = [
  { deviations: 4, chance: 3.2e-5 },
  { deviations: 2.5, chance: 6.2e-3 },
] as const
const STICKS_OUT_LEAST = 0.02
const IMPROBABLE = 1e-8
const INTERMITTENT_LEAST = 5
const MOST_STEPS = 0.8

interface Usual {
  /** By rank: what it is mostly above its peers. */
  readonly usual: Float64Array
  /** Deviation of one rank's steps. */
  readonly scatter: number
}

/** Ranks with more single slow steps than chance would give one of them: a few that are very slow, or many that are less so. */
export function comingAndGoingOf(matrix: Excesses, { usual, scatter }: Usual, floor: number): Straggler[] {
  const found = new Map<number, Straggler>()
  for (const { deviations, chance } of STICKS_OUT) {
    const high = Math.max(STICKS_OUT_LEAST, deviations * scatter)
    for (const one of stickingOut(matrix, usual, chance, high, floor))
      if (!found.has(one.place)) found.set(one.place, one)
  }
  return [...found.values()]
}

function stickingOut(
  matrix: Excesses,
  usually: Float64Array,
  chance: number,
  high: number,
  floor: number,
): Straggler[] {
  const counts = highCounts(matrix, usually, high)
  const usual = counts.toSorted().subarray(0, Math.max(1, Math.floor(0.95 * (counts.length - 1))))
  // What the others have, and no less than chance would give them: a few may have none.
  const others = usual.reduce((sum, count) => sum + count, 0) / usual.length
  const expected = Math.max(others, chance * matrix.steps.length) + 0.1
  const found: Straggler[] = []
  for (let place = 0; place < counts.length; place += 1) {
    const count = counts[place] ?? 0
    if (count < INTERMITTENT_LEAST || tail(count, expected) >= IMPROBABLE) continue
    const one = comingAndGoing(matrix, place, usually[place] ?? NaN, high)
    if (one !== undefined && one.excess >= floor) found.push(one)
  }
  return found
}

/** Undefined where nobody waits for it in those steps. */
function comingAndGoing(matrix: Excesses, place: number, usual: number, high: number): Straggler | undefined {
  const { steps, sum, gap, known } = highSteps(matrix, place, usual, high)
  if (!(gap > AHEAD_SHARE * sum)) return undefined
  const from = beginOf(steps, matrix.steps.length)
  const since = steps.filter(step => step >= from).length
  const share = since / Math.max(1, known * (1 - from / matrix.steps.length))
  const size = sum / steps.length
  const to = (steps.at(-1) ?? NaN) + 1
  // One after the other, and then no more.
  if (since > MOST_STEPS * (to - from) && matrix.steps.length - to >= BLOCK_STEPS)
    return { place, from, to, share: 1, threshold: high, excess: size, pattern: 'past' }
  // In each step since the first of them: it has just begun.
  if (share > MOST_STEPS) return { place, from, share: 1, threshold: high, excess: size, pattern: 'constant' }
  return { place, from, share, threshold: high, excess: size * share, pattern: 'intermittent' }
}

/** By rank: how many steps stick out above what it usually is, the median of its blocks. */
function highCounts({ steps: { length }, excess }: Excesses, usual: Float64Array, high: number): Float64Array {
  const counts = new Float64Array(usual.length)
  for (let place = 0; place < counts.length; place += 1) {
    const above = (usual[place] ?? NaN) + high
    let count = 0
    for (let cell = place * length; cell < (place + 1) * length; cell += 1)
      if ((excess[cell] ?? NaN) > above) count += 1
    counts[place] = count
  }
  return counts
}

/** Steps of one that stick out above what it usually is: which, by how much in all, and how much less it waits in them. */
function highSteps({ steps, excess, ahead }: Excesses, place: number, usual: number, high: number) {
  const found = { place, steps: [] as number[], sum: 0, gap: 0, known: 0 }
  const first = place * steps.length
  for (let step = 0; step < steps.length; step += 1) {
    const value = (excess[first + step] ?? NaN) - usual
    if (!Number.isNaN(value)) found.known += 1
    if (!((excess[first + step] ?? NaN) > usual + high)) continue
    found.steps.push(step)
    found.sum += value
    found.gap += ahead(first + step) || 0
  }
  return found
}

/** The one of them from which on they come most clearly more often than before: likeliest of all changes of a Poisson rate. */
function beginOf(steps: readonly number[], length: number): number {
  const surprise = (count: number, among: number) => (count === 0 ? 0 : count * Math.log(count / among))
  let [best, begin] = [-Infinity, steps[0] ?? 0]
  for (const [before, step] of steps.entries()) {
    const since = steps.length - before
    const isMore = since / (length - step) > before / Math.max(1, step)
    const gain = surprise(before, step) + surprise(since, length - step)
    if (isMore && gain > best) [best, begin] = [gain, step]
  }
  return begin
}
