/** Sequences of uneven length make now one replica slow and now another. */
import { costOf } from './cost'
import { defineDetector, type DetectorWindow } from './detector'
import { diagnose } from './diagnosis'
import { extent } from './statistics'
import { skewCost } from './what-if'

/** Of the step time. */
const COSTS_LEAST = 0.01

const percent = (ratio: number) => `${Math.round(ratio * 100)} %`

export const dataSkew = defineDetector({
  name: 'data-skew',
  help: 'Sequences of uneven length make now one replica slow and now another.',
  detect(window: DetectorWindow) {
    const diagnosis = diagnose(window)
    const skew = diagnosis?.skew
    if (diagnosis === undefined || skew === undefined) return []
    const step = diagnosis.stepSeconds
    const cost = skewCost(diagnosis.matrix, diagnosis.roles.plan, diagnosis.groups, skew)
    if (!(cost > COSTS_LEAST * step)) return []
    const { least: since } = extent(window.ranks.time)
    return [
      {
        detector: 'data-skew',
        run: window.run,
        provenance: 'estimated',
        ...costOf(cost, step),
        title: 'Sequences of uneven length make now one replica slow and now another',
        evidence:
          `In a step the slowest of ${skew.replicas} replicas works ${percent(skew.slowest)} longer than the middle one, all of its ranks ` +
          `together; the one that is it most often is so in ${percent(skew.same)} of the steps. No device is to blame.`,
        since: Number.isNaN(since) ? window.facts.startedAt : since,
        cause: 'data skew',
        nextStep:
          'Balance the work of the replicas: pack or sort sequences so that the sum of their squared lengths is alike, or bound the longest.',
      },
    ]
  },
})
