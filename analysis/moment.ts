import type { DetectorWindow } from './detector'

/** When a step of the job ended, Unix seconds; one that nobody told of, when the run began. */
export function momentOf({ steps, facts }: DetectorWindow, step: number | undefined): number {
  const row = Array.from(steps.step).indexOf(step ?? NaN)
  const time = steps.time[row] ?? NaN
  return Number.isNaN(time) ? facts.startedAt : time
}
