'use client'
import type { RunSummary } from '../../wire/api'
import { useRuns } from '../data/use-runs'
import { useStepTails } from '../data/use-step-tails'
import { Notice } from '../ui/notice'
import { Attach } from './attach'
import { Import } from './import'
import { RunRow } from './run-row'
import styles from './runs.module.css'

const isRunning = (state: string) => state === 'live' || state === 'silent'

/** All runs: those that go on first. */
export function RunsPage({ first }: { first: readonly RunSummary[] | undefined }) {
  const { runs, error } = useRuns(first)
  const tails = useStepTails(runs ?? [])
  if (runs === undefined && error !== undefined) {
    return (
      <Notice title="The list of runs cannot be had" broken>
        <p>{error.message}</p>
        {error.fix !== undefined && <p>{error.fix}</p>}
        <p className="muted">Trying again by itself.</p>
      </Notice>
    )
  }
  if (runs === undefined) return <p className="muted">Asking the hub for its runs …</p>
  if (runs.length === 0) return <Attach />
  const running = runs.filter(run => isRunning(run.state)).length
  return (
    <>
      <div className={styles.head}>
        <h1>Runs</h1>
        <p className="muted">
          {running} running, {runs.length - running} past
        </p>
        <Import />
      </div>
      <ul className={styles.list}>
        {runs.map(run => (
          <RunRow key={run.run} run={run} tail={tails.get(run.run) ?? []} />
        ))}
      </ul>
    </>
  )
}
