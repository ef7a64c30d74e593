'use client'
import { useState } from 'react'
import { format } from '../../../../base/units'
import type { EvidenceInfo } from '../../../../wire/evidence'
import { CATEGORIES, type Category, type DeviceSnapshot, type SnapshotDigest } from '../../../../wire/memory-snapshot'
import { evidenceDoor } from '../../../data/evidence'
import { predictRun } from '../../../data/prediction'
import {
  callerText,
  categoriesAtPeak,
  heldAt,
  holdersAtPeak,
  stackLines,
  type CallerOf,
  type Holder,
} from '../../../data/snapshot'
import { usePolled } from '../../../data/use-polled'
import { Card } from '../../../ui/card'
import { Choice } from '../../../ui/choice'
import { Provenance } from '../../../ui/provenance'
import { Table, type Column } from '../../../ui/table'
import { useRunPage } from '../run-context'
import { MemoryMap } from './memory-map'
import { categoryColor, Swatch } from './swatch'
import { Timeline } from './timeline'
import { Treemap } from './treemap'
import page from '../../../ui/document.module.css'
import styles from './evidence.module.css'

interface Beside {
  readonly category: Category
  readonly measured: number
  readonly predicted: number | undefined
}
const BESIDE: readonly Column<Beside>[] = [
  { name: 'category', title: 'Category', cell: ({ category }) => <Swatch category={category} /> },
  { name: 'measured', title: <Provenance kind="measured" />, number: true, cell: row => format(row.measured, 'bytes') },
  {
    name: 'predicted',
    title: <Provenance kind="predicted" />,
    number: true,
    cell: ({ predicted }) => (predicted === undefined ? '–' : format(predicted, 'bytes')),
  },
]

/** What each category holds at the peak, and what the arithmetic says that it should. */
function Categories({ device }: { device: DeviceSnapshot }) {
  const { view } = useRunPage()
  const memory = predictRun(view.detail.config)?.prediction.memory
  const sums = categoriesAtPeak(device)
  const predicted: Partial<Record<Category, number | undefined>> = {
    parameters: memory?.parametersBytes,
    gradients: memory?.gradientsBytes,
    optimizer: memory?.optimizerBytes,
    activations: memory?.activationsBytes,
  }
  const rows = CATEGORIES.flatMap(category => {
    const measured = sums.get(category) ?? 0
    return measured > 0 || predicted[category] !== undefined
      ? [{ category, measured, predicted: predicted[category] }]
      : []
  })
  return (
    <Card
      title="At the peak, by category"
      aside={`${format(device.peakBytes, 'bytes')} in all`}
      note="Read from the frames that asked. What backward keeps for the optimizer is most often gradients; what is from before the recording, most often parameters."
    >
      <Table label="By category" columns={BESIDE} rows={rows} rowKey={({ category }) => category} />
    </Card>
  )
}

function Stack({ digest, stack, title }: { digest: SnapshotDigest; stack: number; title: string }) {
  const [all, setAll] = useState(false)
  const lines = stackLines(digest, stack, all)
  const more = stackLines(digest, stack, true).length - stackLines(digest, stack, false).length
  return (
    <Card title="Where it was asked for" aside={title}>
      <pre className={styles.log} tabIndex={0} data-testid="stack">
        {lines.length === 0
          ? 'No stack was recorded: torch.cuda.memory._record_memory_history() before the run records them.'
          : lines.join('\n')}
      </pre>
      {more > 0 && (
        <button type="button" className={styles.more} aria-pressed={all} onClick={() => setAll(!all)}>
          {all ? 'Python alone' : `and ${more} frames of C++`}
        </button>
      )}
    </Card>
  )
}

const CALLERS = [
  { name: 'frame', title: 'Innermost frame' },
  { name: 'job', title: 'The job’s own line' },
] as const

const HOLDERS: readonly Column<Holder>[] = [
  { name: 'caller', title: 'Asked for by', width: '50%', cell: ({ caller }) => caller, value: ({ caller }) => caller },
  {
    name: 'category',
    title: 'Category',
    cell: ({ category }) => <Swatch category={category} />,
    value: ({ category }) => category,
  },
  {
    name: 'bytes',
    title: 'Holds',
    number: true,
    cell: ({ bytes }) => format(bytes, 'bytes'),
    value: ({ bytes }) => bytes,
  },
  {
    name: 'count',
    title: 'Allocations',
    number: true,
    isMinor: true,
    cell: ({ count }) => count,
    value: ({ count }) => count,
  },
]

/** The largest at one entry of the trace. */
function AtEntry({
  digest,
  device,
  entry,
  onStack,
}: {
  digest: SnapshotDigest
  device: DeviceSnapshot
  entry: number
  onStack: (stack: number) => void
}) {
  const held = heldAt(device, entry)
  const total = held.reduce((sum, { bytes }) => sum + bytes, 0)
  const largest = held
    .filter(({ row }) => row !== undefined)
    .sort((one, other) => other.bytes - one.bytes)
    .slice(0, 12)
  return (
    <Card title={`At entry ${entry.toLocaleString('en-US')}`} aside={`${format(total, 'bytes')} held`}>
      <ol className={styles.largest} data-testid="at-entry">
        {largest.map(({ row = 0, bytes, category }) => (
          <li key={row}>
            <button type="button" onClick={() => onStack(device.allocations.stack[row] ?? 0)}>
              <i style={{ background: categoryColor(category) }} aria-hidden="true" />
              <b>{format(bytes, 'bytes')}</b>
              <span>{callerText(digest, device.allocations.stack[row] ?? 0)}</span>
            </button>
          </li>
        ))}
      </ol>
    </Card>
  )
}

function Device({ digest, device }: { digest: SnapshotDigest; device: DeviceSnapshot }) {
  const [entry, setEntry] = useState(device.peakEntry)
  const [stack, setStack] = useState(device.outOfMemory.at(-1)?.stack ?? device.holders.stack[0] ?? 0)
  const [by, setBy] = useState<CallerOf>('frame')
  const holders = holdersAtPeak(digest, device, by)
  const failed = device.outOfMemory.at(-1)
  return (
    <>
      <dl className={styles.figures}>
        <Figure name="Held at the peak" bytes={device.peakBytes} />
        <Figure name="Held at the end" bytes={device.allocatedBytes} />
        <Figure name="Reserved" bytes={device.reservedBytes} />
        <Figure name="Free between blocks" bytes={device.holeBytes} />
        <Figure name="Largest free block" bytes={device.largestFreeBytes} />
        {failed !== undefined && <Figure name="Could not be had" bytes={failed.requestedBytes} bad />}
      </dl>
      {device.entries > 0 ? (
        <Timeline
          device={device}
          entry={entry}
          onEntry={setEntry}
          onRow={row => setStack(device.allocations.stack[row] ?? 0)}
        />
      ) : (
        <Card title="Held over time">
          <p className="muted">The snapshot has no trace: torch.cuda.memory._record_memory_history() records one.</p>
        </Card>
      )}
      <div className={page.pair}>
        <AtEntry digest={digest} device={device} entry={entry} onStack={setStack} />
        <Stack
          digest={digest}
          stack={stack}
          title={`${stack === failed?.stack ? 'the request that failed: ' : ''}${callerText(digest, stack)}`}
        />
      </div>
      <Treemap
        holders={holders}
        onStack={setStack}
        aside={<Choice label="Who asked" options={CALLERS} value={by} onChange={setBy} />}
      />
      <div className={page.pair}>
        <Categories device={device} />
        <Card title="Largest holders at the peak">
          <Table
            label="Largest holders at the peak"
            columns={HOLDERS}
            rows={holders.slice(0, 200)}
            rowKey={({ caller, category }) => `${caller} ${category}`}
            scrolls
            onPick={holder => setStack(holder.stack)}
          />
        </Card>
      </div>
      <MemoryMap digest={digest} device={device} onStack={setStack} />
    </>
  )
}

function Figure({ name, bytes, bad = false }: { name: string; bytes: number | null; bad?: boolean }) {
  return (
    <div data-bad={bad}>
      <dt>{name}</dt>
      <dd>{format(bytes, 'bytes')}</dd>
    </div>
  )
}

/** Looks into a snapshot of PyTorch's allocator. */
export function SnapshotView({ info }: { info: EvidenceInfo }) {
  const { run } = useRunPage()
  const { value: digest, error } = usePolled(info.id, signal => evidenceDoor.snapshot(run, info.id, signal), Infinity)
  const [number, setNumber] = useState<string>()
  if (digest === undefined) return <p className="muted">{error?.message ?? 'Reading the snapshot …'}</p>
  const busiest = digest.devices.toSorted((one, other) => other.peakBytes - one.peakBytes)[0]
  const device = digest.devices.find(one => String(one.device) === number) ?? busiest
  if (device === undefined) return <p className="muted">The snapshot holds no device that has memory.</p>
  return (
    <div className={page.sections} data-testid="snapshot">
      {digest.devices.length > 1 && (
        <Choice
          label="Device"
          options={digest.devices.map(one => ({ name: String(one.device), title: `GPU ${one.device}` }))}
          value={String(device.device)}
          onChange={setNumber}
        />
      )}
      <Device key={device.device} digest={digest} device={device} />
    </div>
  )
}
