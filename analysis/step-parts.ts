/**
 * Where each rank's step goes, as its phases say: means over the steps of a window, so that they add up. The time in
 * collectives is told apart by the sync identity and the plan: what the member that waited least spent is transfer, what
 * an even pipeline would idle is its bubble, and the rest is waiting for other ranks.
 */
import { grouped } from '../base/grouped'
import { Axis } from './axis'
import { WARM_UP_STEPS, type DetectorWindow, type GroupStepColumns, type RankStepColumns } from './detector'
import { rolesOf, type Roles } from './roles'

export type StepPart = 'compute' | 'data' | 'optimizer' | 'communication' | 'bubble' | 'sync-wait'

/** Seconds of a step; NaN is not known. */
export interface RankParts {
  readonly rank: number
  readonly stage: number
  readonly seconds: number
  readonly parts: Readonly<Record<StepPart, number>>
}

type Mean = 'seconds' | 'data' | 'compute' | 'communication' | 'optimizer'

/** Means of columns by rank; NaN where no row knows. */
class Means {
  readonly ranks: Float64Array
  private readonly axis: Axis
  private readonly sums: Readonly<Record<Mean, { readonly sum: Float64Array; readonly count: Float64Array }>>

  constructor(ranks: RankStepColumns) {
    this.axis = new Axis(ranks.rank)
    this.ranks = this.axis.values
    const column = () => ({ sum: new Float64Array(this.ranks.length), count: new Float64Array(this.ranks.length) })
    this.sums = { seconds: column(), data: column(), compute: column(), communication: column(), optimizer: column() }
    for (let row = 0; row < ranks.step.length; row += 1) {
      const place = this.axis.place(ranks.rank[row] ?? NaN)
      const seconds = ranks.stepSeconds[row] ?? NaN
      if (place < 0 || !((ranks.step[row] ?? NaN) > WARM_UP_STEPS) || !(seconds > 0)) continue
      const [forward, backward] = [ranks.forwardSeconds[row] ?? NaN, ranks.backwardSeconds[row] ?? NaN]
      this.add('seconds', place, seconds)
      this.add('data', place, ranks.dataSeconds[row] ?? NaN)
      // With an overlapped backward pass only the forward's own time may be known.
      this.add(
        'compute',
        place,
        Number.isNaN(backward) ? forward : Number.isNaN(forward) ? backward : forward + backward,
      )
      this.add('communication', place, ranks.communicationSeconds[row] ?? NaN)
      this.add('optimizer', place, ranks.optimizerSeconds[row] ?? NaN)
    }
  }

  private add(name: Mean, place: number, value: number): void {
    if (!Number.isFinite(value) || value < 0) return
    const { sum, count } = this.sums[name]
    sum[place] = (sum[place] ?? 0) + value
    count[place] = (count[place] ?? 0) + 1
  }

  of(name: Mean, rank: number): number {
    const place = this.axis.place(rank)
    return (this.sums[name].sum[place] ?? NaN) / (this.sums[name].count[place] ?? NaN)
  }

  /** Ranks of which any step is known. */
  known(): number[] {
    return Array.from(this.ranks).filter((_, place) => (this.sums.seconds.count[place] ?? 0) > 0)
  }
}

/** By rank: mean seconds of a step that its groups transferred. Undefined where no group told. */
function transfersOf(groups: GroupStepColumns | undefined): Map<number, number> | undefined {
  if (groups === undefined) return undefined
  const sums = groups.groups.map(() => ({ sum: 0, count: 0 }))
  for (let row = 0; row < groups.step.length; row += 1) {
    const own = sums[groups.group[row] ?? -1]
    const seconds = groups.seconds[row] ?? NaN
    if (own === undefined || !(seconds >= 0) || !(seconds < Infinity)) continue
    own.sum += seconds
    own.count += 1
  }
  const transfers = new Map<number, number>()
  for (const [number, { sum, count }] of sums.entries())
    for (const rank of count === 0 ? [] : (groups.groups[number]?.ranks ?? []))
      transfers.set(rank, (transfers.get(rank) ?? 0) + sum / count)
  return transfers.size === 0 ? undefined : transfers
}

/** Without groups: the least that a rank of the same stage spent, less the bubble that all of them have. */
function leastByStage(means: Means, stageOf: (rank: number) => number): Map<number, number> {
  const least = new Map<number, number>()
  for (const [stage, members] of grouped(means.known(), stageOf))
    if (members.length > 1)
      least.set(
        stage,
        members.reduce((low, rank) => Math.min(low, means.of('communication', rank)), Infinity),
      )
  return least
}

/** (p − 1) / (v·m) of what the stage computes. */
function bubbleShareOf({ config }: DetectorWindow, roles: Roles | undefined): number {
  const { pipeline = 1, virtualStages = 1 } = config?.parallelism ?? {}
  return pipeline <= 1 ? 0 : (pipeline - 1) / (Math.max(1, virtualStages) * (roles?.plan?.microBatches ?? NaN))
}

/** Ranks ascending. Empty where no rank tells of its steps. */
export function stepPartsOf(window: DetectorWindow): RankParts[] {
  const roles = rolesOf(window)
  const stageOf = (rank: number) => roles?.plan?.coordinates.get(rank)?.pipeline ?? 0
  const bubbleShare = bubbleShareOf(window, roles)
  const means = new Means(window.ranks)
  const transfers = transfersOf(window.groups)
  const least = leastByStage(means, stageOf)
  return means.known().map(rank => {
    const stage = stageOf(rank)
    const [compute, inCollectives] = [means.of('compute', rank), means.of('communication', rank)]
    const bubble = bubbleShare === 0 ? 0 : Math.min(bubbleShare * compute, inCollectives)
    const told = transfers === undefined ? (least.get(stage) ?? NaN) - bubble : (transfers.get(rank) ?? NaN)
    const transfer = Math.max(0, Math.min(told, inCollectives))
    const idle = Math.min(bubble, inCollectives - transfer)
    return {
      rank,
      stage,
      seconds: means.of('seconds', rank),
      parts: {
        compute,
        data: means.of('data', rank),
        optimizer: means.of('optimizer', rank),
        communication: transfer,
        bubble: idle,
        'sync-wait': inCollectives - transfer - idle,
      },
    }
  })
}
