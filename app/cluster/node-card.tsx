'use client'
import { format } from '../../base/units'
import type { NodeInfo } from '../../wire/api'
import type { Tone } from '../data/health'
import { Age } from '../ui/age'
import { Badge } from '../ui/badge'
import { Card } from '../ui/card'
import { Clock } from '../ui/clock'
import { Table, type Column } from '../ui/table'
import styles from './cluster.module.css'

export type CollectorHealth = NodeInfo['collectors'][number]

export const COLLECTOR_TONE: Readonly<Record<CollectorHealth['state'], Tone>> = {
  ok: 'good',
  absent: 'neutral',
  failed: 'critical',
}

const COLUMNS: readonly Column<CollectorHealth>[] = [
  { name: 'name', title: 'Collector', width: '14%', cell: row => <code>{row.name}</code> },
  {
    name: 'state',
    title: 'State',
    width: '9%',
    cell: row => <Badge tone={COLLECTOR_TONE[row.state]}>{row.state}</Badge>,
  },
  {
    name: 'duration',
    title: 'Took',
    number: true,
    about: { provenance: 'measured', source: 'the last look of the collector, by the agent’s clock' },
    isMinor: true,
    width: '8%',
    cell: row => format(row.durationSeconds, 'seconds'),
  },
  {
    name: 'failures',
    title: 'Failures',
    number: true,
    about: { provenance: 'measured', source: 'looks that failed since the agent began' },
    isMinor: true,
    width: '8%',
    cell: row => format(row.failures, 'count'),
  },
  {
    name: 'read',
    title: 'Lines read',
    number: true,
    about: { provenance: 'measured', source: 'lines of its logs since the agent began' },
    isMinor: true,
    width: '9%',
    cell: row => format(row.linesRead, 'count'),
  },
  {
    name: 'unread',
    title: 'Not understood',
    number: true,
    about: { provenance: 'measured', source: 'of these, the lines that no format read' },
    isMinor: true,
    width: '11%',
    cell: row => format(row.linesUnread, 'count'),
  },
  { name: 'message', title: 'What it says', cell: row => <Message collector={row} /> },
]

function Message({ collector: { message, fix } }: { collector: CollectorHealth }) {
  if (message === null && fix === null) return <span className="muted">–</span>
  return (
    <div className={styles.message}>
      {message}
      {fix !== null && <p className="muted">Fix: {fix}</p>}
    </div>
  )
}

function Refusals({ node }: { node: NodeInfo }) {
  if (node.refusals.length === 0) return null
  return (
    <ul className={styles.refusals} aria-label={`Agents of ${node.node} that were turned away`}>
      {node.refusals.map(refusal => (
        <li key={`${refusal.time} ${refusal.error}`}>
          <Badge tone="critical">turned away</Badge>
          <span>
            <Clock time={refusal.time} /> {refusal.error}
            {refusal.fix !== null && <span className="muted"> Fix: {refusal.fix}</span>}
          </span>
        </li>
      ))}
    </ul>
  )
}

export function NodeCard({ node }: { node: NodeInfo }) {
  const aside = (
    <>
      <span>
        last seen <Age since={node.lastSeenAt} />
      </span>
      <span>{node.agents === 1 ? '1 agent' : `${node.agents} agents`}</span>
      {node.version !== null && <span>version {node.version}</span>}
      <Badge tone={node.connected ? 'good' : 'warning'}>{node.connected ? 'connected' : 'away'}</Badge>
    </>
  )
  return (
    <Card title={node.node} aside={aside}>
      <Refusals node={node} />
      {node.collectors.length === 0 ? (
        <p className="muted">No collector has reported.</p>
      ) : (
        <Table label={`Collectors of ${node.node}`} columns={COLUMNS} rows={node.collectors} rowKey={row => row.name} />
      )}
    </Card>
  )
}
