'use client'
import { door } from '../../data/door'
import { durationSeconds, healthSentence, progressOf, STATES, wholeSeconds } from '../../data/health'
import { useConnection } from '../../data/live'
import { useNow } from '../../data/now'
import type { RunView } from '../../data/run-view'
import { RANGES, type ViewState } from '../../data/view-state'
import { Age } from '../../ui/age'
import { Badge } from '../../ui/badge'
import { Choice } from '../../ui/choice'
import styles from './run.module.css'

function Sentence({ view }: { view: RunView }) {
  const now = useNow(1000)
  const { summary, findings } = view.detail
  const hubNow = now - view.clockAheadSeconds
  const worst = findings.filter(({ severity }) => severity !== 'info').length
  const found = `${worst} finding${worst === 1 ? '' : 's'} need${worst === 1 ? 's' : ''} a look`
  return (
    <p className={styles.sentence} data-testid="health">
      {now === 0 ? '' : healthSentence(summary, hubNow, view.steps.time.at(-1))}{' '}
      {worst > 0 && <a href="#findings">{found}</a>}
    </p>
  )
}

function Updated({ view }: { view: RunView }) {
  const { state } = useConnection()
  const { state: runState } = view.detail.summary
  const isOver = runState === 'ended' || runState === 'failed'
  return (
    <p className={styles.updated} data-testid="updated">
      {isOver && state !== 'lost' ? (
        'complete'
      ) : (
        <>
          updated <Age since={view.updatedAt} />
        </>
      )}
    </p>
  )
}

function Meta({ view }: { view: RunView }) {
  const now = useNow(1000) - view.clockAheadSeconds
  const { summary } = view.detail
  const started = new Date(summary.startedAt * 1000).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'medium',
  })
  const devices = summary.gpus === 0 ? 'no GPU' : `${summary.gpus} GPU${summary.gpus === 1 ? '' : 's'}`
  return (
    <div className={styles.meta}>
      <span>
        {summary.worldSize ?? '–'} ranks, {devices} on {summary.nodes.join(', ') || 'no node yet'}
      </span>
      {summary.framework !== null && <span>{summary.framework}</span>}
      <span>
        started {started}, {wholeSeconds(durationSeconds(summary, now))} long
      </span>
      {summary.command !== null && (
        <code className={styles.command} title={summary.command}>
          {summary.command}
        </code>
      )}
    </div>
  )
}

export function RunHeader({ view, state }: { view: RunView; state: ViewState }) {
  const { summary } = view.detail
  const { title, tone } = STATES[summary.state]
  const isUnsure = useConnection().state === 'lost' && (summary.state === 'live' || summary.state === 'silent')
  return (
    <div className={styles.header}>
      <div className={styles.title}>
        <h1>{summary.name}</h1>
        <Badge tone={isUnsure ? 'neutral' : tone}>{isUnsure ? `Was ${title.toLowerCase()}` : title}</Badge>
        {summary.synthetic !== null && <span className={styles.synthetic}>{summary.synthetic}</span>}
      </div>
      <Sentence view={view} />
      <Meta view={view} />
      <div className={styles.tools}>
        <Updated view={view} />
        <Choice label="Range" options={RANGES} value={state.range.name} onChange={range => state.set({ range })} />
        <a href={door.stepsCsv(summary.run)} download>
          Export steps.csv
        </a>
      </div>
      <div className={styles.progress} aria-hidden="true">
        <span style={{ width: `${(progressOf(summary) ?? 0) * 100}%` }} />
      </div>
    </div>
  )
}
