'use client'
import Link from 'next/link'
import { useMemo } from 'react'
import type { DoorError } from '../../data/door'
import { predictRun } from '../../data/prediction'
import type { RunView } from '../../data/run-view'
import { useNodes } from '../../data/use-polled'
import { useRun } from '../../data/use-run'
import { useViewState, type ViewState } from '../../data/view-state'
import { Notice } from '../../ui/notice'
import { Devices } from './devices'
import { FigureCards } from './figure-cards'
import { HeatMap } from './heat-map'
import { Memory } from './memory'
import { PredictionCard } from './prediction-card'
import { RanksTable } from './ranks-table'
import { RunHeader } from './run-header'
import styles from './run.module.css'
import { Side } from './side'
import { StepCharts } from './step-charts'

function Failure({ run, error }: { run: string; error: DoorError }) {
  const unknown = error.status === 404
  return (
    <Notice title={unknown ? 'This run is not known' : 'This run cannot be shown'} broken>
      <p>
        <code>{run}</code>: {error.message}
      </p>
      {error.fix !== undefined && <p>{error.fix}</p>}
      <p className="muted">
        {unknown ? 'It is shown as soon as it reports. ' : 'Trying again by itself. '}
        <Link href="/">All runs</Link>
      </p>
    </Notice>
  )
}

function RunBody({ run, view, state }: { run: string; view: RunView; state: ViewState }) {
  const { config, ranks } = view.detail
  const predicted = useMemo(() => predictRun(config), [config])
  const { nodes } = useNodes()
  const mine = nodes?.filter(({ node }) => view.detail.summary.nodes.includes(node)) ?? []
  return (
    <>
      <RunHeader view={view} state={state} />
      <FigureCards view={view} predicted={predicted} />
      <div className={styles.columns}>
        <div className={styles.main}>
          <StepCharts view={view} predicted={predicted} />
          <HeatMap run={run} view={view} state={state} />
        </div>
        <Side view={view} nodes={mine} />
      </div>
      <div className={styles.main}>
        <Memory view={view} predicted={predicted} />
        <Devices view={view} nodes={mine} />
        <div className={styles.columns}>
          <RanksTable ranks={ranks} />
          <PredictionCard run={run} predicted={predicted} />
        </div>
      </div>
    </>
  )
}

/** One run: how it is, beside how it should be. */
export function RunPage({ run }: { run: string }) {
  const state = useViewState()
  const { view, error } = useRun(run, state.range.seconds)
  if (view !== undefined) return <RunBody run={run} view={view} state={state} />
  if (error !== undefined) return <Failure run={run} error={error} />
  return <p className="muted">Asking the hub for {run} …</p>
}
