'use client'
import { useMemo } from 'react'
import { format } from '../../../../base/units'
import type { Calibrated } from '../../../../math/calibrate'
import { answersOf, type Answer } from '../../../../math/conventions/job'
import { explain } from '../../../../math/explain'
import type { PredictInput } from '../../../../math/input'
import { predictRun, type PredictedRun } from '../../../data/prediction'
import { Card } from '../../../ui/card'
import { useCalibrated } from '../use-calibrated'
import { useRunPage } from '../run-context'
import { CalibrationCard, Figures, Stages, type Row } from './figures'
import { Disagreement } from './disagreement'
import page from '../../../ui/document.module.css'
import styles from './arithmetic.module.css'

function Lines({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null
  return (
    <Card title={title} aside={lines.length}>
      <ul className={page.lines}>
        {lines.map(line => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </Card>
  )
}

interface ArithmeticProps {
  predicted: PredictedRun
  answers: readonly Answer[]
  calibrated: readonly Row[]
}

function Arithmetic({ predicted, answers, calibrated }: ArithmeticProps) {
  const { prediction } = predicted
  const { assumptions, missing, peak } = prediction
  return (
    <div className={`${page.sections} ${styles.arithmetic}`}>
      <Figures explain={prediction.explain} />
      <Stages stages={prediction.memory.stages} />
      <CalibrationCard rows={calibrated} />
      <Disagreement prediction={prediction} answers={answers} />
      <div className={page.pair}>
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

function rowsOf(found: Calibrated): Row[] {
  const { achievableRatio, overlapRatio, activationFactor, fragmentationRatio, contextBytes } = found
  return [
    { path: 'achievable share of the peak', derived: achievableRatio, unit: 'ratio' as const },
    { path: 'communication hidden', derived: overlapRatio, unit: 'ratio' as const },
    { path: 'activations held, over predicted', derived: activationFactor, unit: 'none' as const },
    { path: 'fragmentation, of what tensors hold', derived: fragmentationRatio, unit: 'ratio' as const },
    { path: 'context and libraries', derived: contextBytes, unit: 'bytes' as const },
  ].flatMap(({ path, derived, unit }) => (derived === undefined ? [] : [{ path, explanation: explain(derived, unit) }]))
}

const NO_CONFIG: PredictInput = {}

/** Every predicted number of a run: its formula, the numbers in it, its source, and who counts otherwise. */
export function ArithmeticPage() {
  const { view } = useRunPage()
  const config = (view.detail.config ?? NO_CONFIG) as PredictInput
  const predicted = useMemo(() => predictRun(config), [config])
  const answers = useMemo(() => answersOf(config), [config])
  const { found } = useCalibrated(config)
  const rows = useMemo(() => rowsOf(found), [found])
  return (
    <>
      {predicted === undefined && (
        <p className="muted">No configuration yet. It comes from the log of the framework or from the hook.</p>
      )}
      {predicted !== undefined && <Arithmetic predicted={predicted} answers={answers} calibrated={rows} />}
    </>
  )
}
