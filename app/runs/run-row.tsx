'use client'
import type { ReactNode } from 'react'
import { format } from '../../base/units'
import type { RunSummary } from '../../wire/api'
import { count, durationSeconds, placeText, progressOf, STATES, wholeSeconds } from '../data/health'
import { useNow } from '../data/now'
import { dateText, shortText, timeText } from '../data/time-text'
import { Badge } from '../ui/badge'
import { useZone } from '../ui/clock'
import { Link } from '../ui/link'
import { Progress } from '../ui/progress'
import { Spark } from '../ui/spark'
import styles from './runs.module.css'

function Cell({ title, children, from }: { title: string; children: ReactNode; from?: string }) {
  return (
    <div className={styles.cell} title={from}>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Steps({ run }: { run: RunSummary }) {
  const progress = progressOf(run)
  return (
    <>
      {run.step === null ? '–' : count(run.step)}
      {run.totalSteps !== null && <span className="muted"> / {count(run.totalSteps)}</span>}
      {progress !== undefined && (
        <span className={styles.progress}>
          <Progress share={progress} />
        </span>
      )}
    </>
  )
}

/** One run of the list, a link in all its breadth. */
export function RunRow({ run, tail }: { run: RunSummary; tail: readonly (number | null)[] }) {
  const now = useNow()
  const zone = useZone()
  const { title, tone } = STATES[run.state]
  return (
    <li className={styles.row}>
      <div className={styles.name}>
        <Badge tone={tone}>{title}</Badge>
        <Link href={`/runs/${encodeURIComponent(run.run)}`}>{run.name}</Link>
        <p className={styles.meta}>
          <span title={run.nodes.join(', ')}>{placeText(run)}</span>
          {run.synthetic !== null && (
            <span className={styles.synthetic} title={run.synthetic}>
              {run.synthetic}
            </span>
          )}
        </p>
      </div>
      <dl className={styles.cells}>
        <Cell title="Step">
          <Steps run={run} />
        </Cell>
        <Cell title="Step time" from={run.stepSeconds.source}>
          {format(run.stepSeconds.value, 'seconds')}
          <Spark values={tail} low={0} label={`Step time of the last ${tail.length} points`} height={16} />
        </Cell>
        <Cell title="Tokens/s" from={run.tokensPerSecond.source}>
          {format(run.tokensPerSecond.value, 'tokens')}
        </Cell>
        <Cell title="MFU" from={run.mfu.source}>
          {format(run.mfu.value, 'ratio')}
        </Cell>
        <Cell title="Loss" from={run.loss.source}>
          {format(run.loss.value, 'none')}
        </Cell>
        <Cell title="Duration" from={`started ${dateText(run.startedAt, zone)}, ${timeText(run.startedAt, zone)}`}>
          {wholeSeconds(durationSeconds(run, now))}
          <span className={styles.started}>{shortText(run.startedAt, zone)}</span>
        </Cell>
      </dl>
    </li>
  )
}
