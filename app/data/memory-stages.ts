/** Memory of each pipeline stage: what the arithmetic says of its devices, beside the fullest of its ranks. Pure. */
import type { StageSummary } from '../../math/memory'
import type { RankInfo } from '../../wire/api'
import type { Figure } from '../../wire/findings'

export interface StageRow extends StageSummary {
  readonly ranks: number
  /** Held by tensors on the rank that holds the most. */
  readonly measured: Figure
}

/** What a rank's tensors held at most, and who said so. */
function heldBy(rank: RankInfo): { bytes: number; how: string } | undefined {
  if (rank.memoryPeakBytes !== null) return { bytes: rank.memoryPeakBytes, how: 'the peak that its allocator tells' }
  if (rank.memoryAllocatedBytes !== null)
    return { bytes: rank.memoryAllocatedBytes, how: 'what its allocator holds now' }
  const parts = Object.values(rank.memoryCategories)
  return parts.length === 0
    ? undefined
    : { bytes: parts.reduce((sum, bytes) => sum + bytes, 0), how: 'the categories that the hook names' }
}

function fullest(ranks: readonly RankInfo[]): Figure {
  const held = ranks.flatMap(rank => {
    const found = heldBy(rank)
    return found === undefined ? [] : [{ ...found, rank: rank.rank }]
  })
  const [most] = held.sort((one, other) => other.bytes - one.bytes)
  return most === undefined
    ? { value: null, provenance: 'measured', source: 'no rank of this stage tells its memory' }
    : { value: most.bytes, provenance: 'measured', source: `rank ${most.rank}, the fullest of the stage: ${most.how}` }
}

/** A row for each stage that the prediction has. Ranks whose stage is not known are in none. */
export function stageRows(stages: readonly StageSummary[], ranks: readonly RankInfo[]): StageRow[] {
  return stages.map(summary => {
    const mine = ranks.filter(({ stage }) => stage === summary.stage)
    return { ...summary, ranks: mine.length, measured: fullest(mine) }
  })
}
