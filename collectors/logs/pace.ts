/** Seconds of a step from the times of two lines, where a log prints times and no seconds. */

/** The line before: its step and its time; null where the time since is not that of its steps alone. */
export type Pace = { step: number; time: number } | null

/**
 * Seconds per step since the line before. Undefined at the first, without a time, and after a pause: a checkpoint or an
 * evaluation between two lines makes the time between them none of the steps.
 */
export function secondsSince(step: number, time: number | undefined, state: { last: Pace }): number | undefined {
  const { last } = state
  state.last = time === undefined ? null : { step, time }
  if (last === null || time === undefined || step <= last.step || time <= last.time) return undefined
  // Times are printed in milliseconds at best; more digits would be noise of the subtraction.
  return Number(((time - last.time) / (step - last.step)).toFixed(6))
}
