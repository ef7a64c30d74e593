'use client'
import { format } from '../../../base/units'
import type { Finding } from '../../../wire/findings'
import type { NodeInfo, RunEvent } from '../../../wire/api'
import type { Tone } from '../../data/health'
import type { RunView } from '../../data/run-view'
import { COLLECTOR_TONE } from '../../cluster/node-card'
import { Badge } from '../../ui/badge'
import { Card } from '../../ui/card'
import { Clock } from '../../ui/clock'
import { Link } from '../../ui/link'
import { Provenance } from '../../ui/provenance'
import { Words } from '../../ui/words'
import run from './run.module.css'
import styles from './side.module.css'

const SEVERITY: Readonly<Record<Finding['severity'], Tone>> = {
  info: 'neutral',
  warning: 'warning',
  critical: 'critical',
}

function FindingItem({ finding }: { finding: Finding }) {
  return (
    <li className={styles.finding} data-severity={finding.severity}>
      <p className={styles.line}>
        <Badge tone={SEVERITY[finding.severity]}>{finding.severity}</Badge>
        <Provenance kind={finding.provenance} />
      </p>
      <h3>{finding.title}</h3>
      <p>{finding.evidence}</p>
      <p className="muted">
        Since <Clock time={finding.since} />
        {finding.costSecondsPerStep !== undefined && `, costs ${format(finding.costSecondsPerStep, 'seconds')} a step`}
      </p>
      <p>
        Next: <Words text={finding.nextStep} />
      </p>
      {finding.detector === 'out-of-memory' && (
        <p>
          <Link href={`/runs/${encodeURIComponent(finding.run)}/out-of-memory`}>
            Post-mortem: why, and what would have fitted
          </Link>
        </p>
      )}
    </li>
  )
}

export function Findings({ findings }: { findings: readonly Finding[] }) {
  return (
    <Card title="Findings" id="findings" aside={findings.length === 0 ? undefined : findings.length}>
      {findings.length === 0 ? (
        <p className="muted">Nothing stands out.</p>
      ) : (
        <ul className={`${styles.list} ${styles.scroll}`} tabIndex={0} aria-label="Findings">
          {findings.map(finding => (
            <FindingItem key={`${finding.detector} ${finding.title}`} finding={finding} />
          ))}
        </ul>
      )}
    </Card>
  )
}

function whereText(event: RunEvent): string {
  return [event.rank === null ? undefined : `rank ${event.rank}`, event.node ?? undefined].filter(Boolean).join(', ')
}

export function Events({ events }: { events: readonly RunEvent[] }) {
  return (
    <Card title="Events" aside={events.length === 0 ? undefined : events.length}>
      {events.length === 0 ? (
        <p className="muted">None so far.</p>
      ) : (
        <ol className={`${styles.list} ${styles.scroll}`} tabIndex={0} aria-label="Events, newest first">
          {events.map(event => (
            <li key={`${event.time} ${event.type} ${event.rank} ${event.message}`}>
              <p className={styles.line}>
                <span className="muted">
                  <Clock time={event.time} />
                </span>
                <strong>{event.type}</strong>
                <span className="muted">{whereText(event)}</span>
              </p>
              <p className={styles.message}>{event.message}</p>
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}

interface CollectorOnNodes {
  readonly name: string
  readonly nodes: number
  /** Where it is not well, the worst first. */
  readonly unwell: readonly (NodeInfo['collectors'][number] & { node: string })[]
}

/** One line a collector, however many nodes there are. */
function byCollector(nodes: readonly NodeInfo[]): CollectorOnNodes[] {
  const all = nodes.flatMap(({ node, collectors }) => collectors.map(collector => ({ node, ...collector })))
  return [...new Set(all.map(({ name }) => name))].map(name => {
    const same = all.filter(collector => collector.name === name)
    const unwell = same.filter(({ state }) => state !== 'ok')
    const worst = unwell.toSorted((one, other) => Number(other.state === 'failed') - Number(one.state === 'failed'))
    return { name, nodes: same.length, unwell: worst }
  })
}

function Collectors({ nodes }: { nodes: readonly NodeInfo[] }) {
  const rows = byCollector(nodes)
  return (
    <Card title="Collectors" aside={<Link href="/cluster">all nodes</Link>}>
      {rows.length === 0 ? (
        <p className="muted">No agent reports on its collectors.</p>
      ) : (
        <ul className={styles.list}>
          {rows.map(({ name, nodes: count, unwell: [worst, ...others] }) => (
            <li key={name}>
              <p className={styles.line}>
                <Badge tone={COLLECTOR_TONE[worst?.state ?? 'ok']}>{worst?.state ?? 'ok'}</Badge>
                <code>{name}</code>
                {worst !== undefined && count > 1 && (
                  <span className="muted">
                    {worst.node}
                    {others.length > 0 && ` and ${others.length} more of ${count} nodes`}
                  </span>
                )}
              </p>
              {worst !== undefined && worst.message !== null && <p className={styles.message}>{worst.message}</p>}
              {worst?.state === 'failed' && worst.fix !== null && <p className="muted">Fix: {worst.fix}</p>}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

interface SideProps {
  view: RunView
  nodes: readonly NodeInfo[]
}

/** Beside the charts: it grows and shrinks without moving them. */
export function Side({ view, nodes }: SideProps) {
  return (
    <aside className={run.sideFrame} aria-label="Findings, events and sources">
      <div className={run.side}>
        <Findings findings={view.detail.findings} />
        <Events events={view.events} />
        <Collectors nodes={nodes} />
      </div>
    </aside>
  )
}
