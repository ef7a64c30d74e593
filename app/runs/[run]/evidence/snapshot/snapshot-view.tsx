'use client'
import type { EvidenceInfo } from '../../../../../wire/evidence'
import { evidenceDoor } from '../../../../data/evidence'
import { usePolled } from '../../../../data/use-polled'
import { useRunPage } from '../../run-context'
import { SnapshotExplorer } from './explorer'

/** A snapshot of PyTorch's allocator, as soon as the hub has read it. */
export function SnapshotView({ info: { id } }: { info: EvidenceInfo }) {
  const { run } = useRunPage()
  const { value: summary, error } = usePolled(id, signal => evidenceDoor.snapshot(run, id, signal), Infinity)
  if (summary === undefined) return <p className="muted">{error?.message ?? 'Reading the snapshot …'}</p>
  return <SnapshotExplorer summary={summary} run={run} id={id} />
}
