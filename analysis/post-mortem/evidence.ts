/** What rules of causes look at, and the one that holds of a device and of a host alike. */
import { format } from '../../base/units'
import type { Cause, CauseName } from '../../wire/post-mortem'
import type { Figures } from './figures'
import type { Growth } from './growth'
import type { Event, Scene } from './scene'

export interface Evidence {
  readonly event: Event
  readonly figures: Figures
  readonly growth: Growth
  readonly scene: Scene
  /** What the prediction says the device must hold; undefined where it says nothing. */
  readonly predictedBytes: number | undefined
}

export const bytes = (value: number | undefined) => format(value, 'bytes')
/** One cause, as rules give it. */
export const cause = (name: CauseName, certainty: Cause['certainty'], title: string, evidence: string): Cause[] => [
  { name, certainty, title, evidence },
]

export function growing({ growth, figures }: Evidence): Cause[] {
  if (growth.kind !== 'steady') return []
  const { bytesPerStep, risenBytes, steps, what } = growth
  const rate = `${bytes(bytesPerStep)} a step over ${steps} steps, ${bytes(risenBytes)} in all`
  if (what === 'reserved')
    return cause(
      'fragmentation-creep',
      'likely',
      'The allocator reserved more from step to step, and tensors did not hold more',
      `what is reserved rose by ${rate}, what tensors hold did not`,
    )
  return cause(
    'leak',
    risenBytes > (figures.requested ?? 0) ? 'certain' : 'likely',
    'Tensors held more from step to step',
    `the peak of a step rose by ${rate}: something keeps what each step makes (losses kept with their graph, lists of outputs, caches)`,
  )
}
