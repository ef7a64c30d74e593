/** Evidence of a run, asked for until all of it is read, and what one asks of a memory snapshot. */
import { z } from 'zod'
import { blackBoxDigestSchema, evidenceInfoSchema } from '../../wire/evidence'
import {
  snapshotEntriesSchema,
  snapshotMomentSchema,
  snapshotSummarySchema,
  snapshotWindowSchema,
  type EntriesAsked,
  type MomentAsked,
  type WindowAsked,
} from '../../wire/memory-snapshot'
import { DoorError } from './door'

const of = (run: string) => `/api/runs/${encodeURIComponent(run)}/evidence`

async function get<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  const response = await fetch(path, { signal })
  const value: unknown = await response.json().catch(() => undefined)
  const refusal = z.object({ error: z.string(), fix: z.string().optional() }).safeParse(value)
  if (refusal.success) throw new DoorError(refusal.data.error, response.status, refusal.data.fix)
  const answer = schema.safeParse(value)
  if (answer.success) return answer.data
  throw new DoorError(`${path}: an answer that is not understood`, response.status, 'reload the page')
}

function searchOf(asked: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  return new URLSearchParams(given).toString()
}

export const evidenceDoor = {
  list: (run: string, signal: AbortSignal) => get(of(run), z.array(evidenceInfoSchema), signal),
  snapshot: (run: string, id: string, signal: AbortSignal) => get(`${of(run)}/${id}`, snapshotSummarySchema, signal),
  window: (run: string, id: string, asked: WindowAsked, signal: AbortSignal) =>
    get(`${of(run)}/${id}/window?${searchOf({ ...asked })}`, snapshotWindowSchema, signal),
  moment: (run: string, id: string, asked: MomentAsked, signal: AbortSignal) =>
    get(`${of(run)}/${id}/moment?${searchOf({ ...asked })}`, snapshotMomentSchema, signal),
  entries: (run: string, id: string, asked: EntriesAsked, signal: AbortSignal) =>
    get(`${of(run)}/${id}/entries?${searchOf({ ...asked })}`, snapshotEntriesSchema, signal),
  blackBox: (run: string, id: string, signal: AbortSignal) => get(`${of(run)}/${id}`, blackBoxDigestSchema, signal),
  file: (run: string, id: string) => `${of(run)}/${id}/file`,
}
