import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { crc32, crc32ByTable } from '../../base/crc32'
import { framesOf } from '../../agent/frames'
import { takeLock } from '../../base/pid-lock'
import { Spool } from '../../agent/spool'
import { decodeFrame } from '../../wire/frame'
import { Batch } from '../../wire/table'

const MIB = 1024 * 1024
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-spool-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (maxBytes = 64 * MIB) => new Spool(folder, maxBytes)
const frame = (text: string) => Buffer.from(text)
const segments = () =>
  readdirSync(folder)
    .filter(name => name.endsWith('.seg'))
    .sort()
const newest = () => join(folder, segments().at(-1) ?? '')

/** Takes everything out of a spool, acknowledging each. */
function drain(spool: Spool): string[] {
  const texts: string[] = []
  for (let entry = spool.next(); entry !== undefined; entry = spool.next()) {
    texts.push(`${entry.sequence} ${entry.frame.toString()}`)
    spool.acknowledge(entry.sequence)
  }
  return texts
}

describe('the spool', () => {
  it('gives entries in order, each until it is acknowledged', () => {
    const spool = open()
    spool.append([frame('one')], {})
    spool.append([frame('two')], {})
    expect(spool.next()?.frame.toString()).toBe('one')
    expect(spool.next()?.frame.toString()).toBe('one')
    expect(drain(spool)).toEqual(['1 one', '2 two'])
    expect(spool.next()).toBeUndefined()
  })

  it('goes on after a kill: same identity, entries, cursors and sequence', () => {
    const before = open()
    before.append([frame('one')], { log: { offset: 3 } })
    before.append([frame('two')], { log: { offset: 6 } })
    // A kill closes nothing.
    const after = open()
    expect(after.agent).toBe(before.agent)
    expect(after.cursors).toEqual({ log: { offset: 6 } })
    expect(after.pending).toBe(2)
    expect(after.append([frame('three')], {}).sequence).toBe(3)
    expect(drain(after)).toEqual(['1 one', '2 two', '3 three'])
  })

  it('cuts a torn last entry off, wherever the tear is, and keeps what stands before it', () => {
    const spool = open()
    spool.append([frame('kept')], { at: 1 })
    const whole = statSync(newest()).size
    spool.append([frame('torn')], { at: 2 })
    const bytes = readFileSync(newest())
    for (let size = whole; size < bytes.length; size += 1) {
      writeFileSync(newest(), bytes.subarray(0, size))
      const again = open()
      expect(again.cursors).toEqual({ at: 1 })
      expect(again.pending).toBe(1)
      expect(statSync(newest()).size).toBe(whole)
    }
  })

  it('cuts off an entry of which a bit has turned, and writes on behind the cut', () => {
    const spool = open()
    spool.append([frame('kept')], { at: 1 })
    spool.append([frame('spoiled')], { at: 2 })
    const bytes = readFileSync(newest())
    bytes[bytes.length - 2] = (bytes[bytes.length - 2] ?? 0) ^ 1
    writeFileSync(newest(), bytes)
    open().append([frame('new')], { at: 3 })
    expect(drain(open())).toEqual(['1 kept', '2 new'])
  })

  it('keeps all frames of one append or none', () => {
    const spool = open()
    spool.append([frame('before')], { at: 1 })
    const size = statSync(newest()).size
    spool.append([frame('a'), frame('b'), frame('c')], { at: 2 })
    const bytes = readFileSync(newest())
    for (let cut = size; cut < bytes.length; cut += 1) {
      writeFileSync(newest(), bytes.subarray(0, cut))
      const torn = open()
      expect([torn.pending, torn.cursors]).toEqual([1, { at: 1 }])
    }
    writeFileSync(newest(), bytes)
    expect(drain(open())).toEqual(['1 before', '2 a', '3 b', '4 c'])
  })

  it('deletes acknowledged segments, and still knows cursors and sequence after a restart', () => {
    const spool = open(4 * MIB)
    for (let number = 1; number <= 8; number += 1) spool.append([Buffer.alloc(600_000)], { number })
    expect(segments().length).toBeGreaterThan(2)
    spool.acknowledge(8)
    expect(segments()).toHaveLength(1)
    spool.close()
    const again = open(4 * MIB)
    expect([again.pending, again.cursors]).toEqual([0, { number: 8 }])
    expect(again.append([frame('next')], {}).sequence).toBe(9)
  })

  it('holds its limit by dropping the oldest segments, and counts only what was not acknowledged', () => {
    const spool = open(MIB)
    let dropped = 0
    for (let number = 1; number <= 40; number += 1) {
      dropped += spool.append([Buffer.alloc(100_000)], {}).dropped
      expect(spool.bytes).toBeLessThanOrEqual(MIB)
    }
    expect(dropped).toBe(40 - spool.pending)
    expect(spool.next()?.sequence).toBe(dropped + 1)
  })

  it('never gives a number again that the hub has already', () => {
    const spool = open()
    spool.acknowledge(41)
    expect(spool.append([frame('x')], {}).sequence).toBe(42)
  })

  it('is as it was after an append that the disk did not take', () => {
    // A limit on file size stands for a full disk: the write comes back short, then fails.
    const script = `
      import { Spool } from './agent/spool.ts'
      process.on('SIGXFSZ', () => undefined)
      const spool = new Spool(process.argv[1], 64 * 1048576)
      spool.append([Buffer.from('kept')], { at: 1 })
      try { spool.append([Buffer.alloc(300_000)], { at: 2 }); process.exit(3) } catch {}
      spool.append([Buffer.from('after')], { at: 3 })`
    const command = `ulimit -f 128; exec "$0" --import tsx --input-type=module -e "$1" "$2"`
    const environment = { ...process.env, TSX_DISABLE_CACHE: '1' }
    const result = spawnSync('bash', ['-c', command, process.execPath, script, folder], { env: environment })
    expect([result.status, result.stderr.toString()]).toEqual([0, ''])
    expect(drain(open())).toEqual(['1 kept', '2 after'])
  })

  it('opens on garbage without losing what is good', () => {
    mkdirSync(folder, { recursive: true })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), garbage => {
        rmSync(folder, { recursive: true, force: true })
        open().append([frame('good')], { at: 1 })
        appendFileSync(newest(), garbage)
        const spool = open()
        spool.append([frame('next')], { at: 2 })
        expect(drain(open())).toEqual(['1 good', '2 next'])
      }),
      { numRuns: 40 },
    )
  })

  it('starts empty from an emptied segment', () => {
    open().append([frame('x')], {})
    truncateSync(newest(), 0)
    expect(open().pending).toBe(0)
  })
})

describe('crc32', () => {
  it('is that of IEEE 802.3, by table as by zlib', () => {
    expect(crc32ByTable(Buffer.from('123456789'))).toBe(0xcbf43926)
    fc.assert(fc.property(fc.uint8Array(), bytes => crc32(bytes) === crc32ByTable(bytes)))
  })
})

describe('frames of a batch', () => {
  const batchOf = (rows: number, text: string) => {
    const batch = new Batch()
    for (let step = 0; step < rows; step += 1) batch.add({ kind: 'event', type: 'x', time: step, message: text + step })
    return batch
  }

  it('is one frame as a rule', () => {
    expect(framesOf(batchOf(100, '')).frames).toHaveLength(1)
  })

  it('are several below the limit where one were over it, with every row once and in order', () => {
    const { frames, tooLarge } = framesOf(batchOf(1000, 'm'.repeat(100)), 8192)
    expect(tooLarge).toBe(0)
    expect(Math.max(...frames.map(({ length }) => length))).toBeLessThanOrEqual(8192)
    const times = frames.flatMap(bytes =>
      decodeFrame(bytes)
        .records()
        .map(({ time }) => time),
    )
    expect(times).toEqual(Array.from({ length: 1000 }, (_, step) => step))
  })

  it('leave out, and count, a record that no frame can hold', () => {
    const batch = batchOf(3, '')
    batch.add({ kind: 'event', type: 'x', message: 'm'.repeat(10_000) })
    const { frames, tooLarge } = framesOf(batch, 8192)
    expect([frames.flatMap(bytes => decodeFrame(bytes).records()).length, tooLarge]).toEqual([3, 1])
  })
})

describe('the pid lock', () => {
  const file = () => join(folder, 'lock')

  it('is held once, and free again when released', () => {
    const release = takeLock(file())
    expect(release).toBeTypeOf('function')
    expect(takeLock(file())).toBeUndefined()
    release?.()
    takeLock(file())?.()
  })

  it('is taken over from a dead process, and from another process that has its pid by now', () => {
    const dead = spawnSync('true').pid
    for (const text of [`${dead}`, `${dead} 5 ${hostname()}`, `${process.pid} 5 ${hostname()}`, '', 'garbage']) {
      writeFileSync(file(), text)
      const release = takeLock(file())
      expect(release, text).toBeTypeOf('function')
      release?.()
    }
  })

  it('is respected where a living process holds it', () => {
    writeFileSync(file(), `${process.ppid}`)
    expect(takeLock(file())).toBeUndefined()
  })

  it('of another machine is respected while it is touched', () => {
    writeFileSync(file(), '1 5 another-machine')
    expect(takeLock(file())).toBeUndefined()
  })

  it('given back twice does not take it from the next holder', () => {
    const first = takeLock(file())
    first?.()
    const second = takeLock(file())
    first?.()
    expect(readdirSync(folder)).toContain('lock')
    second?.()
    expect(readdirSync(folder)).toEqual([])
  })
})
