/** Steps take far longer than arithmetic says: no culprit yet, a finding about the plan. */
import { format } from '../base/units'
import { defineDetector, WARM_UP_STEPS, type RankStepColumns } from './detector'
import { extent, known, median } from './statistics'

/**
 * The prediction is a bound: matmuls at their measured best, bubble, exposed communication. Published runs take 1.5 to
 * 2.5 times that; beyond three something is in the way that is not in the formula.
 */
const FAR_ABOVE = 3
const MIN_STEPS = 8

/** Seconds of a step in collectives, or in which others had the processor; 0 where nobody tells. */
function notComputing({ communicationSeconds, runDelaySeconds }: RankStepColumns): number {
  const all = Array.from(communicationSeconds, (value, row) => (value || 0) + (runDelaySeconds?.[row] ?? 0))
  return median(all) || 0
}

export const belowPrediction = defineDetector({
  name: 'below-prediction',
  help: 'Steps take far longer than predicted.',
  detect({ run, facts, steps, ranks, config, prediction }) {
    const predicted = prediction?.step.seconds
    if (predicted === undefined || !(predicted > 0)) return []
    // What one matmul reached on a CPU is no data sheet: the small ones of a step reach far less, and nobody is to blame.
    if (config?.hardware?.peakFlopsPerSecond !== undefined) return []
    const rows = Array.from(steps.step, (_, index) => index).filter(index => (steps.step[index] ?? 0) > WARM_UP_STEPS)
    const seconds = known(rows.map(index => steps.stepSeconds[index] ?? NaN))
    // Where the prediction leaves communication out, so must what is held against it.
    const isLeftOut = prediction?.step.communicationSeconds === undefined
    const measured = median(seconds) - (isLeftOut ? notComputing(ranks) : 0)
    if (seconds.length < MIN_STEPS || !(measured > FAR_ABOVE * predicted)) return []
    const { least: since } = extent(rows.map(index => steps.time[index] ?? NaN))
    const formula = prediction?.explain['step.seconds']?.assumption
    return [
      {
        detector: 'below-prediction',
        run,
        severity: 'info',
        title: `Steps take ${(measured / predicted).toFixed(1)} times as long as predicted`,
        evidence:
          `Median of ${seconds.length} steps${isLeftOut ? ', less time in collectives' : ''}: ${format(measured, 'seconds')}, predicted ${format(predicted, 'seconds')}` +
          `${prediction?.peak === undefined ? '' : ` at ${prediction.peak.title}`}${formula === undefined ? '.' : ` (${formula}).`}`,
        since: Number.isNaN(since) ? facts.startedAt : since,
        costSecondsPerStep: measured - predicted,
        nextStep:
          'See which phase holds the time: data and host gaps, communication, or small matmuls. A larger micro-batch helps the last.',
        provenance: 'derived',
      },
    ]
  },
})
