/** What tells how a run ended: the list, the summary of one, answers to what is asked of a snapshot, and the file as it came. */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { EvidenceInfo } from '../../wire/evidence'
import {
  entriesAskedSchema,
  momentAskedSchema,
  snapshotEntriesSchema,
  snapshotMomentSchema,
  snapshotWindowSchema,
  windowAskedSchema,
  type SnapshotQuestion,
} from '../../wire/memory-snapshot'
import { HttpError, readQuery, runOf, type Call, type Endpoint } from './endpoint'

export const listEvidence = (call: Call): Promise<EvidenceInfo[]> => call.hub.evidence.list(runOf(call).run)

export async function evidenceSummary(call: Call): Promise<undefined> {
  const summary = await call.hub.evidence.summary(runOf(call).run, call.id ?? '')
  if (summary === undefined) throw new HttpError(404, 'there is no summary of that', 'ask for the list of evidence')
  call.response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  call.response.end(summary)
  return undefined
}

export async function evidenceFile(call: Call): Promise<undefined> {
  const found = await call.hub.evidence.file(runOf(call).run, call.id ?? '')
  if (found === undefined) throw new HttpError(404, 'there is no such file', 'ask for the list of evidence')
  const name = found.name.replace(/[^\w.-]/g, '_')
  call.response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${name}"`,
    'x-content-type-options': 'nosniff',
  })
  // A reader who goes away ends it; nothing is broken by that.
  await pipeline(createReadStream(found.path), call.response).catch(() => undefined)
  return undefined
}

async function answerOf(call: Call, question: SnapshotQuestion): Promise<unknown> {
  const answer = await call.hub.evidence.ask(runOf(call).run, call.id ?? '', question)
  if (answer === undefined)
    throw new HttpError(404, 'there is no memory snapshot of that', 'ask for the list of evidence')
  return answer
}

const pathOf = (view: SnapshotQuestion['view']) => `/api/runs/:run/evidence/:import/${view}`

/** What one may ask of a memory snapshot. */
export const snapshotEndpoints: readonly Endpoint[] = [
  {
    name: 'snapshot-window',
    path: pathOf('window'),
    help: 'allocations in a stretch of a memory snapshot’s trace: the largest, the others in sums',
    query: windowAskedSchema,
    answers: snapshotWindowSchema,
    answer: call => answerOf(call, { view: 'window', ...readQuery(windowAskedSchema, call.query) }),
  },
  {
    name: 'snapshot-moment',
    path: pathOf('moment'),
    help: 'segments and blocks after one entry of a memory snapshot’s trace',
    query: momentAskedSchema,
    answers: snapshotMomentSchema,
    answer: call => answerOf(call, { view: 'moment', ...readQuery(momentAskedSchema, call.query) }),
  },
  {
    name: 'snapshot-entries',
    path: pathOf('entries'),
    help: 'what the allocator did, entry by entry',
    query: entriesAskedSchema,
    answers: snapshotEntriesSchema,
    answer: call => answerOf(call, { view: 'entries', ...readQuery(entriesAskedSchema, call.query) }),
  },
]
