/** A run as the hub has it stored: the same for the server, which makes the first frame, and for the browser. */
import { unixSeconds } from '../../base/clock'
import { door, type Door } from './door'
import { runSpan, type RunView } from './run-view'
import { isWhole, spanOf, WHOLE, type TimeWindow } from './time-window'

const POINTS = 1000
const EVENTS = 100

/** The head, and how far the clock of whoever asks is ahead of the hub's. */
async function loadHead(door: Door, run: string, signal?: AbortSignal) {
  const detail = await door.head(run, signal)
  const at = unixSeconds()
  return { detail, updatedAt: at, clockAheadSeconds: at - detail.at }
}

/** All of the run, as coarse as a screen shows it. */
export async function loadRun(door: Door, run: string, signal?: AbortSignal): Promise<RunView> {
  const [head, steps, events] = await Promise.all([
    loadHead(door, run, signal),
    door.steps(run, { points: POINTS }, signal),
    door.events(run, EVENTS, signal),
  ])
  return {
    ...head,
    steps,
    overall: steps,
    window: WHOLE,
    events: events.toSorted((a, b) => b.time - a.time),
  }
}

/** The same view, with the steps of `window` as fine as a screen shows them. */
export async function loadWindow(
  run: string,
  view: RunView,
  window: TimeWindow,
  signal: AbortSignal,
): Promise<RunView> {
  if (isWhole(window)) return { ...view, window, steps: view.overall }
  const { from, to } = spanOf(window, runSpan(view))
  const steps = await door.steps(run, { from, to: window.to === undefined ? undefined : to, points: POINTS }, signal)
  return { ...view, window, steps }
}
