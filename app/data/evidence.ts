/** Evidence of a run, asked for until all of it is read. */
import { z } from 'zod'
import { blackBoxDigestSchema, evidenceInfoSchema } from '../../wire/evidence'
import { snapshotDigestSchema } from '../../wire/memory-snapshot'
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

export const evidenceDoor = {
  list: (run: string, signal: AbortSignal) => get(of(run), z.array(evidenceInfoSchema), signal),
  snapshot: (run: string, id: string, signal: AbortSignal) => get(`${of(run)}/${id}`, snapshotDigestSchema, signal),
  blackBox: (run: string, id: string, signal: AbortSignal) => get(`${of(run)}/${id}`, blackBoxDigestSchema, signal),
  file: (run: string, id: string) => `${of(run)}/${id}/file`,
}
