import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findStuck, readDump, type Dump } from '../../collectors/evidence/flight-recorder'
import { readPickle } from '../../collectors/pickle/read'

const folder = join(import.meta.dirname, '../fixtures/forms/torch-flight-recorder')

function dump(calls: readonly (readonly [sequence: number, name: string, state: string])[]): Dump {
  const entries = calls.map(([collective_seq_id, profiling_name, state]) => ({
    process_group: ['0', 'default_pg'],
    collective_seq_id,
    profiling_name,
    state,
    is_p2p: false,
  }))
  const read = readDump({ version: '2.9', entries, pg_config: { '0': { ranks: '[0, 1, 2, 3]' } } })
  if (read === undefined) throw new Error('no dump')
  return read
}

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

describe('the dumps of several ranks', () => {
  const past = [6, 'nccl:all_reduce', 'completed'] as const
  const inside = [7, 'nccl:all_reduce', 'started'] as const

  it('tell who waits, who never came and who left no dump', () => {
    const dumps = new Map([
      [0, dump([past, inside])],
      [1, dump([past])],
      [3, dump([past, inside])],
    ])
    expect(findStuck(dumps)).toEqual([
      { group: '0', sequence: 7, operations: ['all-reduce'], inside: [0, 3], missing: [1, 2], silent: [2] },
    ])
  })

  it('show ranks that parted ways', () => {
    const other = [7, 'nccl:broadcast', 'scheduled'] as const
    const dumps = new Map([0, 1, 2, 3].map(rank => [rank, dump([past, rank === 2 ? other : inside])]))
    expect(findStuck(dumps)).toMatchObject([
      { operations: ['all-reduce', 'broadcast'], inside: [0, 1, 2, 3], missing: [] },
    ])
  })

  it('of a healthy job tell nothing', () => {
    expect(findStuck(new Map([[0, dump([past])]]))).toEqual([])
  })
})
