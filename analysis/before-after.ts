/**
 * What steps take longer since something began, by the steps themselves. They know what no replay does (a host without
 * processor time is slow in its optimizer and at the network as well), and cannot tell what else began then.
 */
import { WARM_UP_STEPS, type JobStepColumns } from './detector'
import { deviation } from './spread'
import { known, median, MEDIAN_ERROR } from './statistics'

/** Fewer on either side say little. */
const LEAST_STEPS = 8
/**
 * Errors by which a replay must be off for the steps to count as much as it does: ranks wander, so that steps that follow each
 * other err together. A little less, and it counts nearly alone; a little more, and they do.
 */
const CONTRADICTS = 3

export interface Change {
  /** Of the median step. */
  readonly seconds: number
  /** Its standard error. */
  readonly error: number
}

/** `first`: the step in which it began. Undefined where too few steps on either side are known. */
export function longerSince({ step, stepSeconds }: JobStepColumns, first: number): Change | undefined {
  const rows = Array.from(step, (_, row) => row)
  const of = (isIn: (at: number) => boolean) =>
    known(rows.filter(row => isIn(step[row] ?? NaN)).map(row => stepSeconds[row] ?? NaN))
  const [before, since] = [of(at => at > WARM_UP_STEPS && at < first), of(at => at > first)]
  if (before.length < LEAST_STEPS || since.length < LEAST_STEPS) return undefined
  const error = (values: readonly number[]) => (MEDIAN_ERROR * deviation(values)) / Math.sqrt(values.length)
  return { seconds: median(since) - median(before), error: Math.hypot(error(before), error(since)) }
}

/**
 * The cost by a replay, seconds per step, or by the steps the more these contradict it. `heldBack`: for so long a quota held the
 * rank back, in collectives too, of which the replay knows nothing; not positive where nothing is known of it.
 */
export function costBeside(replayed: number, seen: Change, heldBack: number): number {
  const base = heldBack > replayed ? Math.min(Math.max(seen.seconds, replayed), heldBack) : replayed
  const off = Math.abs(seen.seconds - base) ** 4
  const believed = (CONTRADICTS * seen.error) ** 4
  return off === 0 ? base : Math.max(0, base + ((seen.seconds - base) * off) / (off + believed))
}
