/** What tells how a run ended: the list, the digest of one, and the file as it came. */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { EvidenceInfo } from '../../wire/evidence'
import { HttpError, runOf, type Call } from './endpoint'

export const listEvidence = (call: Call): Promise<EvidenceInfo[]> => call.hub.evidence.list(runOf(call).run)

export async function evidenceDigest(call: Call): Promise<undefined> {
  const digest = await call.hub.evidence.digest(runOf(call).run, call.id ?? '')
  if (digest === undefined) throw new HttpError(404, 'there is no digest of that', 'ask for the list of evidence')
  call.response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  call.response.end(digest)
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
