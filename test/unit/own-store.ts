/** A store of a test file's own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { openStore, type Store } from '../../hub/store/store'

/** Open from the first test to the last of where this is called; of an engine in this process there can be one at a time. */
export function ownStore(): () => Store {
  let data: string
  let store: Store
  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), 'plumbline-test-store-'))
    store = await openStore({ data, store: '' })
  })
  afterAll(async () => {
    await store.close()
    rmSync(data, { recursive: true, force: true })
  })
  return () => store
}
