import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSnapshot } from '../../collectors/evidence/snapshot'
import { readPickle } from '../../collectors/pickle/read'

const MiB = 1024 * 1024
const fixture = join(import.meta.dirname, '../fixtures/forms/torch-snapshot/out-of-memory.pickle')

describe('a snapshot of the allocator', () => {
  it('says who holds what, what lies in holes and how high it went', () => {
    const [first, second] = readSnapshot(readPickle(readFileSync(fixture))) ?? []
    expect(first).toMatchObject({
      reservedBytes: 60 * MiB,
      allocatedBytes: 32 * MiB,
      activeBytes: 40 * MiB,
      requestedBytes: 32 * MiB - 100,
      holeBytes: 20 * MiB,
      largestFreeBytes: 12 * MiB,
      peakActiveBytes: 60 * MiB,
      peakReservedBytes: 60 * MiB,
    })
    expect(first?.holders[0]).toEqual({ frame: 'attention.py:88:forward', bytes: 24 * MiB, blocks: 1 })
    expect(first?.outOfMemory).toMatchObject([
      { requestedBytes: 96 * MiB, freeBytes: 3 * MiB, allocatedBytes: 60 * MiB },
    ])
    expect(second).toMatchObject({ device: 1, holeBytes: 0, peakActiveBytes: undefined, outOfMemory: [] })
  })

  it('that names one list of blocks again and again is refused', () => {
    const blocks = new Array<unknown>(10_000).fill(new Map())
    const segments = new Array<unknown>(10_000).fill(new Map([['blocks', blocks]]))
    expect(() => readSnapshot(new Map([['segments', segments]]))).toThrow(/entries to visit/)
  })

  it('is none without segments', () => {
    expect(readSnapshot(new Map())).toBeUndefined()
    expect(readSnapshot(null)).toBeUndefined()
  })
})
