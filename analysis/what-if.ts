/** What a step would have taken, had ranks worked and links carried as others do. */
import type { GroupMatrix } from './group-matrix'
import type { RankMatrix } from './rank-matrix'
import { Replay, type Cause } from './replay'
import type { Plan } from './roles'
import { evenShare, type Skew } from './skew'

export interface Cost {
  /** Seconds per step from its first step on, were all other causes gone: what it would hold back alone. */
  readonly alone: number
  /** Its share of what all of them cost together: these add up. */
  readonly share: number
}

/**
 * What each cause costs. Where several hold back the same step, mending one of them gains little and mending all gains much:
 * what they cost together is divided as they would cost alone.
 */
export function costsOf(
  matrix: RankMatrix,
  plan: Plan | undefined,
  groups: GroupMatrix | undefined,
  causes: readonly Cause[],
): Cost[] {
  if (causes.length === 0) return []
  const replay = new Replay(matrix, plan, groups)
  for (const cause of causes) replay.suppose(cause)
  const before = replay.seen()
  for (const cause of causes) replay.change(cause, 1)
  const well = replay.times()
  const costs = causes.map(cause => {
    const first = firstStepOf(cause)
    const together = meanFrom(first, before, well)
    if (causes.length === 1) return { alone: together, together }
    replay.change(cause, -1)
    const alone = meanFrom(first, replay.times(), well)
    replay.change(cause, 1)
    return { alone, together }
  })
  const sum = costs.reduce((total, { alone }) => total + Math.max(0, alone), 0)
  return costs.map(({ alone, together }) => ({
    alone,
    share: sum > 0 ? (together * Math.max(0, alone)) / sum : 0,
  }))
}

/** Seconds per step, had each step’s sequences been spread evenly over the replicas. */
export function skewCost(
  matrix: RankMatrix,
  plan: Plan | undefined,
  groups: GroupMatrix | undefined,
  skew: Skew,
): number {
  const replay = new Replay(matrix, plan, groups)
  const before = replay.seen()
  replay.scale(evenShare(skew))
  return meanFrom(0, before, replay.times())
}

/** The step number from which on it is there. */
export const firstStepOf = ({ ranks, link }: Cause) =>
  Math.min(...ranks.map(({ from }) => from), link?.slow.from ?? Infinity)

function meanFrom(from: number, one: Float64Array, other: Float64Array): number {
  let sum = 0
  for (let step = from; step < one.length; step += 1) sum += (one[step] ?? 0) - (other[step] ?? 0)
  return sum / Math.max(1, one.length - from)
}
