/** What a run showed of itself, as a calibration takes it. */
import type { Observed } from '../../math/calibrate'
import type { RunDetail } from '../../wire/api'

const known = (values: readonly (number | null)[]) => values.filter(value => value !== null)

function mean(values: readonly (number | null)[]): number | undefined {
  const all = known(values)
  return all.length === 0 ? undefined : all.reduce((sum, value) => sum + value, 0) / all.length
}

/** Means over the ranks' newest steps; the most that any of them had allocated. */
export function observedOf({ ranks, summary }: RunDetail): Observed {
  const peaks = known(ranks.map(rank => rank.memoryPeakBytes))
  return {
    stepSeconds: mean(ranks.map(rank => rank.stepSeconds)) ?? summary.stepSeconds.value ?? undefined,
    communicationSeconds: mean(ranks.map(rank => rank.communicationSeconds)),
    peakBytes: peaks.length === 0 ? undefined : Math.max(...peaks),
  }
}
