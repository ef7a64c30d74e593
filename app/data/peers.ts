/** One rank beside its peers, as the server asks for the first frame and the browser after it. */
import type { PeerSeries } from '../../wire/api'
import type { HeatMetricName } from '../../wire/heat'
import type { Door, Window } from './door'
import type { TimeWindow } from './time-window'

const METRICS: readonly HeatMetricName[] = [
  'computeSeconds',
  'syncWaitSeconds',
  'communicationSeconds',
  'dataSeconds',
  'optimizerSeconds',
  'throttledSeconds',
  'runDelaySeconds',
  'cpuStealRatio',
  'cpuIoWaitRatio',
  'cpuUtilizationRatio',
  'smClockHertz',
  'powerWatts',
  'temperatureCelsius',
  'utilizationRatio',
  'tensorActiveRatio',
  'memoryUsedBytes',
]
const POINTS = 240

export function askPeers(
  door: Door,
  run: string,
  rank: number,
  { from, to }: Omit<Window, 'points'>,
  signal: AbortSignal,
): Promise<PeerSeries[]> {
  return door.peers(run, METRICS, rank, { from, to, points: POINTS }, signal)
}

/** What the server has asked for already: it comes behind the first frame, which does not wait for it. */
export interface FirstPeers {
  readonly rank: number
  readonly window: TimeWindow
  readonly series: Promise<readonly PeerSeries[] | undefined>
}

/** Undefined where that is of another rank or another stretch. */
export function firstSeries(first: FirstPeers | undefined, rank: number, { from, to, last }: TimeWindow) {
  if (first === undefined) return undefined
  const { window } = first
  const isSame = first.rank === rank && window.from === from && window.to === to && window.last === last
  return isSame ? first.series : undefined
}
