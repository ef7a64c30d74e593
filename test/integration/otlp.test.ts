/** The OTLP door of a real hub: the agent's own OpenTelemetry exporter against it, and bodies of those who mean ill. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openOtlp } from '../../agent/otlp'
import { startHub, type HubHandle } from '../../hub/hub'
import { encodeField } from '../../base/protobuf'
import { openStore } from '../../hub/store/store'
import type { NodeInfo } from '../../wire/api'
import { batchOf } from '../unit/records'

const TOKEN = 'open sesame'
let folder: string
let hub: HubHandle
const open = () =>
  startHub({
    host: '127.0.0.1',
    port: 0,
    data: join(folder, 'hub'),
    store: '',
    token: TOKEN,
    page: undefined,
    log: () => undefined,
  })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-otlp-'))
  hub = await open()
})
afterAll(async () => {
  await hub.close()
  rmSync(folder, { recursive: true, force: true })
})

const JSON_TYPE = 'application/json'
const PROTOBUF = 'application/x-protobuf'
const send = (body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${hub.url}/v1/metrics`, {
    method: 'POST',
    body: new Uint8Array(Buffer.from(body as string)),
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': JSON_TYPE, ...headers },
  })

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } })
const point = (labels: Record<string, string>, value: number | string) => ({
  attributes: Object.entries(labels).map(([key, text]) => attribute(key, text)),
  timeUnixNano: '1763100000000000000',
  asDouble: value,
})
const requestOf = (node: string | undefined, metrics: object[]) =>
  JSON.stringify({
    resourceMetrics: [
      {
        resource: { attributes: node === undefined ? [] : [attribute('host.name', node)] },
        scopeMetrics: [{ metrics }],
      },
    ],
  })
const utilization = (value: number | string) => ({
  name: 'DCGM_FI_DEV_GPU_UTIL',
  gauge: { dataPoints: [point({ gpu: '3', UUID: 'GPU-7', Hostname: 'pod-x' }, value)] },
})

/** What the store holds, read when the hub is closed; then the hub is opened again. */
async function stored(sql: string) {
  await hub.close()
  const store = await openStore({ data: join(folder, 'hub'), store: '' })
  const columns = await store.query(sql)
  await store.close()
  hub = await open()
  return columns
}

describe('OTLP over HTTP', () => {
  it('takes JSON, and tells what it did not store', async () => {
    const unknown = { name: 'my.metric', gauge: { dataPoints: [point({}, 1), point({}, 2)] } }
    const histogram = { name: 'h', histogram: { dataPoints: [{ count: 1 }] } }
    const answer = await send(requestOf('json-node', [utilization(42), unknown, histogram]))
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({
      partialSuccess: { rejectedDataPoints: '3', errorMessage: expect.stringContaining('my.metric') as string },
    })
    const whole = await send(gzipSync(requestOf('json-node', [utilization(43)])), { 'content-encoding': 'gzip' })
    expect([whole.status, await whole.json()]).toEqual([200, {}])
    const nodes = (await (await fetch(`${hub.url}/api/nodes`)).json()) as NodeInfo[]
    expect(nodes.map(({ node }) => node)).toContain('json-node')
    const columns = await stored(
      `SELECT toString(node) AS node, index, utilizationRatio, time FROM gpu WHERE node = 'json-node' ORDER BY sequence`,
    )
    expect(columns).toEqual({
      node: ['json-node', 'json-node'],
      index: [3, 3],
      utilizationRatio: [0.42, 0.43],
      time: [1763100000, 1763100000],
    })
  })

  it('has no place for what speaks of no node', async () => {
    const metric = { name: 'system.memory.limit', sum: { dataPoints: [point({}, 1)], aggregationTemporality: 2 } }
    const answer = await send(requestOf(undefined, [metric]))
    expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedDataPoints: '1' } })
  })

  it('stores what the agent’s own exporter sends, as it sends it', async () => {
    process.env['OTEL_EXPORTER_OTLP_HEADERS'] = `authorization=Bearer%20${encodeURIComponent(TOKEN)}`
    const exporter = openOtlp({ metrics: hub.url, traces: '', log: line => expect(line).toBe('') })
    exporter.observe(
      batchOf([
        {
          kind: 'gpu',
          node: 'sdk-node',
          index: 5,
          name: 'NVIDIA H200',
          utilizationRatio: 0.5,
          memoryUsedBytes: 123456789012,
          powerWatts: 612.5,
          temperatureCelsius: 61,
          smClockHertz: 1.98e9,
        },
        { kind: 'host', node: 'sdk-node', memoryTotalBytes: 2e12, loadAverage: 3.5 },
      ]),
    )
    await exporter.close()
    const gpu = await stored(
      `SELECT any(toString(name)) AS name, max(utilizationRatio) AS utilization, max(memoryUsedBytes) AS memory, max(powerWatts) AS power,
         max(temperatureCelsius) AS temperature, max(smClockHertz) AS clock FROM gpu WHERE node = 'sdk-node' AND index = 5`,
    )
    expect(gpu).toEqual({
      name: ['NVIDIA H200'],
      utilization: [0.5],
      memory: [123456789012],
      power: [612.5],
      temperature: [61],
      clock: [1.98e9],
    })
    const host = await stored(`SELECT memoryTotalBytes AS total, loadAverage AS load FROM host WHERE node = 'sdk-node'`)
    expect(host).toEqual({ total: [2e12], load: [3.5] })
  })
})

describe('the OTLP door', () => {
  it.each([
    ['a wrong token', '{}', { authorization: 'Bearer wrong' }, 401],
    ['another type', '{}', { 'content-type': 'text/plain' }, 415],
    ['another packing', '{}', { 'content-encoding': 'br' }, 415],
    ['a page of another origin', '{}', { origin: 'http://evil.example' }, 403],
    ['no JSON', '{"resourceMetrics":[', {}, 400],
    ['no gzip', 'plain', { 'content-encoding': 'gzip' }, 400],
    ['a cut message', Buffer.from([0x0a, 0x7f, 1]), { 'content-type': PROTOBUF }, 400],
    [
      'a length beyond all bounds',
      Buffer.from([0x0a, ...Array<number>(9).fill(0xff), 1]),
      { 'content-type': PROTOBUF },
      400,
    ],
    ['a huge body', Buffer.alloc(9 * 1024 * 1024), {}, 413],
    ['a bomb', gzipSync(Buffer.alloc(64 * 1024 * 1024)), { 'content-encoding': 'gzip' }, 413],
  ] as const)('refuses %s and goes on', async (_, body, headers, status) => {
    const answer = await send(body as string | Buffer, headers as unknown as Record<string, string>)
    expect(answer.status).toBe(status)
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(5)
    expect((await send(requestOf('n', [utilization(1)]))).status).toBe(200)
  })

  it('answers a message with a message, and a GET with what to do', async () => {
    const empty = await send(Buffer.alloc(0), { 'content-type': PROTOBUF })
    expect([empty.status, empty.headers.get('content-type')]).toEqual([200, PROTOBUF])
    expect((await empty.arrayBuffer()).byteLength).toBe(0)
    const metric = Buffer.concat([encodeField(1, 'odd'), encodeField(5, encodeField(1, ''))])
    const odd = await send(encodeField(1, encodeField(2, encodeField(2, metric))), { 'content-type': PROTOBUF })
    const text = Buffer.from(await odd.arrayBuffer()).toString('latin1')
    expect([odd.status, text]).toEqual([200, expect.stringContaining('odd')])
    expect((await fetch(`${hub.url}/v1/metrics`)).status).toBe(405)
  })

  it.each([
    'null',
    '[]',
    '3',
    '{"resourceMetrics":{"a":1}}',
    '{"resourceMetrics":[null,[],{"scopeMetrics":[{"metrics":[7]}]}]}',
  ])('makes nothing of %s', async body => {
    const answer = await send(body)
    expect([answer.status, await answer.json()]).toEqual([200, {}])
  })

  it('has no value for NaN, infinity and texts', async () => {
    const answer = await send(requestOf('n', [utilization('NaN'), utilization('Infinity'), utilization('many')]))
    expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedDataPoints: '3' } })
  })
})
