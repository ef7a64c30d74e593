/** One agent after the other does what it may not; each is told which limit it met, and a good one beside them notices nothing. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHub, type HubHandle } from '../../hub/hub'
import type { NodeInfo, RunSummary } from '../../wire/api'
import { encodeFrame } from '../../wire/frame'
import { DEFAULT_LIMITS, type LimitName } from '../../wire/limits'
import { AGENT_NAMESPACE, PROTOCOL, type Reply } from '../../wire/messages'
import type { WireRecord } from '../../wire/records'
import { startRecords, stepRecords, TestAgent } from '../e2e/page-agent'
import { eventually } from '../plumbline'
import { batchOf } from '../unit/records'

const LIMITS = {
  ...DEFAULT_LIMITS,
  ...{ batchesPerSecond: 5, bytesPerSecond: 200_000, nodes: 20, runs: 10, ranks: 50, devices: 30, labels: 40 },
  ...{ runsInAll: 25, runsOnMetrics: 6 },
}
let folder: string
let hub: HubHandle
let good: TestAgent
let step = 0
const sockets: Socket[] = []
const now = () => Date.now() / 1000

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-limits-'))
  hub = await startHub({
    ...{ host: '127.0.0.1', port: 0, data: folder, store: '', token: '', page: undefined, limits: LIMITS },
    log: () => undefined,
  })
  good = await TestAgent.connect(hub.url, 'good')
  await good.send(startRecords('good run', 'good', 2, now()))
})
afterAll(async () => {
  good.close()
  for (const socket of sockets) socket.close()
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})

const get = async <T>(path: string) => (await (await fetch(hub.url + path)).json()) as T
const ask = async (socket: Socket, event: string, ...values: unknown[]) =>
  (await socket.timeout(30_000).emitWithAck(event, ...values)) as Reply
const hello = (agent: string) => ({ protocol: PROTOCOL, version: 'test', agent, node: agent })
const frame = (records: readonly WireRecord[]) => encodeFrame(batchOf(records))
async function open(agent: string): Promise<Socket> {
  const socket = io(hub.url + AGENT_NAMESPACE, { transports: ['websocket'], forceNew: true, reconnection: false })
  sockets.push(socket)
  await new Promise<void>(resolve => socket.once('connect', resolve))
  await ask(socket, 'hello', hello(agent))
  return socket
}
const many = (count: number, record: (at: number) => WireRecord) => Array.from({ length: count }, (_, at) => record(at))
const counted = async (limit: LimitName) => {
  const text = await (await fetch(`${hub.url}/metrics`)).text()
  return Number(
    new RegExp(`^plumbline_hub_limit_refusals_total\\{limit="${limit}"\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0,
  )
}

/** What the good agent sends is taken, and what it says is told. */
async function goodIsServed(): Promise<void> {
  step += 1
  await good.send(stepRecords('good run', 'good', 2, step, now()))
  const told = (await get<RunSummary[]>('/api/runs')).find(({ run }) => run === 'good run')
  expect([told?.state, told?.step]).toEqual(['live', step])
}

const NAMES: readonly (readonly [LimitName, (at: number) => WireRecord])[] = [
  ['nodes', at => ({ kind: 'host', time: now(), node: `n-${at}`, cpuCount: 1 })],
  ['runs', at => ({ kind: 'event', time: now(), run: `r-${at}`, type: 'checkpoint' })],
  ['ranks', at => ({ kind: 'step', time: now(), run: 'ranks', rank: at, step: 1, source: 'hook' })],
  ['devices', at => ({ kind: 'gpu', time: now(), node: 'n', index: 0, uuid: `GPU-${at}` })],
  ['labels', at => ({ kind: 'collective', time: now(), run: 'labels', group: `g-${at}`, seconds: 1 })],
]

describe('a hostile agent', () => {
  it.each(NAMES)('that brings %s without end is told the limit and its setting, and counted', async (limit, record) => {
    const socket = await open(`many-${limit}`)
    expect(await ask(socket, 'batch', 1, frame(many(LIMITS[limit], record)))).toMatchObject({ ok: true })
    const refused = await ask(socket, 'batch', 2, frame(many(1, () => record(LIMITS[limit] + 1))))
    expect(refused).toMatchObject({
      ...{ ok: false, retry: false },
      error: expect.stringContaining(`more than ${LIMITS[limit]} `) as string,
      fix: expect.stringContaining(`--agent-limits ${limit}=${2 * LIMITS[limit]}`) as string,
    })
    // What it brought before goes on.
    expect(await ask(socket, 'batch', 3, frame([record(0)]))).toMatchObject({ ok: true })
    expect(await counted(limit)).toBe(1)
    const shown = (await get<NodeInfo[]>('/api/nodes')).find(({ node }) => node === `many-${limit}`)
    expect(shown?.refusals.at(-1)?.fix).toContain(limit)
    await goodIsServed()
  })

  it('that sends many batches, or many bytes, is told to wait, and what it sends later is taken', async () => {
    const fast = await open('fast')
    const answers = await Promise.all(
      many(200, () => ({ kind: 'host', time: now(), node: 'fast' })).map((record, at) =>
        ask(fast, 'batch', at + 1, frame([record])),
      ),
    )
    const refused = answers.filter(({ ok }) => !ok)
    expect(refused.length).toBeGreaterThan(50)
    for (const answer of refused)
      expect(answer).toMatchObject({ retry: true, fix: expect.stringContaining('batchesPerSecond') as string })
    const large = await open('large')
    const text = 'x'.repeat(60_000)
    const heavy = many(40, at => ({ kind: 'line', time: now(), run: 'large', text: `${at}${text}` }))
    const outcomes = await Promise.all([0, 1, 2].map(at => ask(large, 'batch', at + 1, frame(heavy))))
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, false])
    expect(outcomes[1]).toMatchObject({ retry: true, fix: expect.stringContaining('bytesPerSecond') as string })
    await goodIsServed()
    await eventually(
      'the batch, later',
      async () => (await ask(fast, 'batch', 1000, frame([{ kind: 'host', node: 'fast' }]))).ok,
    )
  })

  it('that is deaf to it, or greets under ever new names, is cut off', async () => {
    const deaf = await open('deaf')
    const gone = new Promise(resolve => deaf.once('disconnect', resolve))
    for (let at = 1; at <= 600; at += 1)
      deaf.emit('batch', at, frame([{ kind: 'host', node: 'deaf' }]), () => undefined)
    expect(await gone).toBe('io server disconnect')
    const many = await open('name-0')
    const away = new Promise(resolve => many.once('disconnect', resolve))
    for (let at = 1; at < 20; at += 1) many.emit('hello', hello(`name-${at}`), () => undefined)
    expect(await away).toBe('io server disconnect')
    await goodIsServed()
  })

  it('that others help with more runs than the hub knows is refused the new ones; /metrics tells of a few', async () => {
    const before = (await get<RunSummary[]>('/api/runs')).length
    for (let at = 0; before + at < LIMITS.runsInAll; at += 1) {
      const one = await open(`helper-${at}`)
      const started = {
        kind: 'run' as const,
        time: now(),
        run: `all-${at}`,
        state: 'started',
        name: `x "${'y'.repeat(500)}`,
      }
      expect(await ask(one, 'batch', 1, frame([started]))).toMatchObject({ ok: true })
    }
    const last = await open('last')
    const refused = await ask(
      last,
      'batch',
      1,
      frame([{ kind: 'run', time: now(), run: 'too many', state: 'started' }]),
    )
    expect(refused).toMatchObject({ ok: false, fix: expect.stringContaining('runsInAll') as string })
    expect(await get<RunSummary[]>('/api/runs')).toHaveLength(LIMITS.runsInAll)
    const metrics = await (await fetch(`${hub.url}/metrics`)).text()
    const states = metrics.split('\n').filter(line => line.startsWith('plumbline_run_state{'))
    expect(states).toHaveLength(LIMITS.runsOnMetrics)
    expect(metrics).toMatch(/^plumbline_hub_runs_left_out [1-9]/m)
    expect(metrics).not.toContain('y'.repeat(201))
    await goodIsServed()
  })
})
