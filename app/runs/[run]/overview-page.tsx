'use client'
import { useMemo } from 'react'
import type { NodeInfo } from '../../../wire/api'
import type { FlopsBudget } from '../../../wire/flops-budget'
import { predictRun } from '../../data/prediction'
import { useNodes } from '../../data/use-polled'
import { Budget } from './budget'
import { FigureCards } from './figure-cards'
import { PredictionCard } from './prediction-card'
import { useRunPage } from './run-context'
import styles from './run.module.css'
import { Side } from './side'
import { StepCharts } from './step-charts'

/** What the server knew when it made the page. */
interface OverviewPageProps {
  budget: FlopsBudget | undefined
  nodes: readonly NodeInfo[] | undefined
}

/** How the run is, beside how it should be. */
export function OverviewPage({ budget, nodes: firstNodes }: OverviewPageProps) {
  const { run, view } = useRunPage()
  const { config, summary } = view.detail
  const predicted = useMemo(() => predictRun(config), [config])
  const { value: nodes } = useNodes(undefined, firstNodes)
  const mine = nodes?.filter(({ node }) => summary.nodes.includes(node)) ?? []
  return (
    <>
      <FigureCards view={view} predicted={predicted} />
      <div className={styles.columns}>
        <div className={styles.main}>
          <StepCharts view={view} predicted={predicted} />
          <Budget first={budget} />
          <PredictionCard run={run} predicted={predicted} />
        </div>
        <Side view={view} nodes={mine} />
      </div>
    </>
  )
}
