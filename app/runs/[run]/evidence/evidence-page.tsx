'use client'
import { useSearchParams } from 'next/navigation'
import { format } from '../../../../base/units'
import type { EvidenceInfo } from '../../../../wire/evidence'
import { useChangeAddress } from '../../../data/address'
import { evidenceDoor } from '../../../data/evidence'
import { usePolled } from '../../../data/use-polled'
import { Badge } from '../../../ui/badge'
import { Card } from '../../../ui/card'
import { Notice } from '../../../ui/notice'
import { Table, type Column } from '../../../ui/table'
import { useRunPage } from '../run-context'
import { BlackBoxView } from './black-box'
import { SnapshotView } from './snapshot/snapshot-view'
import page from '../../../ui/document.module.css'

const KINDS = { 'memory-snapshot': 'memory snapshot', 'black-box': 'last minutes' } as const
const TONES = { coming: 'neutral', reading: 'neutral', ready: 'good', failed: 'critical', dropped: 'neutral' } as const

const columnsOf = (run: string): readonly Column<EvidenceInfo>[] => [
  { name: 'kind', title: 'What', cell: ({ kind }) => KINDS[kind] },
  {
    name: 'name',
    title: 'File',
    cell: ({ name, id, state }) => (state === 'dropped' ? name : <a href={evidenceDoor.file(run, id)}>{name}</a>),
  },
  { name: 'rank', title: 'Rank', number: true, cell: ({ rank }) => rank ?? '–' },
  { name: 'node', title: 'Node', isMinor: true, cell: ({ node }) => node ?? '–' },
  { name: 'bytes', title: 'Size', number: true, cell: ({ bytes }) => format(bytes, 'bytes') },
  {
    name: 'state',
    title: 'State',
    cell: ({ state, heldBytes, bytes, error }) => (
      <span title={error ?? undefined}>
        <Badge tone={TONES[state]}>{state === 'coming' ? `${Math.floor((100 * heldBytes) / bytes)} %` : state}</Badge>
      </span>
    ),
  },
]

const newest = (list: readonly EvidenceInfo[]) =>
  list.findLast(({ kind, state }) => kind === 'memory-snapshot' && state === 'ready') ??
  list.findLast(({ state }) => state === 'ready')

/** What was kept of a run's end: the allocator's snapshots, and the last minutes as its agents saw them. */
export function EvidencePage() {
  const { run } = useRunPage()
  const { value: list, error } = usePolled(`evidence ${run}`, signal => evidenceDoor.list(run, signal), 4000)
  const picked = useSearchParams().get('kept')
  const change = useChangeAddress()
  // What one looks at in one file says nothing of another.
  const pick = (kept: string) => change({ kept, gpu: undefined, look: undefined, entry: undefined, block: undefined })
  if (error !== undefined && list === undefined)
    return (
      <Notice title="What was kept cannot be had" broken>
        <p>{error.message}</p>
      </Notice>
    )
  if (list === undefined) return <p className="muted">Asking the hub …</p>
  if (list.length === 0)
    return (
      <Notice title="Nothing was kept of this run">
        <p>When a job ends badly, its agent sends the last minutes, and the snapshot that the hook leaves.</p>
        <p>
          A snapshot of your own: torch.cuda.memory._dump_snapshot(&quot;snapshot.pickle&quot;), then drop it on the
          list of runs.
        </p>
      </Notice>
    )
  const shown = list.find(({ id }) => id === picked) ?? newest(list)
  return (
    <div className={page.sections}>
      <Card title="What was kept" aside={list.length > 1 ? 'press a line to look into it' : undefined}>
        <Table
          label="What was kept"
          columns={columnsOf(run)}
          rows={list}
          rowKey={({ id }) => id}
          onPick={({ id }) => pick(id)}
          isPicked={({ id }) => id === shown?.id}
        />
      </Card>
      {shown?.state === 'dropped' && (
        <Notice title={`${shown.name} is no longer kept`}>
          <p>{shown.error}</p>
        </Notice>
      )}
      {shown?.state === 'failed' && (
        <Notice title={`${shown.name} cannot be read`} broken>
          <p>{shown.error}</p>
        </Notice>
      )}
      {shown?.state === 'ready' && shown.kind === 'memory-snapshot' && <SnapshotView key={shown.id} info={shown} />}
      {shown?.state === 'ready' && shown.kind === 'black-box' && <BlackBoxView key={shown.id} info={shown} />}
    </div>
  )
}
