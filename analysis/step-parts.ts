/**
 * Where each rank's step goes, as its phases say: means over the steps of a window, so that they add up. The time in
 * collectives is told apart by the sync identity and the plan: what the member that waited least spent is transfer, what
 * an even pipeline would idle is its bubble, and the rest is waiting for other ranks.
 */
import { grouped } from '../base/grouped'
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

interface Means {
  seconds: number
  data: number
  compute: number
  communication: number
  optimizer: number
}

/** Means of columns over rows; NaN where no row knows. */
class Sums {
  private readonly sums = new Map<keyof Means, { sum: number; count: number }>()

  add(name: keyof Means, value: number): void {
    if (!Number.isFinite(value) || value < 0) return
    const own = this.sums.get(name) ?? { sum: 0, count: 0 }
    own.sum += value
    own.count += 1
    this.sums.set(name, own)
  }

  mean(name: keyof Means): number {
    const { sum, count } = this.sums.get(name) ?? { sum: 0, count: 0 }
    return count === 0 ? NaN : sum / count
  }
}

function meansOf(ranks: RankStepColumns): Map<number, Sums> {
  const means = new Map<number, Sums>()
  for (let row = 0; row < ranks.step.length; row += 1) {
    const [rank, step] = [ranks.rank[row] ?? NaN, ranks.step[row] ?? NaN]
    const seconds = ranks.stepSeconds[row] ?? NaN
    if (!Number.isInteger(rank) || !(step > WARM_UP_STEPS) || !(seconds > 0)) continue
    const own = means.get(rank) ?? new Sums()
    means.set(rank, own)
    const [forward, backward] = [ranks.forwardSeconds[row] ?? NaN, ranks.backwardSeconds[row] ?? NaN]
    own.add('seconds', seconds)
    own.add('data', ranks.dataSeconds[row] ?? NaN)
    // With an overlapped backward pass only the forward's own time may be known.
    own.add('compute', Number.isNaN(backward) ? forward : Number.isNaN(forward) ? backward : forward + backward)
    own.add('communication', ranks.communicationSeconds[row] ?? NaN)
    own.add('optimizer', ranks.optimizerSeconds[row] ?? NaN)
  }
  return means
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
function leastByStage(means: ReadonlyMap<number, Sums>, stageOf: (rank: number) => number): Map<number, number> {
  const least = new Map<number, number>()
  for (const [stage, members] of grouped(means.keys(), stageOf))
    if (members.length > 1)
      least.set(
        stage,
        members.reduce((low, rank) => Math.min(low, means.get(rank)?.mean('communication') ?? NaN), Infinity),
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
  const means = meansOf(window.ranks)
  const transfers = transfersOf(window.groups)
  const least = leastByStage(means, stageOf)
  return [...means]
    .sort(([one], [other]) => one - other)
    .map(([rank, own]) => {
      const stage = stageOf(rank)
      const [compute, inCollectives] = [own.mean('compute'), own.mean('communication')]
      const bubble = bubbleShare === 0 ? 0 : Math.min(bubbleShare * compute, inCollectives)
      const told = transfers === undefined ? (least.get(stage) ?? NaN) - bubble : (transfers.get(rank) ?? NaN)
      const transfer = Math.max(0, Math.min(told, inCollectives))
      const idle = Math.min(bubble, inCollectives - transfer)
      return {
        rank,
        stage,
        seconds: own.mean('seconds'),
        parts: {
          compute,
          data: own.mean('data'),
          optimizer: own.mean('optimizer'),
          communication: transfer,
          bubble: idle,
          'sync-wait': inCollectives - transfer - idle,
        },
      }
    })
}
