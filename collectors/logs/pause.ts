/** Checkpoints and evaluations within the time that a log prints for a step. */
import type { RecordOf } from '../../wire/records'

/** What happened since the last step: `evaluation`, `checkpoint`, or both. */
export type Pauses = { pauses: string[] }

export function pause(type: 'evaluation' | 'checkpoint', state: Pauses): void {
  if (!state.pauses.includes(type)) state.pauses.push(type)
}

/**
 * The time of a step where it is one; where it contains a pause it is a time of its own, `step with evaluation`: no
 * figure of steps is made of it, and none of it is lost.
 */
export function timeOfStep(
  seconds: number | undefined,
  state: Pauses,
): Pick<RecordOf<'step'>, 'stepSeconds' | 'phases'> {
  const { pauses } = state
  state.pauses = []
  if (seconds === undefined || pauses.length === 0) return { stepSeconds: seconds }
  return { stepSeconds: undefined, phases: { [`step with ${pauses.join(' and ')}`]: { seconds } } }
}
