/**
 * What a step would have taken, had ranks worked as long as others. A step is replayed from what each rank worked: a
 * tensor group is as slow as its slowest rank, a pipeline takes all its stages once and its slowest for each further
 * micro-batch, and the replicas wait for the last of them. What is on top (transfers, the optimizer) stays as it is, so
 * that the difference of two replays is the difference of two steps.
 */
import type { RankMatrix } from './rank-matrix'
import type { Straggler } from './stragglers'

/** Where a rank stands. Ranks that share a place are held to work side by side, the slowest deciding. */
export interface Coordinates {
  readonly pipeline: number
  /** Of the replica: all that a pipeline of its own has, data and context. */
  readonly data: number
}

export interface Plan {
  readonly coordinates: ReadonlyMap<number, Coordinates>
  readonly microBatches: number
}

/** Without a plan every rank is a replica of its own. */
export function replay(matrix: RankMatrix, plan: Plan | undefined): (work: Float64Array) => Float64Array {
  const { ranks, steps } = matrix
  const at = Array.from(ranks, rank => plan?.coordinates.get(rank) ?? { pipeline: 0, data: rank })
  const stages = at.reduce((most, { pipeline }) => Math.max(most, pipeline + 1), 1)
  const replicas = [...new Set(at.map(({ data }) => data))]
  const replicaNumber = new Map(replicas.map((data, index) => [data, index]))
  const unitOf = Int32Array.from(at, ({ pipeline, data }) => (replicaNumber.get(data) ?? 0) * stages + pipeline)
  const microBatches = Math.max(1, plan?.microBatches ?? 1)
  const units = new Float64Array(replicas.length * stages)
  return work =>
    Float64Array.from(steps, (_, step) => {
      units.fill(0)
      for (let rank = 0; rank < ranks.length; rank += 1) {
        const unit = unitOf[rank] ?? 0
        const own = work[rank * steps.length + step] ?? NaN
        if (own > (units[unit] ?? 0)) units[unit] = own
      }
      let longest = 0
      for (let replica = 0; replica < replicas.length; replica += 1) {
        let [sum, slowest] = [0, 0]
        for (let stage = 0; stage < stages; stage += 1) {
          const own = units[replica * stages + stage] ?? 0
          sum += own
          if (own > slowest) slowest = own
        }
        longest = Math.max(longest, (sum + (microBatches - 1) * slowest) / microBatches)
      }
      return longest
    })
}

/**
 * Seconds per step that each cause (ranks that are slow together) costs, from its first step on. Causes are taken away one after the other,
 * the dearest first, so that they add up to what all of them cost together.
 */
export function costsOf(
  matrix: RankMatrix,
  plan: Plan | undefined,
  causes: readonly (readonly Straggler[])[],
): number[] {
  const simulate = replay(matrix, plan)
  const before = simulate(matrix.work)
  const gain = (one: Float64Array, other: Float64Array, cause: readonly Straggler[]) =>
    meanFrom(Math.min(...cause.map(({ from }) => from)), one, other)
  const alone = causes.map(cause => gain(before, simulate(without(matrix, matrix.work, cause)), cause))
  const order = causes.map((_, index) => index).sort((one, other) => (alone[other] ?? 0) - (alone[one] ?? 0))
  const costs = causes.map(() => 0)
  let [work, times] = [matrix.work, before]
  for (const index of order) {
    const cause = causes[index]
    if (cause === undefined) continue
    const next = without(matrix, work, cause)
    const after = simulate(next)
    costs[index] = gain(times, after, cause)
    ;[work, times] = [next, after]
  }
  return costs
}

function meanFrom(from: number, one: Float64Array, other: Float64Array): number {
  let sum = 0
  for (let step = from; step < one.length; step += 1) sum += (one[step] ?? 0) - (other[step] ?? 0)
  return sum / Math.max(1, one.length - from)
}

/** Its scatter stays where what it is slow by is the same in each step: to work as its peers do is not to be steadier. */
function without({ steps, excess }: RankMatrix, work: Float64Array, cause: readonly Straggler[]): Float64Array {
  const changed = work.slice()
  for (const one of cause) {
    for (let step = one.from; step < steps.length; step += 1) {
      const cell = one.place * steps.length + step
      const size = one.pattern === 'constant' ? one.excess : Math.max(0, excess[cell] ?? NaN)
      changed[cell] = (changed[cell] ?? NaN) / (1 + size)
    }
  }
  return changed
}
