/** Evidence of a run, asked for until all of it is read, and what one asks of a memory snapshot. */
import type { BlackBoxDigest, EvidenceInfo } from '../../wire/evidence'
import type {
  EntriesAsked,
  MomentAsked,
  SnapshotEntries,
  SnapshotMoment,
  SnapshotSummary,
  SnapshotWindow,
  WindowAsked,
} from '../../wire/memory-snapshot'
import { askHub } from './door'

const of = (run: string) => `/api/runs/${encodeURIComponent(run)}/evidence`

function searchOf(asked: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  return new URLSearchParams(given).toString()
}

export const evidenceDoor = {
  list: (run: string, signal: AbortSignal) => askHub<EvidenceInfo[]>(of(run), signal),
  snapshot: (run: string, id: string, signal: AbortSignal) => askHub<SnapshotSummary>(`${of(run)}/${id}`, signal),
  window: (run: string, id: string, asked: WindowAsked, signal: AbortSignal) =>
    askHub<SnapshotWindow>(`${of(run)}/${id}/window?${searchOf({ ...asked })}`, signal),
  moment: (run: string, id: string, asked: MomentAsked, signal: AbortSignal) =>
    askHub<SnapshotMoment>(`${of(run)}/${id}/moment?${searchOf({ ...asked })}`, signal),
  entries: (run: string, id: string, asked: EntriesAsked, signal: AbortSignal) =>
    askHub<SnapshotEntries>(`${of(run)}/${id}/entries?${searchOf({ ...asked })}`, signal),
  blackBox: (run: string, id: string, signal: AbortSignal) => askHub<BlackBoxDigest>(`${of(run)}/${id}`, signal),
  file: (run: string, id: string) => `${of(run)}/${id}/file`,
}
