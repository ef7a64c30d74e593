'use client'
import Link from 'next/link'
import { useMemo } from 'react'
import { format } from '../../../../base/units'
import { answersOf, type Answer } from '../../../../math/conventions/job'
import type { PredictInput } from '../../../../math/input'
import { predictRun, type PredictedRun } from '../../../data/prediction'
import { useRun } from '../../../data/use-run'
import { Card } from '../../../ui/card'
import { Provenance } from '../../../ui/provenance'
import { Figures } from './figures'
import { Disagreement } from './disagreement'
import styles from './arithmetic.module.css'

function Lines({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null
  return (
    <Card title={title} aside={lines.length}>
      <ul className={styles.lines}>
        {lines.map(line => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </Card>
  )
}

function Arithmetic({ predicted, answers }: { predicted: PredictedRun; answers: readonly Answer[] }) {
  const { prediction } = predicted
  const { assumptions, missing, peak } = prediction
  return (
    <div className={styles.sections}>
      <Figures explain={prediction.explain} />
      <Disagreement prediction={prediction} answers={answers} />
      <div className={styles.pair}>
        <Lines title="Taken for granted" lines={assumptions} />
        <Lines title="Not known" lines={missing.map(({ figure, needs }) => `${figure}: needs ${needs.join(', ')}`)} />
      </div>
      {peak !== undefined && (
        <p className="muted">
          MFU and HFU are over {peak.title} ({format(peak.flopsPerSecond, 'flopsPerSecond')} a device).
        </p>
      )}
    </div>
  )
}

/** Every predicted number of a run: its formula, the numbers in it, its source, and who counts otherwise. */
export function ArithmeticPage({ run }: { run: string }) {
  const { view, error } = useRun(run, Infinity)
  const config = view?.detail.config
  const predicted = useMemo(() => predictRun(config), [config])
  const answers = useMemo(() => answersOf((config ?? {}) as PredictInput), [config])
  const back = `/runs/${encodeURIComponent(run)}`
  return (
    <>
      <header className={styles.head}>
        <h1>Arithmetic</h1>
        <p className="muted">
          of <Link href={back}>{view?.detail.summary.name ?? run}</Link>
        </p>
        <Provenance kind="predicted" />
      </header>
      {view === undefined && (
        <p className="muted">{error === undefined ? `Asking the hub for ${run} …` : `${run}: ${error.message}`}</p>
      )}
      {view !== undefined && predicted === undefined && (
        <p className="muted">No configuration yet. It comes from the log of the framework or from the hook.</p>
      )}
      {predicted !== undefined && <Arithmetic predicted={predicted} answers={answers} />}
    </>
  )
}
