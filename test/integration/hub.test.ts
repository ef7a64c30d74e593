import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endpoints } from '../../hub/http/index'
import type { LiveUpdate, NodeInfo, RunDetail } from '../../wire/api'
import { encodeFrame } from '../../wire/frame'
import { LIVE_NAMESPACE } from '../../wire/live'
import { AGENT_NAMESPACE, PROTOCOL, type Reply } from '../../wire/messages'
import { startRecords, stepRecords, TestAgent } from '../e2e/page-agent'
import { eventually, freePort, startHubProcess, storedSteps, type Running } from '../plumbline'
import { batchOf } from '../unit/records'

const RUN = 'it\'s; a "run"/..\\ %2e'
const RANKS = 2

let folder: string
let port: number
let url: string
let hub: Running
let good: TestAgent
const sockets: Socket[] = []
const now = () => Date.now() / 1000

const get = async <T>(path: string) => (await (await fetch(`${url}${path}`)).json()) as T
const start = () => startHubProcess(port, join(folder, 'hub'), ['--no-page'])

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-hub-'))
  port = await freePort()
  url = `http://127.0.0.1:${port}`
  hub = await start()
  good = await TestAgent.connect(url, 'good')
  await good.send(startRecords(RUN, 'good', RANKS, now()))
})
afterAll(async () => {
  for (const socket of sockets) socket.disconnect()
  good.close()
  await hub.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function open(namespace = AGENT_NAMESPACE): Promise<Socket> {
  const socket = io(`${url}${namespace}`, { transports: ['websocket'], forceNew: true, reconnection: false })
  sockets.push(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  return socket
}
const ask = async (socket: Socket, event: string, ...values: unknown[]) =>
  (await socket.timeout(5000).emitWithAck(event, ...values)) as Reply
const hello = (agent: string, more: object = {}) => ({
  protocol: PROTOCOL,
  version: 'test',
  agent,
  node: agent,
  ...more,
})
const frame = (step: number) => encodeFrame(batchOf(stepRecords('other', 'bad', 1, step, now())))

describe('a hostile agent', () => {
  it.each([
    ['nothing', null],
    ['a text', 'hello'],
    ['a list', [1, 2, 3]],
    ['half a greeting', { protocol: PROTOCOL }],
    ['a huge name', hello('x'.repeat(100_000))],
    ['no name', hello('')],
    ['a poisoned object', JSON.parse('{"__proto__":{"agent":"x"},"constructor":{"prototype":{"node":"y"}}}')],
  ])('that greets with %s is told what is wrong', async (_, greeting) => {
    const reply = await ask(await open(), 'hello', greeting)
    expect(reply).toMatchObject({ ok: false, retry: false, fix: expect.stringContaining('version') as string })
  })

  it('of another protocol is told so, and so is the page', async () => {
    const reply = await ask(await open(), 'hello', hello('old', { protocol: 99 }))
    expect(reply).toMatchObject({
      ok: false,
      error: `the agent speaks protocol 99, this hub ${PROTOCOL}`,
      retry: false,
    })
    const old = (await get<NodeInfo[]>('/api/nodes')).find(({ node }) => node === 'old')
    expect(old?.refusals[0]).toMatchObject({ error: expect.stringContaining('protocol 99') as string })
    expect(old?.connected).toBe(false)
  })

  it('that sends before it greets is asked to greet', async () => {
    expect(await ask(await open(), 'batch', 1, frame(1))).toMatchObject({ ok: false, retry: true })
  })

  it('that sends what is no frame is refused frame by frame, and its good frames are taken', async () => {
    const socket = await open()
    expect(await ask(socket, 'hello', hello('sloppy'))).toEqual({ ok: true, sequence: 0 })
    const whole = frame(1)
    const claims = Buffer.from(whole)
    claims.writeUInt32LE(0xffffffff, 4)
    const bad: unknown[] = [
      ...[
        Buffer.alloc(0),
        Buffer.from('PLB1'),
        Buffer.alloc(1_000_000, 7),
        whole.subarray(0, whole.length - 3),
        claims,
      ],
      ...[null, 'frame', { data: whole }, 42],
    ]
    for (const [index, bytes] of bad.entries())
      expect(await ask(socket, 'batch', index + 1, bytes)).toMatchObject({ ok: false, retry: false })
    for (const sequence of [0, -1, 1.5, 1e300, '1', null])
      expect(await ask(socket, 'batch', sequence, whole)).toMatchObject({ ok: false })
    expect(await ask(socket, 'batch', 100, whole)).toEqual({ ok: true, sequence: 100 })
  })

  it('that wants no answer, talks gibberish or leaves in the middle harms nobody', async () => {
    const socket = await open()
    socket.emit('hello', hello('rude'))
    socket.emit('batch', 1, frame(1))
    socket.emit('batch')
    socket.emit('nonsense', { deep: { er: [] } })
    void ask(socket, 'hello', hello('rude')).catch(() => undefined)
    void ask(socket, 'batch', 1, frame(2)).catch(() => undefined)
    socket.disconnect()
    const watcher = await open(LIVE_NAMESPACE)
    for (const run of [undefined, 42, {}, 'x'.repeat(10_000), 'no such run']) watcher.emit('watch', run)
    await good.send(stepRecords(RUN, 'good', RANKS, 0, now()))
    expect((await get<RunDetail>(`/api/runs/${encodeURIComponent(RUN)}`)).summary.step).toBe(0)
  })

  it('that takes the name of another takes its place: one of the two sends', async () => {
    const first = await open()
    const second = await open()
    await ask(first, 'hello', hello('twin'))
    await ask(second, 'hello', hello('twin'))
    await eventually('the end of the first', () => Promise.resolve(first.disconnected))
    expect(await ask(second, 'batch', 1, frame(3))).toEqual({ ok: true, sequence: 1 })
  })

  it('that calls itself otherwise on one connection leaves no ghost', async () => {
    const socket = await open()
    for (const name of ['ghost-1', 'ghost-2']) await ask(socket, 'hello', hello(name))
    socket.disconnect()
    await eventually('both to be gone', async () =>
      (await get<NodeInfo[]>('/api/nodes'))
        .filter(({ node }) => node.startsWith('ghost'))
        .every(({ connected }) => !connected),
    )
  })
})

/** A raw request: fetch would tidy the path and the headers. */
function raw(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, response => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** What has to be asked besides the run. */
const ASKED: Readonly<Record<string, string>> = {
  '/api/runs/:run/peers': '?rank=0',
  '/api/runs/:run/evidence/:import/window': '?device=0&of=blocks&from=0&to=1',
  '/api/runs/:run/evidence/:import/moment': '?device=0&entry=0',
  '/api/runs/:run/evidence/:import/entries': '?device=0&from=0&count=1',
}

describe('the HTTP door', () => {
  const read = [...endpoints].filter(({ method = 'GET' }) => method === 'GET')
  it.each(read.map(({ path }) => path))('answers %s, and a run that is not known with 404', async path => {
    // Only a run that ran out of memory has a post-mortem.
    if (path.includes('post-mortem'))
      await good.send([{ kind: 'event', type: 'oom', run: RUN, time: now(), message: 'CUDA out of memory.' }])
    // What is of one import alone, test/integration/black-box has.
    if (!path.includes(':import')) {
      const known = await fetch(url + path.replace(':run', encodeURIComponent(RUN)) + (ASKED[path] ?? ''))
      expect(known.status).toBe(200)
      expect((await known.text()).length).toBeGreaterThan(1)
    }
    if (!path.includes(':run')) return
    const unknown = await fetch(url + path.replace(':run', 'nobody') + (ASKED[path] ?? ''))
    expect(unknown.status).toBe(404)
    expect(await unknown.json()).toMatchObject({ error: 'there is no run "nobody"' })
  })

  it.each([
    ['/steps?points=0', 400],
    ['/steps?points=abc', 400],
    ['/steps?from=NaN', 400],
    ['/steps?points=99999999', 400],
    ['/ranks?metric=nonsense', 400],
    ['/events?limit=-1', 400],
    ['/nonsense', 404],
  ])('answers %s of a run with %i and what to do', async (path, status) => {
    const answer = await fetch(`${url}/api/runs/${encodeURIComponent(RUN)}${path}`)
    expect(answer.status).toBe(status)
    const { error, fix } = (await answer.json()) as { error: string; fix?: string }
    expect(error).not.toBe('')
    expect(fix).not.toBe('')
  })

  it('survives any path', async () => {
    for (const path of [
      '//',
      '//evil',
      '/\\',
      '/api/runs/%',
      '/api/runs/%00',
      '/api//',
      '/api/runs/../../etc/passwd',
      '/%2e%2e/',
    ])
      expect((await raw(path)).status).toBeGreaterThanOrEqual(200)
    expect((await raw('/api/runs', {}, 'POST')).status).toBe(405)
    expect((await raw('/api/health')).status).toBe(200)
  })

  it('answers on the loopback to loopback names only', async () => {
    expect((await raw('/api/runs', { host: 'evil.example' })).status).toBe(421)
    expect((await raw('/api/runs', { host: `localhost:${port}` })).status).toBe(200)
    const socket = io(`${url}${LIVE_NAMESPACE}`, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      extraHeaders: { host: 'evil.example' },
    })
    await expect(
      new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject)),
    ).rejects.toThrow()
    socket.disconnect()
  })

  it('exports all steps, far apart as they may be', async () => {
    for (const step of [7, 5_000, 4e15, 1e300]) await good.send(stepRecords('sparse', 'good', 1, step, now()))
    expect(await storedSteps(url, 'sparse')).toEqual(['7,0', '5000,0', '4000000000000000,0', '1e+300,0'])
    for (const path of ['/api/runs', '/api/runs/sparse', '/api/runs/sparse/steps', '/api/runs/sparse/ranks'])
      expect((await fetch(url + path)).status).toBe(200)
  })
})

describe('a page', () => {
  it('that says up to when it has a run is told what came since, unless that is too long ago', async () => {
    const from = now() - 30
    for (let step = 0; step < 30; step += 1) await good.send(stepRecords('watched', 'good', 1, step, from + step))
    const watcher = await open(LIVE_NAMESPACE)
    const steps: number[] = []
    watcher.on('update', (update: LiveUpdate) => steps.push(...update.steps.step))
    expect(await ask(watcher, 'watch', 'watched', from - 3600)).toBe(false)
    await eventually('the newest steps', () => Promise.resolve(steps.includes(29)))
    expect(steps).not.toContain(10)
    expect(await ask(watcher, 'watch', 'watched', from + 10)).toBe(true)
    await eventually('those since', () => Promise.resolve(steps.includes(11)))
    expect(steps).not.toContain(1)
  })
})

describe('the end of a hub', () => {
  it('comes at once though somebody watches and steps stream in, and what it acknowledged is there afterwards', async () => {
    const watcher = await open(LIVE_NAMESPACE)
    let updates = 0
    watcher.on('update', () => (updates += 1))
    watcher.emit('watch', 'ending')
    let step = 0
    let over = false
    const sending = (async () => {
      while (!over) {
        await good.send(stepRecords('ending', 'good', RANKS, step, now()))
        step += 1
      }
    })().catch(() => undefined)
    await eventually('updates', () => Promise.resolve(updates > 3 && step > 10))
    hub.child.kill('SIGTERM')
    const { code } = await hub.ended
    over = true
    good.close()
    await sending
    expect(code).toBe(0)
    expect(hub.output.stderr).not.toMatch(/closed|Error/)
    hub = await start()
    const stored = await storedSteps(url, 'ending')
    const acknowledged = Array.from({ length: step * RANKS }, (_, i) => `${Math.floor(i / RANKS)},${i % RANKS}`)
    // The step on its way at the end may be stored as well.
    expect(stored.slice(0, acknowledged.length)).toEqual(acknowledged)
    expect(new Set(stored).size).toBe(stored.length)
    good = await TestAgent.connect(url, 'good')
  })
})
