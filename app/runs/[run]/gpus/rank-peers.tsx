'use client'
import { useMemo } from 'react'
import type { PeerSeries, RankInfo } from '../../../../wire/api'
import { HEAT_METRICS, type HeatMetricName } from '../../../../wire/heat'
import { LineChart } from '../../../chart/line-chart'
import { rowTitle } from '../../../data/rank-order'
import { usePeers } from '../../../data/run-parts'
import { Card } from '../../../ui/card'
import { useRunPage } from '../run-context'
import styles from './rank-peers.module.css'

const SHOWN: readonly HeatMetricName[] = [
  'computeSeconds',
  'syncWaitSeconds',
  'communicationSeconds',
  'dataSeconds',
  'throttledSeconds',
  'runDelaySeconds',
  'cpuStealRatio',
  'cpuIoWaitRatio',
  'cpuUtilizationRatio',
  'smClockHertz',
  'powerWatts',
  'temperatureCelsius',
  'utilizationRatio',
  'memoryUsedBytes',
]

function PeerChart({ series, rank }: { series: PeerSeries; rank: number }) {
  const { title, unit } = HEAT_METRICS[series.metric]
  const { time, own, median, low, high } = series
  const input = useMemo(
    () => ({
      unit,
      axis: 'time' as const,
      fromZero: false,
      lines: [
        { name: 'peers, median', x: time, y: median },
        { name: `rank ${rank}`, x: time, y: own },
      ],
      band: { name: 'peers', x: time, low, high },
    }),
    [unit, time, own, median, low, high, rank],
  )
  return (
    <div>
      <h3>{title}</h3>
      <LineChart input={input} label={`${title} of rank ${rank} and its peers`} height={96} empty="Not measured." />
    </div>
  )
}

interface RankPeersProps {
  rank: number
  info: RankInfo | undefined
  /** Left out where it cannot be closed. */
  onClose?: () => void
}

/** One rank against those that do the same work. */
export function RankPeers({ rank, info, onClose }: RankPeersProps) {
  const series = usePeers(useRunPage(), rank, SHOWN)
  const known = series?.filter(({ own }) => own.some(value => value !== null)) ?? []
  return (
    <Card
      title={`Rank ${rank} against its peers`}
      id="rank"
      note={rowTitle(info, rank)}
      aside={
        onClose !== undefined && (
          <button type="button" className={styles.close} onClick={onClose}>
            Close
          </button>
        )
      }
    >
      {series === undefined && <p className="muted">Asking the hub for it and its peers …</p>}
      {series !== undefined && known.length === 0 && (
        <p className="muted">Nothing is known of this rank in the stretch of time that is shown.</p>
      )}
      <div className={styles.charts}>
        {known.map(one => (
          <PeerChart key={one.metric} series={one} rank={rank} />
        ))}
      </div>
    </Card>
  )
}
