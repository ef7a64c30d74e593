import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryOf } from '../../collectors/evidence/snapshot'
import { readSnapshot } from '../../collectors/evidence/snapshot-read'

const PYTHON = '/usr/bin/python3'
/** One list of 100 blocks, named by 100 segments. */
const BLOCKS = `import pickle, sys
blocks = [{'size': 512, 'state': 'inactive'}] * 100
segments = [{'device': 0, 'address': 0, 'total_size': 1, 'blocks': blocks} for _ in range(100)]
sys.stdout.buffer.write(pickle.dumps({'segments': segments, 'device_traces': []}))`

async function* chunksOf(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 1000) yield await Promise.resolve(bytes.subarray(at, at + 1000))
}

const MiB = 1024 * 1024
const fixture = join(import.meta.dirname, '../fixtures/forms/torch-snapshot/out-of-memory.pickle')

describe('a snapshot of the allocator', () => {
  it('says who holds what, what lies in holes and how high it went', async () => {
    const snapshot = await readSnapshot(chunksOf(readFileSync(fixture)))
    const [first, second] = snapshot === undefined ? [] : memoryOf(snapshot)
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

  it('that names one list of blocks again and again is refused', async () => {
    const { stdout } = spawnSync(PYTHON, ['-c', BLOCKS], { maxBuffer: 64 * 1024 * 1024 })
    const limits = { entries: 10, blocks: 5000 }
    await expect(readSnapshot(chunksOf(stdout), limits)).rejects.toThrow(/more than 5000 blocks/)
  })

  it('is none without segments', async () => {
    expect(await readSnapshot(chunksOf(Buffer.from('\x80\x02}.', 'latin1')))).toBeUndefined()
    expect(await readSnapshot(chunksOf(Buffer.from('N.')))).toBeUndefined()
  })
})
