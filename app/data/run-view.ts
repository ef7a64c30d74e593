/** What the page holds of one run, and how a live update changes it. Pure. */
import type { LiveUpdate, RunEvent, RunHead, StepSeries } from '../../wire/api'
import { keepLast, splice } from './splice'
import { isFollowing, isWhole, spanOf, type Span, type TimeWindow } from './time-window'

export interface RunView {
  readonly detail: RunHead
  /** The whole run, coarse: what the brush is drawn on. */
  readonly overall: StepSeries
  /** The part of it that is looked at. */
  readonly window: TimeWindow
  readonly steps: StepSeries
  /** Newest first. */
  readonly events: readonly RunEvent[]
  /** When the newest of it arrived, by the clock of this machine. */
  readonly updatedAt: number
  /** Clock of this machine less that of the hub, in seconds, as far as an answer told. */
  readonly clockAheadSeconds: number
}

const STEP_COLUMNS = [
  'step',
  'time',
  'stepSeconds',
  'stepSecondsMin',
  'stepSecondsMax',
  'tokensPerSecond',
  'loss',
  'lossMin',
  'lossMax',
  'gradientNorm',
  'learningRate',
  'flopsPerSecondPerGpu',
  'mfu',
  'syncWaitSeconds',
  'transferSeconds',
] as const satisfies readonly (keyof StepSeries)[]

const MOST_EVENTS = 200

export function mergeSteps(base: StepSeries, tail: StepSeries, rangeSeconds = Infinity): StepSeries {
  const provenance = { ...base.provenance, ...tail.provenance }
  return keepLast({ ...splice(base, tail, 'step', STEP_COLUMNS), provenance }, rangeSeconds, STEP_COLUMNS)
}

const eventId = (event: RunEvent) => `${event.time} ${event.type} ${event.node} ${event.rank} ${event.message}`

export function mergeEvents(base: readonly RunEvent[], fresh: readonly RunEvent[]): readonly RunEvent[] {
  if (fresh.length === 0) return base
  const all = new Map([...base, ...fresh].map(event => [eventId(event), event]))
  return [...all.values()].sort((a, b) => b.time - a.time).slice(0, MOST_EVENTS)
}

/** The view after a live update that arrived at `now`. A stretch with an end does not change any more. */
export function applyUpdate(view: RunView, update: LiveUpdate, now: number): RunView {
  const { summary, findings, at } = update
  const overall = mergeSteps(view.overall, update.steps)
  const steps = isWhole(view.window)
    ? overall
    : isFollowing(view.window)
      ? mergeSteps(view.steps, update.steps, view.window.last)
      : view.steps
  return {
    ...view,
    overall,
    steps,
    detail: { ...view.detail, at, summary, findings },
    events: mergeEvents(view.events, update.events),
    updatedAt: now,
    clockAheadSeconds: now - at,
  }
}

/** From the first to the last moment of the run that is known of, in Unix seconds. */
export function runSpan({ detail: { summary }, overall }: Pick<RunView, 'detail' | 'overall'>): Span {
  const firstStep = overall.time[0]
  const lastStep = overall.time.at(-1)
  const from = Math.min(summary.startedAt, firstStep ?? Infinity)
  return { from, to: Math.max(lastStep ?? summary.endedAt ?? summary.lastSeenAt, from + 1) }
}

/** What the charts of a run span. */
export const viewSpan = (view: RunView): Span => spanOf(view.window, runSpan(view))

export function gpuId(gpu: { node: string; index: number }): string {
  return `${gpu.node} gpu ${gpu.index}`
}

/** Points kept of a series at most, before the page asks the hub for a coarser one. */
export const MOST_POINTS = 2400

export function hasGrownLarge({ overall, steps }: RunView): boolean {
  return Math.max(overall.step.length, steps.step.length) > MOST_POINTS
}
