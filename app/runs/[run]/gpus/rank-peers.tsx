'use client'
import { Suspense, use, useMemo } from 'react'
import type { PeerSeries, RankInfo } from '../../../../wire/api'
import { HEAT_METRICS } from '../../../../wire/heat'
import { LineChart } from '../../../chart/line-chart'
import { firstSeries, type FirstPeers } from '../../../data/peers'
import { rowTitle } from '../../../data/rank-order'
import { usePeers } from '../../../data/run-parts'
import { Card } from '../../../ui/card'
import { useRunPage } from '../run-context'
import styles from './rank-peers.module.css'

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

interface PeersProps {
  rank: number
  first?: FirstPeers | undefined
}

const ASKING = <p className="muted">Asking the hub for it and its peers …</p>

function Peers({ rank, first }: PeersProps) {
  const page = useRunPage()
  const sent = firstSeries(first, rank, page.view.window)
  const series = usePeers(page, rank, sent && use(sent))
  if (series === undefined) return ASKING
  const known = series.filter(({ own }) => own.some(value => value !== null))
  if (known.length === 0)
    return <p className="muted">Nothing is known of this rank in the stretch of time that is shown.</p>
  return (
    <div className={styles.charts}>
      {known.map(one => (
        <PeerChart key={one.metric} series={one} rank={rank} />
      ))}
    </div>
  )
}

interface RankPeersProps extends PeersProps {
  info: RankInfo | undefined
  /** Left out where it cannot be closed. */
  onClose?: () => void
}

/** One rank against those that do the same work. */
export function RankPeers({ rank, info, first, onClose }: RankPeersProps) {
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
      <Suspense fallback={ASKING}>
        <Peers rank={rank} first={first} />
      </Suspense>
    </Card>
  )
}
