/** What the page holds of one run, and how a live update changes it. Pure. */
import type { GpuSeries, HostSeries, LiveUpdate, RunDetail, RunEvent, StepSeries } from '../../wire/api'
import { keepLast, splice } from './splice'

export interface RunView {
  readonly detail: RunDetail
  readonly steps: StepSeries
  readonly gpus: readonly GpuSeries[]
  readonly hosts: readonly HostSeries[]
  /** Newest first. */
  readonly events: readonly RunEvent[]
  /** When the newest of it arrived, by the clock of this machine. */
  readonly updatedAt: number
  /** Clock of this machine less that of the hub, in seconds, as far as an update told. */
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
  'gradientNorm',
  'learningRate',
  'flopsPerSecondPerGpu',
  'mfu',
  'syncWaitSeconds',
  'transferSeconds',
] as const satisfies readonly (keyof StepSeries)[]
const GPU_COLUMNS = [
  'time',
  'utilizationRatio',
  'memoryUsedBytes',
  'memoryTotalBytes',
  'powerWatts',
  'powerLimitWatts',
  'temperatureCelsius',
  'smClockHertz',
] as const satisfies readonly (keyof GpuSeries)[]
const HOST_COLUMNS = [
  'time',
  'cpuUtilizationRatio',
  'memoryUsedBytes',
  'memoryTotalBytes',
  'networkReceiveBytesPerSecond',
  'networkTransmitBytesPerSecond',
] as const satisfies readonly (keyof HostSeries)[]

const MOST_EVENTS = 200

export function mergeSteps(base: StepSeries, tail: StepSeries, rangeSeconds: number): StepSeries {
  const provenance = { ...base.provenance, ...tail.provenance }
  return keepLast({ ...splice(base, tail, 'step', STEP_COLUMNS), provenance }, rangeSeconds, STEP_COLUMNS)
}

/** Series of devices: known ones grow, new ones are added; facts beside the columns are those of the tail. */
function mergeDevices<T extends { time: number[] }>(
  base: readonly T[],
  tails: readonly T[],
  id: (series: T) => string,
  columns: readonly (keyof T)[],
  rangeSeconds: number,
): T[] {
  const fresh = new Map(tails.map(tail => [id(tail), tail]))
  const grown = base.map(series => {
    const tail = fresh.get(id(series))
    if (tail === undefined) return series
    fresh.delete(id(series))
    const merged = splice(series, tail, 'time', columns)
    const facts = { ...tail }
    for (const name of columns) facts[name] = merged[name]
    return keepLast(facts, rangeSeconds, columns)
  })
  return [...grown, ...fresh.values()]
}

const eventId = (event: RunEvent) => `${event.time} ${event.type} ${event.node} ${event.rank} ${event.message}`

export function mergeEvents(base: readonly RunEvent[], fresh: readonly RunEvent[]): readonly RunEvent[] {
  if (fresh.length === 0) return base
  const all = new Map([...base, ...fresh].map(event => [eventId(event), event]))
  return [...all.values()].sort((a, b) => b.time - a.time).slice(0, MOST_EVENTS)
}

/** The view after a live update that arrived at `now`. */
export function applyUpdate(view: RunView, update: LiveUpdate, now: number, rangeSeconds: number): RunView {
  const { summary, ranks, findings, at } = update
  return {
    detail: { ...view.detail, summary, ranks, findings },
    steps: mergeSteps(view.steps, update.steps, rangeSeconds),
    gpus: mergeDevices(view.gpus, update.gpus, gpuId, GPU_COLUMNS, rangeSeconds),
    hosts: mergeDevices(view.hosts, update.hosts, host => host.node, HOST_COLUMNS, rangeSeconds),
    events: mergeEvents(view.events, update.events),
    updatedAt: now,
    clockAheadSeconds: now - at,
  }
}

export function gpuId(gpu: { node: string; index: number }): string {
  return `${gpu.node} gpu ${gpu.index}`
}

/** Points kept of a series at most, before the page asks the hub for a coarser one. */
export const MOST_POINTS = 2400

export function hasGrownLarge(view: RunView): boolean {
  const longest = Math.max(view.steps.step.length, ...view.gpus.map(gpu => gpu.time.length))
  return longest > MOST_POINTS
}
