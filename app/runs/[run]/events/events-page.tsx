'use client'
import { useMemo } from 'react'
import type { RunEvent } from '../../../../wire/api'
import { LineChart } from '../../../chart/line-chart'
import { AxisContext, useAxis } from '../../../chart/shared-axis'
import { Card } from '../../../ui/card'
import { Clock } from '../../../ui/clock'
import { Table, type Column } from '../../../ui/table'
import page from '../../../ui/document.module.css'
import { useRunPage } from '../run-context'
import styles from './events.module.css'
import { LogCard } from './log-card'

const COLUMNS: readonly Column<RunEvent>[] = [
  {
    name: 'time',
    title: 'Time',
    width: '12%',
    value: row => row.time,
    cell: row => <Clock time={row.time} withDate />,
  },
  { name: 'type', title: 'Event', width: '12%', value: row => row.type, cell: row => <strong>{row.type}</strong> },
  { name: 'rank', title: 'Rank', number: true, width: '6%', value: row => row.rank, cell: row => row.rank ?? '–' },
  { name: 'node', title: 'Node', width: '10%', value: row => row.node, cell: row => row.node ?? '–' },
  {
    name: 'message',
    title: 'What was said',
    value: row => row.message,
    cell: row => <pre className={styles.message}>{row.message}</pre>,
  },
]

const keyOf = (row: RunEvent) => `${row.time} ${row.type} ${row.node} ${row.rank} ${row.message}`

/** The step time of the stretch, with where something happened marked: what a line or an event is read against. */
export function Timeline() {
  const { view } = useRunPage()
  const axis = useAxis()
  const marked = useMemo(
    () =>
      axis && { ...axis, marks: view.events.map(({ time, type, message }) => ({ time, text: `${type}: ${message}` })) },
    [axis, view.events],
  )
  const { time, stepSeconds, stepSecondsMin, stepSecondsMax } = view.steps
  const input = useMemo(
    () => ({
      lines: [{ name: 'mean', x: time, y: stepSeconds }],
      band: { name: 'of ranks', x: time, low: stepSecondsMin, high: stepSecondsMax },
      unit: 'seconds' as const,
      axis: 'time' as const,
      cutOutliers: true,
    }),
    [time, stepSeconds, stepSecondsMin, stepSecondsMax],
  )
  return (
    <Card title="Step time">
      <AxisContext value={marked}>
        <LineChart input={input} label="Step time over time" height={96} empty="No step has been told of." />
      </AxisContext>
    </Card>
  )
}

/** What logs and kernels told of, in the stretch of time that is looked at; a press on one shows the minute around it. */
export function Events() {
  const { view, span, setWindow } = useRunPage()
  const axis = useAxis()
  const inside = view.events.filter(({ time }) => time >= span.from - 1 && time <= span.to + 1)
  const outside = view.events.length - inside.length
  return (
    <Card
      title="Events"
      aside={outside > 0 ? `${outside} more before and after the stretch that is shown` : 'newest first'}
    >
      {inside.length === 0 ? (
        <p className="muted">
          {view.events.length === 0
            ? 'None so far. Crashes, Xids, lost links, out of memory, checkpoints and restarts are told here.'
            : 'None in the stretch of time that is shown.'}
        </p>
      ) : (
        <Table
          label="Events"
          columns={COLUMNS}
          rows={inside}
          rowKey={keyOf}
          onPoint={row => axis?.cursor.set(row?.time)}
          onPick={({ time }) => setWindow({ from: time - 30, to: time + 30 })}
        />
      )}
    </Card>
  )
}

/** Events and the log, joined by time: the pointer on one is marked on the other, and on the step time above both. */
export function EventsPage() {
  return (
    <div className={page.sections}>
      <Timeline />
      <Events />
      <LogCard />
    </div>
  )
}
