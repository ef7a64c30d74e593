import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { evidenceReader } from '../../cli/evidence/reader'
import { EvidenceThread } from '../../cli/evidence/thread'

const folder = mkdtempSync(join(tmpdir(), 'plumbline-evidence-thread-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const snapshot = resolve('test/fixtures/out-of-memory/pieces/snapshot.pickle.gz')
const thread = new EvidenceThread()
const moment = { view: 'moment', device: 0, entry: 100 } as const

describe('the thread that reads evidence', () => {
  it('answers as the reader does, and asks of what it has read', async () => {
    const [own, other] = [join(folder, 'own'), join(folder, 'other')]
    const told = await thread.summary('memory-snapshot', { file: snapshot, columns: own })
    expect(told).toEqual(await evidenceReader.summary('memory-snapshot', { file: snapshot, columns: other }))
    expect(await thread.ask(own, moment)).toEqual(await evidenceReader.ask(other, moment))
  })

  it('gives an error as it was, and goes on', async () => {
    const file = join(folder, 'bad')
    writeFileSync(file, 'no pickle')
    const asked = [
      thread.summary('memory-snapshot', { file, columns: join(folder, 'bad.columns') }),
      thread.ask(file, moment),
    ]
    for (const one of await Promise.allSettled(asked))
      expect(one).toMatchObject({
        status: 'rejected',
        reason: { name: 'PlumblineError', fix: expect.any(String) as string },
      })
    expect(await thread.ask(join(folder, 'own'), moment)).toBeDefined()
  })
})
