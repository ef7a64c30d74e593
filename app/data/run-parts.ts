'use client'
/** What only some pages of a run show, asked for while they do: single ranks, devices, hosts. */
import { useMemo, useRef } from 'react'
import type { GpuSeries, HostSeries, LogLine, PeerSeries, RankInfo } from '../../wire/api'
import type { FlopsBudget } from '../../wire/flops-budget'
import { withChange, type HeatMap, type HeatMetricName } from '../../wire/heat'
import { withoutGaps } from '../chart/heat'
import { door, type DoorError } from './door'
import { askPeers } from './peers'
import type { RunView } from './run-view'
import { isFollowing, type Span } from './time-window'
import { usePolled, type Polled } from './use-polled'

const EVERY_MS = 1000
const DEVICE_POINTS = 300
/** Columns come in widths of powers of two: at least half as many, each of a few pixels. */
export const MAP_COLUMNS = 320
const LINES = 1000
const PEERS_RARER = 3
const BUDGET_RARER = 3

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

export function useMembers(part: Part, first?: readonly RankInfo[]): Polled<readonly RankInfo[]> {
  const { run, view } = part
  const every = everyMs({ ...part, view: { ...view, window: {} } })
  return usePolled(`members ${run} ${every}`, signal => door.members(run, signal), every, first)
}

export function useGpus(part: Part): Polled<readonly GpuSeries[]> {
  const window = { ...windowOf(part), points: DEVICE_POINTS }
  return usePolled(keyOf('gpus', part), signal => door.gpus(part.run, window, signal), everyMs(part))
}

export function useHosts(part: Part): Polled<readonly HostSeries[]> {
  const window = { ...windowOf(part), points: DEVICE_POINTS }
  return usePolled(keyOf('hosts', part), signal => door.hosts(part.run, window, signal), everyMs(part))
}

/** The map of one metric: while an answer is awaited, the one before, if it is of the same metric. What one has is not sent again. */
export function useHeat(
  part: Part,
  metric: HeatMetricName,
): { map: HeatMap | undefined; error: DoorError | undefined } {
  const had = useRef<HeatMap>(undefined)
  const window = { ...windowOf(part), points: MAP_COLUMNS }
  const ask = async (signal: AbortSignal) => {
    const since = had.current?.metric === metric ? had.current : undefined
    const fresh = (one?: HeatMap) => door.heat(part.run, metric, window, one?.version, signal)
    const answer = await fresh(since)
    const map = since === undefined ? answer : (withChange(since, answer) ?? (await fresh()))
    had.current = map
    return map
  }
  const { value, error } = usePolled(keyOf(metric, part), ask, everyMs(part))
  const map = useMemo(() => value && withoutGaps(value), [value])
  return { map: map?.metric === metric ? map : undefined, error }
}

/** One rank beside its peers, by several metrics. */
export function usePeers(
  part: Part,
  rank: number,
  first: readonly PeerSeries[] | undefined,
): readonly PeerSeries[] | undefined {
  const ask = (signal: AbortSignal) => askPeers(door, part.run, rank, windowOf(part), signal)
  return usePolled(keyOf(`peers ${rank}`, part), ask, everyMs(part) * PEERS_RARER, first).value
}

/** The newest lines of its logs in the stretch that is looked at. */
export function useLines(part: Part): Polled<readonly LogLine[]> {
  const { from, to } = windowOf(part)
  return usePolled(keyOf('lines', part), signal => door.lines(part.run, { from, to }, LINES, signal), everyMs(part))
}

export function useBudget(part: Part, first: FlopsBudget | undefined): Polled<FlopsBudget> {
  return usePolled(keyOf('budget', part), signal => door.budget(part.run, signal), everyMs(part) * BUDGET_RARER, first)
}
