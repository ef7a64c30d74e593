'use client'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { format } from '../../base/units'
import type { RunSummary } from '../../wire/api'
import { count, durationSeconds, progressOf, STATES, wholeSeconds } from '../data/health'
import { useNow } from '../data/now'
import { Badge } from '../ui/badge'
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
  return (
    <>
      {run.step === null ? '–' : count(run.step)}
      {run.totalSteps !== null && <span className="muted"> / {count(run.totalSteps)}</span>}
      <span className={styles.progress}>
        <Progress share={progressOf(run) ?? 0} />
      </span>
    </>
  )
}

function startedText(startedAt: number): string {
  return new Date(startedAt * 1000).toLocaleString(undefined, {
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  })
}

function devicesText(run: RunSummary): string {
  const ranks = run.worldSize === null ? '' : `${run.worldSize} rank${run.worldSize === 1 ? '' : 's'}`
  const gpus = run.gpus === 0 ? 'no GPU' : `${run.gpus} GPU${run.gpus === 1 ? '' : 's'}`
  return [ranks, gpus].filter(Boolean).join(', ')
}

/** One run of the list, a link in all its breadth. */
export function RunRow({ run, tail }: { run: RunSummary; tail: readonly (number | null)[] }) {
  const now = useNow()
  const { title, tone } = STATES[run.state]
  return (
    <li className={styles.row}>
      <div className={styles.name}>
        <Badge tone={tone}>{title}</Badge>
        <Link href={`/runs/${encodeURIComponent(run.run)}`}>{run.name}</Link>
        <p className={styles.meta}>
          {devicesText(run)} on {run.nodes.join(', ') || 'no node yet'}
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
        <Cell title="Duration" from={`started ${startedText(run.startedAt)}`}>
          {wholeSeconds(durationSeconds(run, now))}
          <span className={styles.started}>{startedText(run.startedAt)}</span>
        </Cell>
      </dl>
    </li>
  )
}
