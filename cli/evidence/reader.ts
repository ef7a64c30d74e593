/** Reads evidence for the hub: what its page is told of a memory snapshot and of a black box, and what it may ask then. */
import { PlumblineError } from '../../base/errors'
import { columnsOf, keep, KeptSnapshot } from '../../collectors/evidence/kept-snapshot'
import { entriesOf } from '../../collectors/evidence/snapshot-entries'
import { momentOf } from '../../collectors/evidence/snapshot-moment'
import { readSnapshot } from '../../collectors/evidence/snapshot-read'
import { summaryOf } from '../../collectors/evidence/snapshot-summary'
import { windowOf } from '../../collectors/evidence/snapshot-window'
import type { EvidenceReader } from '../../hub/evidence'
import type { SnapshotQuestion, SnapshotSummary } from '../../wire/memory-snapshot'
import { readChunks } from '../parse-input'
import { boxDigest } from './black-box'
import { ColumnFile, writeColumns } from './column-file'

/** One who looks asks again and again; afterwards nothing stays in memory. */
const KEPT_OPEN_MS = 60_000

async function snapshotSummary(file: string, columns: string): Promise<SnapshotSummary> {
  const snapshot = await readSnapshot(readChunks(file, process.stdin))
  if (snapshot === undefined)
    throw new PlumblineError('it is a pickle, and no memory snapshot', {
      fix: 'write one with torch.cuda.memory._dump_snapshot',
    })
  const kept = keep(snapshot)
  await writeColumns(columns, kept)
  return summaryOf(snapshot, new KeptSnapshot(columnsOf(kept)))
}

/** The snapshot that was asked last; another takes its place. */
class LastAsked {
  private open: { path: string; file: ColumnFile; kept: KeptSnapshot } | undefined
  private closing: NodeJS.Timeout | undefined

  of(path: string): KeptSnapshot {
    if (this.open?.path !== path) {
      this.close()
      const file = new ColumnFile(path)
      this.open = { path, file, kept: new KeptSnapshot(file) }
    }
    clearTimeout(this.closing)
    this.closing = setTimeout(() => this.close(), KEPT_OPEN_MS).unref()
    return this.open.kept
  }

  private close(): void {
    this.open?.file.close()
    this.open = undefined
  }
}
const last = new LastAsked()

function answer(kept: KeptSnapshot, question: SnapshotQuestion): unknown {
  switch (question.view) {
    case 'window':
      return windowOf(kept, question)
    case 'moment':
      return momentOf(kept, question)
    case 'entries':
      return entriesOf(kept, question)
  }
}

export const evidenceReader: EvidenceReader = {
  summary: (kind, { file, columns }) => (kind === 'memory-snapshot' ? snapshotSummary(file, columns) : boxDigest(file)),
  ask: async (columns, question) => answer(last.of(columns), question),
}
