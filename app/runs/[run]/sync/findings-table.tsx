'use client'
import { format } from '../../../../base/units'
import type { Finding } from '../../../../wire/findings'
import { Badge } from '../../../ui/badge'
import { Card } from '../../../ui/card'
import { Clock } from '../../../ui/clock'
import { Link } from '../../../ui/link'
import { Table, type Column } from '../../../ui/table'
import { findingAddress, SEVERITY_TONE } from './verdict'

const COLUMNS: readonly Column<Finding>[] = [
  {
    name: 'state',
    title: 'State',
    cell: ({ state, severity }) => <Badge tone={state === 'open' ? SEVERITY_TONE[severity] : 'neutral'}>{state}</Badge>,
  },
  { name: 'what', title: 'What', cell: finding => <Link href={findingAddress(finding)}>{finding.title}</Link> },
  { name: 'since', title: 'Since', isMinor: true, cell: ({ since }) => <Clock time={since} /> },
  {
    name: 'until',
    title: 'Until',
    isMinor: true,
    cell: ({ until }) => (until === undefined ? 'now' : <Clock time={until} />),
  },
  {
    name: 'cost',
    title: 'Costs a step',
    number: true,
    cell: ({ costSecondsPerStep, costRatio }) =>
      costSecondsPerStep === undefined
        ? '–'
        : `${format(costSecondsPerStep, 'seconds')}${costRatio === undefined ? '' : ` (${(costRatio * 100).toFixed(costRatio < 0.1 ? 1 : 0)} %)`}`,
  },
]

/** All that was found in this run, and when. */
export function FindingsTable({ findings }: { findings: readonly Finding[] | undefined }) {
  if (findings === undefined || findings.length === 0) return null
  return (
    <Card title="All that was found" aside={findings.length}>
      <Table label="Findings" columns={COLUMNS} rows={findings} rowKey={({ id = '' }) => id} />
    </Card>
  )
}
