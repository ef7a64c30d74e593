/** Notes that people write beside a run. */
import { json } from 'node:stream/consumers'
import { newNoteSchema } from '../../wire/api'
import { HttpError, runOf, type Call } from './endpoint'

const MOST_BYTES = 16 * 1024

export async function addNote(call: Call): Promise<{ ok: true }> {
  const { run } = runOf(call)
  const length = Number(call.request.headers['content-length'] ?? NaN)
  if (!(length <= MOST_BYTES)) throw new HttpError(413, `a note is at most ${MOST_BYTES} bytes`, 'write less')
  const body: unknown = await json(call.request).catch(() => undefined)
  const note = newNoteSchema.safeParse(body)
  if (!note.success)
    throw new HttpError(400, 'a note is { time, message }', 'give Unix seconds, and a text that is not empty')
  await call.hub.notes.add({ run, ...note.data })
  return { ok: true }
}
