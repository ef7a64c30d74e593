'use client'
import { door } from '../../data/door'
import { durationSeconds, healthSentence, placeText, progressOf, STATES, wholeSeconds } from '../../data/health'
import { useConnection } from '../../data/live'
import { useNow } from '../../data/now'
import type { RunView } from '../../data/run-view'
import { Age } from '../../ui/age'
import { Badge } from '../../ui/badge'
import { Clock } from '../../ui/clock'
import { Progress } from '../../ui/progress'
import { useRunPage } from './run-context'
import styles from './run-header.module.css'
import { tabAddress } from './tabs'

function Sentence({ run, view }: { run: string; view: RunView }) {
  const now = useNow()
  const { summary, findings } = view.detail
  const hubNow = now - view.clockAheadSeconds
  const worst = findings.filter(({ severity }) => severity !== 'info').length
  const found = `${worst} finding${worst === 1 ? '' : 's'} need${worst === 1 ? 's' : ''} a look`
  return (
    <p className={styles.sentence} data-testid="health">
      {healthSentence(summary, hubNow, view.overall.time.at(-1))}{' '}
      {worst > 0 && <a href={`${tabAddress(run, { folder: '' })}#findings`}>{found}</a>}
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
  const now = useNow() - view.clockAheadSeconds
  const { summary } = view.detail
  return (
    <div className={styles.meta}>
      <span title={summary.nodes.join(', ')}>{placeText(summary)}</span>
      {summary.framework !== null && <span>{summary.framework}</span>}
      <span>
        started <Clock time={summary.startedAt} withDate />, {wholeSeconds(durationSeconds(summary, now))} long
      </span>
      {summary.command !== null && (
        <code className={styles.command} title={summary.command}>
          {summary.command}
        </code>
      )}
    </div>
  )
}

/** Which run, how it is in a sentence, and how far. */
export function RunHeader() {
  const { run, view } = useRunPage()
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
      <div className={styles.tools} data-screen="">
        <Updated view={view} />
        <a href={door.stepsFile(summary.run, 'csv')} download>
          steps.csv
        </a>
        <a href={door.stepsFile(summary.run, 'parquet')} download>
          .parquet
        </a>
      </div>
      <Sentence run={run} view={view} />
      <Meta view={view} />
      <Progress share={progressOf(summary) ?? 0} />
    </div>
  )
}
