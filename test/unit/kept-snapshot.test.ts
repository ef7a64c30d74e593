/** What a kept snapshot answers, against the allocator's state undone entry by entry from its end. */
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ColumnFile, writeColumns } from '../../cli/evidence/column-file'
import { columnsOf, keep, KeptSnapshot } from '../../collectors/evidence/kept-snapshot'
import { memoryOf } from '../../collectors/evidence/snapshot'
import { entriesOf } from '../../collectors/evidence/snapshot-entries'
import { momentOf } from '../../collectors/evidence/snapshot-moment'
import { readSnapshot, Trace, type Snapshot } from '../../collectors/evidence/snapshot-read'
import { windowOf } from '../../collectors/evidence/snapshot-window'
import { snapshotMomentSchema, snapshotWindowSchema } from '../../wire/memory-snapshot'

const FIXTURES = join(import.meta.dirname, '../fixtures/out-of-memory')
const folder = mkdtempSync(join(tmpdir(), 'plumbline-columns-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function* chunksOf(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 65_536) yield await Promise.resolve(bytes.subarray(at, at + 65_536))
}
async function snapshotOf(kind: string): Promise<Snapshot> {
  const bytes = gunzipSync(readFileSync(join(FIXTURES, kind, 'snapshot.pickle.gz')))
  const snapshot = await readSnapshot(chunksOf(bytes))
  if (snapshot === undefined) throw new Error(`${kind} holds no snapshot`)
  return snapshot
}

const SIGNS: Readonly<Record<string, ['reserved' | 'active', 1 | -1]>> = {
  alloc: ['active', 1],
  free_completed: ['active', -1],
  segment_alloc: ['reserved', 1],
  segment_map: ['reserved', 1],
  segment_free: ['reserved', -1],
  segment_unmap: ['reserved', -1],
}
/** Bytes after each entry, the trace undone from the end. */
function undone(trace: Trace, end: { reserved: number; active: number }) {
  const levels = [{ ...end }]
  for (let row = trace.length - 1; row > 0; row -= 1) {
    const [name, sign] = SIGNS[trace.actionAt(row)] ?? ['active', 1]
    const size = SIGNS[trace.actionAt(row)] === undefined ? 0 : trace.size.at(row)
    levels.unshift({ ...(levels[0] ?? end), [name]: (levels[0] ?? end)[name] - sign * size })
  }
  return levels
}

/** Whether blocks lie within a segment, one behind the other. */
function isInOrder({ address, bytes }: { address: number[]; bytes: number[] }, from: number, to: number): boolean {
  let at = from
  return address.every((begin, place) => begin >= at && (at = begin + (bytes[place] ?? 0)) <= to)
}

describe.each(['pieces', 'longer', 'too-large', 'neighbour'])('the snapshot of %s', kind => {
  let snapshot: Snapshot
  let kept: KeptSnapshot
  const trace = () => snapshot.traces[0] ?? new Trace()
  beforeAll(async () => {
    snapshot = await snapshotOf(kind)
    await writeColumns(join(folder, kind), keep(snapshot))
    kept = new KeptSnapshot(new ColumnFile(join(folder, kind)))
  })

  it('has at every moment what the trace, undone from the end, says', () => {
    const [memory] = memoryOf(snapshot)
    const last = momentOf(kept, { device: 0, entry: trace().length - 1 })
    expect(snapshotMomentSchema.parse(last)).toEqual(last)
    expect(last.reservedBytes).toBe(memory?.reservedBytes)
    expect(last.activeBytes).toBe(memory?.activeBytes)
    // The trace tells what was asked for: blocks that live on are larger by what was rounded up.
    const rounded = (memory?.allocatedBytes ?? 0) - (memory?.requestedBytes ?? 0)
    const levels = undone(trace(), { reserved: last.reservedBytes, active: last.activeBytes })
    for (let entry = 0; entry < trace().length; entry += Math.ceil(trace().length / 50)) {
      const { reservedBytes, activeBytes, segments } = momentOf(kept, { device: 0, entry })
      const { reserved, active } = levels[entry] ?? { reserved: NaN, active: NaN }
      expect(reservedBytes).toBe(reserved)
      expect(Math.abs(activeBytes - active)).toBeLessThanOrEqual(rounded)
      for (const { address, bytes, blocks } of segments) expect(isInOrder(blocks, address, address + bytes)).toBe(true)
    }
  })

  it('tells of a window what is held, each large one by itself and the rest in sums, from memory and from a file alike', () => {
    const [from, to] = [Math.floor(trace().length / 3), Math.floor(trace().length / 2)]
    const asked = { device: 0, of: 'blocks', from, to } as const
    const found = windowOf(kept, asked)
    expect(snapshotWindowSchema.parse(found)).toEqual(found)
    expect(windowOf(new KeptSnapshot(columnsOf(keep(snapshot))), asked)).toEqual(found)
    const { begin, end, bytes } = found.allocations
    found.course.entry.forEach((entry, slot) => {
      if (slot % 25 !== 0) return
      const shown = bytes.reduce(
        (sum, size, row) => ((begin[row] ?? 0) <= entry && (end[row] ?? 0) > entry ? sum + size : sum),
        0,
      )
      const rest = found.course.restBytes.reduce((sum, own) => sum + (own[slot] ?? 0), 0)
      expect(shown + rest).toBe(momentOf(kept, { device: 0, entry }).activeBytes)
    })
  })

  it('finds by a frame: what matches by itself, all else in sums', () => {
    const whole = { device: 0, of: 'blocks', from: 0, to: trace().length - 1 } as const
    const all = windowOf(kept, whole)
    const sought = all.frames[all.stacks[all.allocations.stack.at(-1) ?? 0]?.[3] ?? 0]?.name ?? ''
    const some = windowOf(kept, { ...whole, find: sought.toUpperCase() })
    expect(some.found?.count).toBeGreaterThan(0)
    expect(some.found?.count).toBeLessThan(all.count)
    expect(some.course.heldBytes).toEqual(all.course.heldBytes)
    for (const stack of some.allocations.stack) {
      const names = (some.stacks[stack] ?? []).map(frame => some.frames[frame]?.name ?? '')
      expect(names.some(name => name.includes(sought))).toBe(true)
    }
    expect(windowOf(kept, { ...whole, find: 'no such frame' })).toMatchObject({ found: { count: 0, bytes: 0 } })
  })

  it('lists entries as the trace has them', () => {
    const { action, address } = entriesOf(kept, { device: 0, from: 7, count: 20 })
    expect(action).toEqual(Array.from({ length: 20 }, (_, at) => trace().actionAt(7 + at)))
    expect(address[3]).toBe(trace().address.at(10))
    expect(entriesOf(kept, { device: 0, from: 1e9, count: 20 }).action).toEqual([])
  })
})

describe('a kept file', () => {
  it('that is none, or cut off, is told', async () => {
    const snapshot = await snapshotOf('too-large')
    const path = join(folder, 'cut')
    await writeColumns(path, keep(snapshot))
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.subarray(0, bytes.length / 2))
    expect(() => momentOf(new KeptSnapshot(new ColumnFile(path)), { device: 0, entry: 5 })).toThrow(/cut off/)
    writeFileSync(path, 'something else altogether')
    expect(() => new ColumnFile(path)).toThrow(/no longer whole/)
  })
})
