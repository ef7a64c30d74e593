/** What a run showed of itself, as a calibration takes it. */
import type { Observed } from '../../math/calibrate'
import { gpuOfRank } from './memory-bars'
import type { GpuSeries, RankInfo, RunSummary } from '../../wire/api'

const known = (values: readonly (number | null)[]) => values.filter(value => value !== null)

function mean(values: readonly (number | null)[]): number | undefined {
  const all = known(values)
  return all.length === 0 ? undefined : all.reduce((sum, value) => sum + value, 0) / all.length
}

interface Seen {
  readonly summary: RunSummary
  readonly ranks: readonly RankInfo[]
  readonly gpus: readonly GpuSeries[]
}

/** Means over the ranks' newest steps; the most that any of them had allocated. */
export function observedOf({ summary, ranks, gpus }: Seen): Observed {
  const most = (values: readonly (number | null)[]) => {
    const all = known(values)
    return all.length === 0 ? undefined : Math.max(...all)
  }
  return {
    stepSeconds: mean(ranks.map(rank => rank.stepSeconds)) ?? summary.stepSeconds.value ?? undefined,
    communicationSeconds: mean(ranks.map(rank => rank.communicationSeconds)),
    peakBytes: most(ranks.map(rank => rank.memoryPeakBytes)),
    reservedBytes: most(ranks.map(rank => rank.memoryReservedBytes)),
    deviceBytes: most(
      ranks.map(rank => gpuOfRank(rank, gpus)?.memoryUsedBytes.findLast(value => value !== null) ?? null),
    ),
  }
}
