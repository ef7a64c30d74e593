'use client'
import { useGpus, useHosts, useMembers } from '../../../data/run-parts'
import { useNodes } from '../../../data/use-polled'
import { useRunPage } from '../run-context'
import styles from '../run.module.css'
import { Devices } from './devices'
import { HeatMap } from './heat-map'
import { RanksTable } from './ranks-table'

/** Ranks and devices over time, each against its peers. */
export function GpusPage() {
  const page = useRunPage()
  const { value: ranks = [] } = useMembers(page)
  const { value: gpus } = useGpus(page)
  const { value: hosts } = useHosts(page)
  const { value: nodes } = useNodes()
  const mine = nodes?.filter(({ node }) => page.view.detail.summary.nodes.includes(node)) ?? []
  return (
    <div className={styles.main}>
      <HeatMap ranks={ranks} />
      <RanksTable ranks={ranks} />
      <Devices gpus={gpus} hosts={hosts} nodes={mine} />
    </div>
  )
}
