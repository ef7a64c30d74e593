import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readDump, type Dump } from '../../collectors/evidence/flight-recorder'
import { readPickle } from '../../collectors/pickle/read'

const folder = join(import.meta.dirname, '../fixtures/forms/torch-flight-recorder')

describe('a dump of the flight recorder', () => {
  it('says the same as a pickle and as JSON', () => {
    const pickle = readDump(readPickle(readFileSync(join(folder, 'stuck-all-reduce.pickle'))))
    const json = readDump(JSON.parse(readFileSync(join(folder, 'stuck-all-reduce.json'), 'utf8')))
    const plain = (dump: Dump | undefined) => dump?.entries.map(entry => ({ ...entry, at: undefined }))
    expect(plain(pickle)).toEqual(plain(json))
    expect(pickle?.groups).toEqual(json?.groups)
    expect(pickle?.entries[0]).toMatchObject({ operation: 'all-reduce', bytes: 2 * 1024 * 1024, seconds: 1.375e-3 })
  })

  it('is none when it is something else', () => {
    for (const tree of [undefined, null, 1, {}, [], { version: '1' }, { entries: [] }])
      expect(readDump(tree)).toBeUndefined()
  })
})
