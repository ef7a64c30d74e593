'use client'
/** What only some pages of a run show, asked for while they do: single ranks, devices, hosts. */
import type { GpuSeries, HostSeries, RankInfo, RankMap, RankMetric } from '../../wire/api'
import { door } from './door'
import type { RunView } from './run-view'
import { isFollowing, type Span } from './time-window'
import { usePolled, type Polled } from './use-polled'

const EVERY_MS = 1000
const DEVICE_POINTS = 300
const MAP_COLUMNS = 240

/** What of a run is asked for. */
export interface Part {
  readonly run: string
  readonly view: RunView
  readonly span: Span
}

/** A run that is over, or a stretch with an end, does not change: it is asked for once. */
function everyMs({ view }: Part): number {
  const { state } = view.detail.summary
  return (state === 'live' || state === 'silent') && isFollowing(view.window) ? EVERY_MS : Infinity
}

/** Of the end only what was asked for: all that comes is wanted while one follows. */
function windowOf({ view, span }: Part) {
  const { from, to, last } = view.window
  return { from: from ?? (last === undefined ? undefined : span.to - last), to }
}

function keyOf(what: string, { run, view }: Part): string {
  const { from, to, last } = view.window
  return `${what} ${run} ${from ?? ''} ${to ?? ''} ${last ?? ''} ${view.detail.summary.state}`
}

export function useMembers(part: Part): Polled<readonly RankInfo[]> {
  const { run, view } = part
  const every = everyMs({ ...part, view: { ...view, window: {} } })
  return usePolled(`members ${run} ${every}`, signal => door.members(run, signal), every)
}

export function useGpus(part: Part): Polled<readonly GpuSeries[]> {
  const window = { ...windowOf(part), points: DEVICE_POINTS }
  return usePolled(keyOf('gpus', part), signal => door.gpus(part.run, window, signal), everyMs(part))
}

export function useHosts(part: Part): Polled<readonly HostSeries[]> {
  const window = { ...windowOf(part), points: DEVICE_POINTS }
  return usePolled(keyOf('hosts', part), signal => door.hosts(part.run, window, signal), everyMs(part))
}

export function useRankMap(part: Part, metric: RankMetric): RankMap | undefined {
  const window = { ...windowOf(part), points: MAP_COLUMNS }
  const { value } = usePolled(
    keyOf(metric, part),
    signal => door.ranks(part.run, metric, window, signal),
    everyMs(part),
  )
  // Another metric was chosen: what came last is not of it.
  return value?.metric === metric ? value : undefined
}
