/**
 * Steps that a progress bar tells of. tqdm draws a bar several times for the same step, and its rate is smoothed over the
 * last ones.
 */
import { asRecord, type RecordOf } from '../../wire/records'

/** Drawings after which a pause has left the smoothed rate: tqdm keeps seven tenths of it at each. */
const DRAWINGS_OF_A_PAUSE = 12

export type BarState = {
  /** The step that was drawn last, until another is: a later drawing of the same may say more. */
  held: { step: number | null; record: string } | null
  /** The step that was told last, and how many figures of it: it may be drawn again behind a line of somebody else. */
  told: { step: number | null; figures: number } | null
  /** Drawings that are still to come before the rate is that of steps alone. */
  tainted: number
}
export const beginBars = (): BarState => ({ held: null, told: null, tainted: 0 })

type Step = RecordOf<'step'>

/** A checkpoint or an evaluation: the rate of the next drawings contains it. */
export function taint(state: Pick<BarState, 'tainted'>): void {
  state.tainted = DRAWINGS_OF_A_PAUSE
}

const figuresOf = (step: Step) => Object.values(step).filter(value => value !== undefined).length

/** Holds a step and gives the one before. `smoothed`: its time is the bar's rate. */
export function drawn(step: Step, smoothed: boolean, state: BarState): Step[] {
  const isSame = state.held !== null && state.held.step === (step.step ?? null)
  const before = isSame ? [] : releaseBar(state)
  if (!isSame && state.tainted > 0) state.tainted -= 1
  const own = smoothed && state.tainted > 0 ? { ...step, stepSeconds: undefined } : step
  const isTold = state.told !== null && step.step !== undefined && state.told.step === step.step
  if (isTold && figuresOf(own) <= (state.told?.figures ?? 0)) return before
  state.held = { step: step.step ?? null, record: JSON.stringify(own) }
  return before
}

/** A line between two drawings says more of the held step. */
export function enrich(fields: Partial<Step>, state: BarState): void {
  const [step] = releaseBar(state)
  if (step !== undefined) state.held = { step: step.step ?? null, record: JSON.stringify({ ...step, ...fields }) }
}

/** The held step, which is then told. */
export function releaseBar(state: BarState): Step[] {
  const { held } = state
  state.held = null
  const record = held === null ? undefined : asRecord(JSON.parse(held.record))
  if (record?.kind !== 'step') return []
  state.told = { step: record.step ?? null, figures: figuresOf(record) }
  return [record]
}
