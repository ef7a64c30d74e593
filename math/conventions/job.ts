/** From the input of a prediction to what conventions count. */
import { completeShape } from '../dimensions'
import { explain, type Explanation } from '../explain'
import type { PredictInput } from '../input'
import { Notes } from '../notes'
import { precisionOf, readPlan, usesFusedAttention } from '../plan'
import { stateBytes } from '../states'
import { tidyInput } from '../tidy'
import type { Convention, Counted, CountedFigure, Job } from './convention'
import { conventions } from './index'

/** Undefined where dimensions are missing. What was taken for granted is in `notes`. */
export function jobOf(given: PredictInput, notes = new Notes()): Job | undefined {
  const input = tidyInput(given, notes)
  const shape = completeShape(input.model ?? {}, notes)
  if (shape === undefined) return undefined
  const plan = readPlan(input, notes)
  const asked = input.gradientPrecision === undefined ? undefined : precisionOf(input.gradientPrecision)
  return {
    ...{ shape, plan, states: stateBytes(input, plan, notes) },
    flash: input.flashAttention ?? (usesFusedAttention(input.framework) || shape.gatedFfn),
    gradientBytes: asked === undefined ? undefined : asked === 'fp32' ? 4 : 2,
  }
}

const UNITS: Record<CountedFigure, Explanation['unit']> = {
  parameters: 'count',
  ...{ flopsPerToken: 'flops', hardwareFlopsPerToken: 'flops' },
  ...{ parametersBytes: 'bytes', gradientsBytes: 'bytes', optimizerBytes: 'bytes', statesBytes: 'bytes' },
  ...{ activationsBytes: 'bytes', buffersBytes: 'bytes' },
}

export interface Answer {
  readonly convention: Convention
  readonly figures: Readonly<Partial<Record<CountedFigure, Explanation>>>
}

function explained(counted: Counted): Answer['figures'] {
  const entries = Object.entries(counted) as [CountedFigure, Counted[CountedFigure]][]
  return Object.fromEntries(
    entries.flatMap(([figure, derived]) => (derived === undefined ? [] : [[figure, explain(derived, UNITS[figure])]])),
  )
}

/** What each calculator would answer for the same job, side by side. Empty where dimensions are missing. */
export function answersOf(input: PredictInput): Answer[] {
  const job = jobOf(input)
  if (job === undefined) return []
  return [...conventions].map(convention => ({ convention, figures: explained(convention.count(job)) }))
}
