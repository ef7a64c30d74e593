/** A live run from which no step comes any more. */
import { format } from '../base/units'
import { defineDetector } from './detector'
import { extent, median } from './statistics'

/** Evaluation and checkpoints take many step times; ten of them and a minute is longer than most. */
const STEP_TIMES = 10
const LEAST_SECONDS = 60

export const silentRun = defineDetector({
  name: 'silent-run',
  help: 'No step has come for many step times, and the run has not ended.',
  detect({ run, now, facts, steps }) {
    if (facts.endedAt !== undefined || !['live', 'silent'].includes(facts.state)) return []
    const usual = median(Array.from(steps.stepSeconds))
    const { least: first, greatest: last } = extent(steps.time)
    if (!(last > first) || Number.isNaN(usual)) return []
    const silence = now - last
    if (silence <= Math.max(LEAST_SECONDS, STEP_TIMES * usual)) return []
    return [
      {
        detector: 'silent-run',
        run,
        severity: 'warning',
        title: `No step for ${format(silence, 'seconds')}`,
        evidence: `The last step came ${format(silence, 'seconds')} ago; steps take ${format(usual, 'seconds')} (median).`,
        since: last,
        nextStep:
          'If no evaluation or checkpoint runs, a rank hangs: `py-spy dump` on each rank shows which one is not in a collective.',
        provenance: 'measured',
      },
    ]
  },
})
