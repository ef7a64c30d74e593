/** From the input of a prediction to what conventions count. */
import { completeShape, type ModelShape } from '../dimensions'
import { explain, type Explanation } from '../explain'
import type { PredictInput } from '../input'
import { Notes } from '../notes'
import { precisionOf, readPlan, type Plan } from '../plan'
import { stateBytes } from '../states'
import { tidyInput } from '../tidy'
import type { Convention, Counted, CountedFigure, Job } from './convention'
import { conventions } from './index'

function toJob(input: PredictInput, shape: ModelShape, plan: Plan): Job {
  const asked = input.gradientPrecision === undefined ? undefined : precisionOf(input.gradientPrecision)
  return {
    shape,
    plan,
    states: stateBytes(input, plan, new Notes()),
    gradientBytes: asked === undefined ? undefined : asked === 'fp32' ? 4 : 2,
  }
}

/** Undefined where dimensions are missing. */
export function jobOf(given: PredictInput): Job | undefined {
  const notes = new Notes()
  const input = tidyInput(given, notes)
  const shape = completeShape(input.model ?? {}, notes)
  return shape === undefined ? undefined : toJob(input, shape, readPlan(input, notes))
}

/** What the calculator that the input names would answer; nothing where it names none. */
export function countedAsAsked(input: PredictInput, shape: ModelShape | undefined, plan: Plan, notes: Notes): Counted {
  if (input.conventions === undefined) return {}
  const convention = conventions.get(input.conventions.toLowerCase())
  if (convention === undefined) notes.assume(`conventions = our own (there is no "${input.conventions}")`)
  if (convention === undefined || shape === undefined) return {}
  if (shape.encoder !== undefined) {
    notes.assume(`conventions = our own (${convention.title} knows no encoder)`)
    return {}
  }
  notes.assume(`counted as ${convention.title} does, where it counts: ${convention.help}`)
  const { hardwareFlopsPerToken, ...rest } = convention.count(toJob(input, shape, plan))
  // Some answer with a recomputed pass whether there is one or not.
  return plan.recompute === 'none' || hardwareFlopsPerToken === undefined ? rest : { ...rest, hardwareFlopsPerToken }
}

const UNITS: Record<CountedFigure, Explanation['unit']> = {
  parameters: 'count',
  flopsPerToken: 'flops',
  hardwareFlopsPerToken: 'flops',
  parametersBytes: 'bytes',
  gradientsBytes: 'bytes',
  optimizerBytes: 'bytes',
  statesBytes: 'bytes',
  activationsBytes: 'bytes',
  buffersBytes: 'bytes',
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
  // The calculators know decoders alone.
  if (job === undefined || job.shape.encoder !== undefined) return []
  return [...conventions].map(convention => ({ convention, figures: explained(convention.count(job)) }))
}
