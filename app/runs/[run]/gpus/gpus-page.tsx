'use client'
import { useMemo } from 'react'
import type { NodeInfo, RankInfo } from '../../../../wire/api'
import { usePickedRank } from '../../../data/address'
import type { FirstPeers } from '../../../data/peers'
import { useGpus, useHosts, useMembers } from '../../../data/run-parts'
import { useNodes } from '../../../data/use-polled'
import { useRunPage } from '../run-context'
import styles from '../run.module.css'
import { Devices } from './devices'
import { HeatMap } from './heat-map'
import { RankPeers } from './rank-peers'
import { RanksTable } from './ranks-table'

const NONE: readonly RankInfo[] = []

function ofNodes(nodes: readonly NodeInfo[], names: readonly string[]): NodeInfo[] {
  const known = new Set(names)
  return nodes.filter(({ node }) => known.has(node))
}

/** What the server knew when it made the page. */
interface GpusPageProps {
  members: readonly RankInfo[] | undefined
  peers: FirstPeers | undefined
}

/** Ranks and devices over time, each against its peers. */
export function GpusPage({ members, peers }: GpusPageProps) {
  const page = useRunPage()
  const [picked, pick] = usePickedRank()
  const { value } = useMembers(page, members)
  const ranks = value ?? NONE
  const { value: gpus } = useGpus(page)
  const { value: hosts } = useHosts(page)
  const { value: nodes } = useNodes()
  // Each update brings a new list of the same names: what is below is drawn anew when one of them changes.
  const joined = page.view.detail.summary.nodes.join('\n')
  const names = useMemo(() => (joined === '' ? [] : joined.split('\n')), [joined])
  const mine = useMemo(() => ofNodes(nodes ?? [], names), [nodes, names])
  return (
    <div className={styles.main}>
      <HeatMap ranks={ranks} picked={picked} onPick={pick} />
      {picked !== undefined && (
        <RankPeers
          key={picked}
          rank={picked}
          first={peers}
          info={ranks.find(({ rank }) => rank === picked)}
          onClose={() => pick(undefined)}
        />
      )}
      {value !== undefined && <RanksTable ranks={ranks} picked={picked} onPick={pick} />}
      <Devices gpus={gpus} hosts={hosts} nodes={mine} names={names} />
    </div>
  )
}
