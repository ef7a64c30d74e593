/** Files that become a run. */
import { PlumblineError } from '../../base/errors'
import type { ImportResult } from '../../wire/api'
import type { Imports } from '../imports'
import { HttpError, type Call } from './endpoint'

function importsOf({ hub }: Call): Imports {
  if (hub.imports !== undefined) return hub.imports
  throw new HttpError(404, 'this hub takes no files', 'import them with `plumbline import`')
}

/** What a person can mend is their request's fault, not the hub's. */
async function asked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof PlumblineError) throw new HttpError(400, error.message, error.fix)
    throw error
  }
}

export async function addFile(call: Call): Promise<{ ok: true }> {
  await asked(importsOf(call).add(call.id ?? '', call.query.get('name') ?? 'file', call.request))
  return { ok: true }
}

export function finishImport(call: Call): Promise<ImportResult> {
  return asked(importsOf(call).finish(call.id ?? '', call.query.get('name') ?? ''))
}
