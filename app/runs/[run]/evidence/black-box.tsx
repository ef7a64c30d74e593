'use client'
import { format } from '../../../../base/units'
import type { BlackBoxDigest, EvidenceInfo } from '../../../../wire/evidence'
import { evidenceDoor } from '../../../data/evidence'
import { usePolled } from '../../../data/use-polled'
import { Card } from '../../../ui/card'
import { Spark } from '../../../ui/spark'
import { Table, type Column } from '../../../ui/table'
import { useRunPage } from '../run-context'
import page from '../../../ui/document.module.css'
import styles from './evidence.module.css'

type Process = BlackBoxDigest['processes'][number]
const PROCESSES: readonly Column<Process>[] = [
  { name: 'pid', title: 'Process', number: true, cell: ({ pid }) => pid },
  { name: 'name', title: 'Name', cell: ({ name }) => name ?? '–' },
  { name: 'bytes', title: 'Memory', number: true, cell: one => format(one.memoryUsedBytes ?? null, 'bytes') },
]

/** The last minutes of a run, as its agent kept them on its disk. */
export function BlackBoxView({ info }: { info: EvidenceInfo }) {
  const { run } = useRunPage()
  const { value, error } = usePolled(info.id, signal => evidenceDoor.blackBox(run, info.id, signal), Infinity)
  if (value === undefined) return <p className="muted">{error?.message ?? 'Reading …'}</p>
  const { reason, from, to, records, steps, processes, host, logs } = value
  return (
    <>
      <Card title="The last minutes" aside={`kept because: ${reason}`}>
        <p>
          {format(to - from, 'seconds')} before the end: {records.toLocaleString('en-US')} records, {steps} steps.
        </p>
        {host.usedBytes.length > 1 && (
          <p className={styles.host}>
            Memory of the host, up to {format(Math.max(...host.usedBytes), 'bytes')} of{' '}
            {format(host.totalBytes, 'bytes')}
            <Spark values={host.usedBytes} label="Memory of the host" />
          </p>
        )}
      </Card>
      {processes.length > 0 && (
        <Card title="Who held the host’s memory" aside="the largest, when last looked at">
          <Table label="Processes" columns={PROCESSES} rows={processes} rowKey={({ pid }) => String(pid)} />
        </Card>
      )}
      <div className={page.sections}>
        {logs.map(({ path, text }) => (
          <Card key={path} title={path} aside="the end of it">
            <pre className={styles.log} tabIndex={0}>
              {text}
            </pre>
          </Card>
        ))}
      </div>
    </>
  )
}
