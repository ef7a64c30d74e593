/** The head of a run, notes beside it, what a hub says of itself, and steps as a file of Parquet. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHub, type HubHandle } from '../../hub/hub'
import { runHeadSchema } from '../../wire/api'
import { startRecords, stepRecords, TestAgent } from '../e2e/page-agent'

const RUN = 'noted'
const LONG_AGO = 1_700_000_000

let folder = ''
let hub: HubHandle

const OPTIONS = {
  host: '127.0.0.1',
  port: 0,
  store: '',
  token: '',
  page: undefined,
  notify: ['https://hooks.example.com/services/secret-path'],
  notifySecret: 'another-secret',
  price: { perGpuHour: 2.5, currency: 'USD' },
  log: () => undefined,
}
const open = (): Promise<HubHandle> => startHub({ ...OPTIONS, data: folder })
const ask = async (path: string): Promise<unknown> => (await fetch(`${hub.url}${path}`)).json()
const write = (body: string, run = RUN) => fetch(`${hub.url}/api/runs/${run}/notes`, { method: 'POST', body })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-notes-'))
  hub = await open()
  const agent = await TestAgent.connect(hub.url, 'node-a')
  await agent.send([
    ...startRecords(RUN, 'node-a', 2, LONG_AGO),
    { kind: 'gpu', time: LONG_AGO, node: 'node-a', index: 0, name: 'NVIDIA H100 80GB HBM3', source: 'nvidia-smi' },
    { kind: 'topology', time: LONG_AGO, node: 'node-a', device: 'mlx5_0', switch: 'leaf', rateBitsPerSecond: 4e11 },
  ])
  for (let step = 1; step <= 5; step += 1) await agent.send(stepRecords(RUN, 'node-a', 2, step, LONG_AGO + step))
  agent.close()
}, 120_000)
afterAll(async () => {
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('the head of a run', () => {
  it('has the hardware that is seen, where its configuration does not say', async () => {
    const hardware = { count: 2, peakFlopsPerSecond: 1e11, peakSource: 'measured matmul' }
    const { config } = runHeadSchema.parse(await ask(`/api/runs/${RUN}/head`))
    // Two ranks share a card of 400 Gbit/s.
    expect(config?.hardware).toEqual({ ...hardware, gpu: 'NVIDIA H100 80GB HBM3', networkBytesPerSecond: 2.5e10 })
  })
})

describe('a note', () => {
  it('is an event of its run, stored, and nothing was heard of the run by it', async () => {
    const before = await ask(`/api/runs/${RUN}/head`)
    const answer = await write(JSON.stringify({ time: LONG_AGO + 3, message: ' the switch was changed \n' }))
    expect(await answer.json()).toEqual({ ok: true })
    await write(JSON.stringify({ time: LONG_AGO - 500, message: 'two\nlines <b>' }))
    await hub.close()
    hub = await open()
    expect(await ask(`/api/runs/${RUN}/events`)).toMatchObject([
      { type: 'note', time: LONG_AGO + 3, message: 'the switch was changed' },
      { type: 'note', time: LONG_AGO - 500, message: 'two\nlines <b>' },
    ])
    const after = await ask(`/api/runs/${RUN}/head`)
    const times = ({ summary: { startedAt, lastSeenAt } }: { summary: { startedAt: number; lastSeenAt: number } }) => ({
      startedAt,
      lastSeenAt,
    })
    expect(times(after as never)).toEqual(times(before as never))
  })

  it.each([
    ['no JSON', 'abc', 400],
    ['nothing', '', 400],
    ['an empty text', '{"time":1,"message":"  "}', 400],
    ['a time that is none', '{"time":"now","message":"x"}', 400],
    ['too much', JSON.stringify({ time: 1, message: 'x'.repeat(20_000) }), 413],
  ])('of %s is refused', async (_, body, status) => {
    expect((await write(body)).status).toBe(status)
  })

  it('of a run that is not known is refused, and one that a page elsewhere sends', async () => {
    expect((await write('{"time":1,"message":"x"}', 'nothing')).status).toBe(404)
    const headers = { origin: 'http://elsewhere.example' }
    const foreign = await fetch(`${hub.url}/api/runs/${RUN}/notes`, { method: 'POST', headers, body: '{}' })
    expect(foreign.status).toBe(403)
  })
})

describe('what a hub says of itself', () => {
  it('has no secret in it', async () => {
    const said = await ask('/api/settings')
    expect(said).toMatchObject({ pricePerGpuHour: 2.5, currency: 'USD', notifies: ['hooks.example.com'] })
    expect(JSON.stringify(said)).not.toContain('secret-path')
    expect(JSON.stringify(said)).not.toContain('another-secret')
  })
})

describe('steps as Parquet', () => {
  it('are a whole file, with as many bytes as its foot says', async () => {
    const response = await fetch(`${hub.url}/api/runs/${RUN}/steps.parquet`)
    expect(response.headers.get('content-disposition')).toContain('noted-steps.parquet')
    const file = Buffer.from(await response.arrayBuffer())
    expect([file.subarray(0, 4).toString(), file.subarray(-4).toString()]).toEqual(['PAR1', 'PAR1'])
    const foot = file.readUInt32LE(file.length - 8)
    const names = file.subarray(file.length - 8 - foot).toString('latin1')
    for (const name of ['step', 'rank', 'time', 'stepSeconds', 'communicationSeconds']) expect(names).toContain(name)
  })
})
