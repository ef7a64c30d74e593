import { format } from '../../../base/units'
import type { PredictedRun } from '../../data/prediction'
import { Card } from '../../ui/card'
import { Link } from '../../ui/link'
import { Provenance } from '../../ui/provenance'
import styles from './side.module.css'

function factsOf({ prediction }: PredictedRun): [string, string][] {
  const { parameters, flops, communication, step, peak } = prediction
  const facts: [string, string | undefined][] = [
    ['parameters', parameters === undefined ? undefined : format(parameters, 'tokens')],
    ['FLOPs per token', flops.perToken === undefined ? undefined : format(flops.perToken, 'flops')],
    ['compute of a step', step.computeSeconds === undefined ? undefined : format(step.computeSeconds, 'seconds')],
    ['bytes sent a step', communication.totalBytes ? format(communication.totalBytes, 'bytes') : undefined],
    ['peak of a device', peak?.title],
  ]
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined)
}

function Lines({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null
  return (
    <details className={styles.details}>
      <summary>
        {title} ({lines.length})
      </summary>
      <ul>
        {lines.map(line => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </details>
  )
}

/** What the prediction rests on, and what it lacks. */
export function PredictionCard({ run, predicted }: { run: string; predicted: PredictedRun | undefined }) {
  if (predicted === undefined) {
    return (
      <Card title="Prediction">
        <p className="muted">No configuration yet. It comes from the log of the framework or from the hook.</p>
      </Card>
    )
  }
  const { assumptions, missing } = predicted.prediction
  return (
    <Card
      title="Prediction"
      aside={
        <>
          <Provenance kind="predicted" />
          <Link href={`/runs/${encodeURIComponent(run)}/arithmetic`}>all formulas</Link>
        </>
      }
    >
      <dl className={styles.facts}>
        {factsOf(predicted).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Lines title="Taken for granted" lines={assumptions} />
      <Lines title="Not known" lines={missing.map(({ figure, needs }) => `${figure}: needs ${needs.join(', ')}`)} />
    </Card>
  )
}
