'use client'
import { useMemo } from 'react'
import { predictRun } from '../../../data/prediction'
import { useMembers } from '../../../data/run-parts'
import { fileName, saveFile } from '../../../ui/save'
import page from '../../../ui/document.module.css'
import { Budget } from '../budget'
import { Events } from '../events/events-page'
import { LogCard } from '../events/log-card'
import { FigureCards } from '../figure-cards'
import { HeatMap } from '../gpus/heat-map'
import { RanksTable } from '../gpus/ranks-table'
import { MemoryPage } from '../memory/memory-page'
import { PredictionCard } from '../prediction-card'
import { useRunPage } from '../run-context'
import { Findings } from '../side'
import { StepCharts } from '../step-charts'
import { pageFile } from './page-file'
import styles from './report.module.css'

const nobody = () => undefined

/** What the pages of the run say of the stretch that is looked at, under each other. */
export function ReportPage() {
  const part = useRunPage()
  const { run, view } = part
  const { config, summary, findings } = view.detail
  const predicted = useMemo(() => predictRun(config), [config])
  const { value: ranks = [] } = useMembers(part)
  const save = () => saveFile(fileName(`${summary.name} ${run}`, 'html'), pageFile(document))
  return (
    <div className={page.sections}>
      <div className={styles.bar} data-screen="">
        <p className="muted">
          All that is on this page as one file that needs nothing else, with the explanation of each number, or on
          paper.
        </p>
        <button type="button" onClick={save}>
          Save as one HTML file
        </button>
        <button type="button" onClick={() => print()}>
          Print
        </button>
      </div>
      <FigureCards view={view} predicted={predicted} />
      <Findings findings={findings} />
      <StepCharts view={view} predicted={predicted} />
      <Budget />
      <PredictionCard run={run} predicted={predicted} />
      <HeatMap ranks={ranks} picked={undefined} onPick={nobody} />
      <RanksTable ranks={ranks} picked={undefined} onPick={nobody} />
      <MemoryPage />
      <Events />
      <LogCard />
    </div>
  )
}
