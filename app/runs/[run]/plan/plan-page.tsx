'use client'
import { useSearchParams } from 'next/navigation'
import { useMemo } from 'react'
import { format } from '../../../../base/units'
import { planProblems } from '../../../../math/check-plan'
import type { PredictInput } from '../../../../math/input'
import type { Prediction } from '../../../../math/predict'
import { useChangeAddress } from '../../../data/address'
import { needsText, TELL_IT } from '../../../data/needs'
import { Badge } from '../../../ui/badge'
import { Card } from '../../../ui/card'
import page from '../../../ui/document.module.css'
import { useRunPage } from '../run-context'
import { useCalibrated } from '../use-calibrated'
import { Compared } from './compared'
import styles from './plan.module.css'
import { KeptPlans } from './kept'
import { Plans } from './plans'
import {
  changed,
  changesOf,
  PLAN_FIELDS,
  readChanges,
  tryPredict,
  writeChanges,
  type Changes,
  type PlanField,
} from './what-if'

interface FieldProps {
  field: PlanField
  asIs: string | undefined
  value: string | undefined
  onChange: (value: string | undefined) => void
}

function Field({ field: { name, title, help, options }, asIs, value, onChange }: FieldProps) {
  const shown = value ?? asIs ?? ''
  const change = (next: string) => onChange(next === '' || next === asIs ? undefined : next)
  return (
    <label className={styles.field} data-changed={value !== undefined} title={help}>
      <span>{title}</span>
      {options === undefined ? (
        <input
          type="number"
          min={name === 'zeroStage' ? 0 : 1}
          max={name === 'zeroStage' ? 3 : undefined}
          inputMode="numeric"
          value={shown}
          onChange={event => change(event.target.value)}
        />
      ) : (
        <select value={shown} onChange={event => change(event.target.value)}>
          {!options.includes(shown) && <option value={shown}>{shown || 'not known'}</option>}
          {options.map(option => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </select>
      )}
    </label>
  )
}

function Verdict({ config, prediction }: { config: PredictInput; prediction: Prediction | undefined }) {
  const [problem] = planProblems(config)
  if (problem !== undefined)
    return (
      <p className={styles.verdict} role="status">
        <Badge tone="critical">cannot run</Badge> {problem.message}: {problem.fix}
      </p>
    )
  const { totalBytes, capacityBytes } = prediction?.memory ?? {}
  if (totalBytes === undefined || capacityBytes === undefined)
    return (
      <p className={styles.verdict} role="status">
        <Badge tone="neutral">cannot be said</Badge> whether it fits: {whyUnsaid(prediction)}
      </p>
    )
  const left = capacityBytes - totalBytes
  return (
    <p className={styles.verdict} role="status">
      <Badge tone={left >= 0 ? 'good' : 'critical'}>{left >= 0 ? 'fits' : 'does not fit'}</Badge>{' '}
      {format(Math.abs(left), 'bytes')} {left >= 0 ? 'left' : 'too much'} of {format(capacityBytes, 'bytes')}
    </p>
  )
}

function whyUnsaid(prediction: Prediction | undefined): string {
  const needs = needsText(prediction?.missing ?? [])
  return needs === '' ? 'the capacity of the device is not known' : `needs ${needs}. ${TELL_IT}`
}

function useChanges(): [Changes, (changes: Changes) => void] {
  const text = useSearchParams().get('if')
  const change = useChangeAddress()
  return [useMemo(() => readChanges(text), [text]), next => change({ if: writeChanges(next) })]
}

/** What the run would be with another plan, by the arithmetic that the run itself has calibrated. */
export function PlanPage() {
  const { view } = useRunPage()
  const { summary, config } = view.detail
  const { asCalibrated } = useCalibrated((config ?? {}) as PredictInput)
  const [changes, setChanges] = useChanges()
  const wanted = useMemo(() => changed(asCalibrated, changes), [asCalibrated, changes])
  const asIs = useMemo(() => tryPredict(asCalibrated), [asCalibrated])
  const whatIf = useMemo(() => tryPredict(wanted), [wanted])
  const count = Object.keys(changes).length
  if (config === null)
    return <p className="muted">No configuration yet. It comes from the log of the framework or from the hook.</p>
  const set = (name: string, value: string | undefined) => {
    const others = Object.entries(changes).filter(([other]) => other !== name)
    setChanges(Object.fromEntries(value === undefined ? others : [...others, [name, value]]))
  }
  return (
    <div className={page.sections}>
      <Card
        title="What if"
        note="Anchored to this run: what it reached of the peak, hid of its communication and held of memory holds for the other plan too."
        aside={
          count > 0 && (
            <button type="button" className={styles.reset} onClick={() => setChanges({})}>
              As it runs
            </button>
          )
        }
      >
        <div className={styles.fields}>
          {PLAN_FIELDS.map(field => (
            <Field
              key={field.name}
              field={field}
              asIs={field.read(asCalibrated)}
              value={changes[field.name]}
              onChange={value => set(field.name, value)}
            />
          ))}
        </div>
        <Verdict config={wanted} prediction={whatIf} />
        <Compared
          measured={{ 'step.seconds': summary.stepSeconds.value, mfu: summary.mfu.value }}
          asIs={asIs}
          whatIf={whatIf}
        />
      </Card>
      <KeptPlans run={summary.run} config={asCalibrated} changes={changes} onPick={setChanges} />
      <Plans config={asCalibrated} onPick={found => setChanges(changesOf(asCalibrated, found))} />
    </div>
  )
}
