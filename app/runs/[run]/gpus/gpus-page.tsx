'use client'
import type { RankInfo } from '../../../../wire/api'
import { usePickedRank } from '../../../data/address'
import { useGpus, useHosts, useMembers } from '../../../data/run-parts'
import { useNodes } from '../../../data/use-polled'
import { useRunPage } from '../run-context'
import styles from '../run.module.css'
import { Devices } from './devices'
import { HeatMap } from './heat-map'
import { RankPeers } from './rank-peers'
import { RanksTable } from './ranks-table'

const NONE: readonly RankInfo[] = []

/** Ranks and devices over time, each against its peers. */
export function GpusPage() {
  const page = useRunPage()
  const [picked, pick] = usePickedRank()
  const { value } = useMembers(page)
  const ranks = value ?? NONE
  const { value: gpus } = useGpus(page)
  const { value: hosts } = useHosts(page)
  const { value: nodes } = useNodes()
  const mine = nodes?.filter(({ node }) => page.view.detail.summary.nodes.includes(node)) ?? []
  return (
    <div className={styles.main}>
      <HeatMap ranks={ranks} picked={picked} onPick={pick} />
      {picked !== undefined && (
        <RankPeers
          key={picked}
          rank={picked}
          info={ranks.find(({ rank }) => rank === picked)}
          onClose={() => pick(undefined)}
        />
      )}
      {value !== undefined && <RanksTable ranks={ranks} picked={picked} onPick={pick} />}
      <Devices gpus={gpus} hosts={hosts} nodes={mine} />
    </div>
  )
}
