'use client'
import { useMemo } from 'react'
import type { RankInfo } from '../../../../wire/api'
import { usePickedRank } from '../../../data/address'
import { blamedBy, ranksOf, worstOf } from '../../../data/blame'
import { useMembers } from '../../../data/run-parts'
import { useFabric, useFindings, useWays } from '../../../data/use-sync'
import { Budget } from '../budget'
import { HeatMap } from '../gpus/heat-map'
import { RankPeers } from '../gpus/rank-peers'
import { useRunPage } from '../run-context'
import styles from '../run.module.css'
import { FindingsTable } from './findings-table'
import type { FirstOfSync } from './first-of-sync'
import { Probe } from './probe'
import { Topology } from './topology'
import { Traffic } from './traffic'
import { Verdict } from './verdict'
import { WaysCards } from './ways'

const NONE: readonly RankInfo[] = []

interface SyncPageProps {
  /** The one that was asked for. */
  finding?: string
  /** What the server knew when it made the page. */
  first: FirstOfSync
}

/** Who holds the run back, since when, how much, why, and what to do next. */
export function SyncPage({ finding: asked, first }: SyncPageProps) {
  const page = useRunPage()
  const { value: findings } = useFindings(page, first.findings)
  const { value: picture } = useFabric(page, first.fabric)
  const { value: ways } = useWays(page)
  const { value: ranks = NONE } = useMembers(page, first.members)
  const { findings: current } = page.view.detail
  const shown = asked === undefined ? worstOf(current) : findings?.find(({ id }) => id === asked)
  const isAsked = asked !== undefined
  const blaming = useMemo(() => (isAsked && shown !== undefined ? [shown] : current), [isAsked, shown, current])
  const blamed = useMemo(() => blamedBy(blaming), [blaming])
  const suspects = useMemo(() => ranksOf(shown, picture), [shown, picture])
  const [picked, pick] = usePickedRank()
  // The blamed rank is shown without being asked for.
  const rank = picked ?? suspects[0]
  return (
    <div className={styles.main}>
      <Verdict finding={shown} asked={asked} isKnown={findings !== undefined} />
      <Probe finding={shown} />
      <Topology picture={picture} blamed={blamed} suspects={suspects} />
      <HeatMap ranks={ranks} picked={rank} onPick={pick} usualOrder="deviation" />
      {rank !== undefined && (
        <RankPeers
          key={rank}
          rank={rank}
          info={ranks.find(one => one.rank === rank)}
          {...(picked !== undefined && { onClose: () => pick(undefined) })}
        />
      )}
      <Budget />
      <Traffic picture={picture} />
      <WaysCards ways={ways} />
      <FindingsTable findings={findings} />
    </div>
  )
}
