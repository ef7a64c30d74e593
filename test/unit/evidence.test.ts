/** Evidence on its way: from an parcels in pieces to the hub's folder, through any end of either side. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BlackBox } from '../../agent/black-box'
import { Parcels } from '../../agent/parcels'
import { Evidence } from '../../hub/evidence'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-evidence-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const about = { run: 'a/run', kind: 'memory-snapshot', name: 'snapshot.pickle', time: 1 } as const
const bytes = Buffer.from(Array.from({ length: 2_500_000 }, (_, at) => (at * 31) % 251))

function written(): string {
  const path = join(folder, 'snapshot.pickle')
  writeFileSync(path, bytes)
  return path
}
const openHub = (read = () => Promise.resolve({ devices: [] } as unknown)) =>
  new Evidence(join(folder, 'hub'), { summary: read, ask: () => Promise.resolve(undefined) }, () => undefined)

/** Sends pieces until nothing waits, or `most` of them went. */
async function send(parcels: Parcels, hub: Evidence, most = Infinity): Promise<number> {
  let sent = 0
  for (let piece = parcels.next(); piece !== undefined && sent < most; piece = parcels.next(), sent += 1) {
    const reply = await hub.take(piece.about, piece.offset, piece.bytes)
    if (reply.ok) parcels.acknowledge(reply.sequence)
    else parcels.drop()
  }
  return sent
}

describe('evidence', () => {
  it('comes whole, though both sides end in between, and is sent from where it stopped', async () => {
    const box = new Parcels(join(folder, 'out'))
    box.add(written(), about)
    expect(await send(box, openHub(), 2)).toBe(2)
    expect(await openHub().list('a/run')).toMatchObject([{ state: 'coming', heldBytes: 1024 * 1024 }])
    const again = new Parcels(join(folder, 'out'))
    const hub = openHub()
    expect(again.pending).toBe(1)
    // One to hear what is there, two pieces that were missing.
    expect(await send(again, hub)).toBe(3)
    await hub.close()
    const [found] = await hub.list('a/run')
    expect(found).toMatchObject({ state: 'ready', heldBytes: bytes.length, name: 'snapshot.pickle' })
    const file = await hub.file('a/run', found?.id ?? '')
    expect(readFileSync(file?.path ?? '').equals(bytes)).toBe(true)
    expect(await hub.summary('a/run', found?.id ?? '')).toBe('{"devices":[]}')
    expect(readdirSync(join(folder, 'out'))).toEqual([])
  })

  it('is written once, though a piece comes twice or out of turn', async () => {
    const box = new Parcels(join(folder, 'out'))
    box.add(written(), about)
    const hub = openHub()
    const whole = { ...about, id: 'abcdefgh', bytes: 6 }
    const take = async (offset: number, text: string) => hub.take(whole, offset, Buffer.from(text))
    expect(await take(0, 'abc')).toEqual({ ok: true, sequence: 3 })
    expect(await take(0, 'abc')).toEqual({ ok: true, sequence: 3 })
    expect(await take(5, 'f')).toEqual({ ok: true, sequence: 3 })
    expect(await take(3, 'defXYZ')).toEqual({ ok: true, sequence: 6 })
    expect(readFileSync((await hub.file('a/run', 'abcdefgh'))?.path ?? '', 'utf8')).toBe('abcdef')
    await hub.close()
  })

  it('goes by age, and for newer evidence the oldest first: that is said, and it is not taken again', async () => {
    const root = join(folder, 'hub')
    const of = (id: string) => ({ ...about, id: `evidence-${id}`, bytes: 100 })
    const aged = (id: string, seconds: number) => {
      const at = Date.now() / 1000 - seconds
      utimesSync(join(root, 'run-a%2Frun', `evidence-${id}.bytes`), at, at)
    }
    const open = () => new Evidence(root, undefined, () => undefined, { bytes: 250, seconds: 1000 })
    const hub = open()
    for (const [id, seconds] of [
      ['old', 300],
      ['older', 500],
    ] as const) {
      await hub.take(of(id), 0, Buffer.alloc(100))
      aged(id, seconds)
    }
    expect(await hub.take(of('new'), 0, Buffer.alloc(100))).toEqual({ ok: true, sequence: 100 })
    const states = async (from: Evidence) => (await from.list('a/run')).map(({ id, state }) => `${id} ${state}`).sort()
    expect(await states(hub)).toEqual(['evidence-new reading', 'evidence-old reading', 'evidence-older dropped'])
    expect((await hub.list('a/run')).find(({ state }) => state === 'dropped')?.error).toContain('the oldest goes first')
    expect(await hub.take(of('older'), 0, Buffer.alloc(100))).toMatchObject({ ok: false, retry: false })
    expect(await hub.file('a/run', 'evidence-older')).toBeUndefined()
    expect(await hub.take({ ...of('huge'), bytes: 300 }, 0, Buffer.alloc(100))).toMatchObject({ ok: false })
    expect(await states(hub)).toContain('evidence-old reading')
    await hub.close()
    aged('new', 2000)
    const again = open()
    expect(await states(again)).toContain('evidence-new dropped')
    await again.close()
  })

  it('that cannot be read is kept, with the reason', async () => {
    const hub = openHub(() => Promise.reject(new Error('no pickle')))
    await hub.take({ ...about, id: 'abcdefgh', bytes: 1 }, 0, Buffer.from('x'))
    await hub.close()
    expect(await hub.list('a/run')).toMatchObject([{ state: 'failed', error: 'no pickle' }])
  })

  it('is refused where it is none, too large, or told of elsewhere', async () => {
    const hub = openHub()
    const whole = { ...about, id: 'abcdefgh', bytes: 3 }
    const refusals = [
      await hub.take({ ...whole, id: '../../etc/passwd' }, 0, Buffer.from('x')),
      await hub.take({ ...whole, bytes: 3 * 1024 ** 3 }, 0, Buffer.from('x')),
      await hub.take({ ...whole, kind: 'song' }, 0, Buffer.from('x')),
      await hub.take(whole, 0, 'text'),
      await hub.take(undefined, undefined, undefined),
    ]
    expect(refusals.map(({ ok }) => ok)).toEqual([false, false, false, false, false])
    expect(await hub.file('a/run', '../abcdefgh')).toBeUndefined()
    await hub.take({ ...whole, run: '../..' }, 0, Buffer.from('abc'))
    expect(readdirSync(join(folder, 'hub'))).toEqual(['run-..%2F..'])
    await hub.close()
  })

  it('that does not fit an parcels is refused, and a torn one forgotten', () => {
    const box = new Parcels(join(folder, 'out'), 3_000_000)
    const path = written()
    box.add(path, about)
    expect(() => box.add(path, about)).toThrow(/too large to be kept/)
    writeFileSync(join(folder, 'out', 'torn.bytes'), 'x')
    writeFileSync(join(folder, 'out', 'torn.json'), '{"id":')
    expect(new Parcels(join(folder, 'out')).pending).toBe(1)
    expect(readdirSync(join(folder, 'out'))).toHaveLength(2)
  })
})

describe('a black box', () => {
  it('keeps what was appended, through a torn end, and never more than its ring', () => {
    let now = 1000
    const open = () => new BlackBox(join(folder, 'box'), () => now)
    const box = open()
    expect(box.isLeftOver).toBe(false)
    for (let at = 0; at < 3000; at += 1) {
      now += 1
      if (at % 3 === 0) box.output('stderr', Buffer.from(`line ${at}\n`))
      box.append([Buffer.from(`frame ${at}`)])
    }
    const names = readdirSync(join(folder, 'box'))
    expect(names).toHaveLength(12)
    const last = join(folder, 'box', names.sort().at(-1) ?? '')
    writeFileSync(last, readFileSync(last).subarray(0, -3))
    const again = open()
    expect(again.isLeftOver).toBe(true)
    const entries = [...again.entries()]
    const frames = entries.flatMap(entry => ('frame' in entry ? [entry.frame.toString()] : []))
    expect(frames.at(-1)).toBe('frame 2998')
    expect(frames.length).toBeGreaterThan(300)
    expect(
      entries.some(entry => 'output' in entry && entry.output === 'stderr' && entry.text.toString() === 'line 2997\n'),
    ).toBe(true)
    again.clear()
    expect(readdirSync(join(folder, 'box'))).toEqual([])
  })

  it('holds a flood: the end of what is printed, and files of bounded size', () => {
    let now = 1000
    const box = new BlackBox(join(folder, 'box'), () => now)
    for (let at = 0; at < 60; at += 1) {
      now += 0.25
      box.output('stdout', Buffer.alloc(1_000_000, 'x'))
      box.append([Buffer.alloc(1_000_000)])
    }
    const bytes = readdirSync(join(folder, 'box')).reduce(
      (sum, name) => sum + statSync(join(folder, 'box', name)).size,
      0,
    )
    expect(bytes).toBeLessThan(28 * 1024 * 1024)
  })
})
