/** Steps and phases as spans, taken by an independent receiver that reads OTLP's JSON. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { openOtlp } from '../../agent/otlp'
import { Batch } from '../../wire/table'

const value = z.union([z.object({ stringValue: z.string() }), z.object({ intValue: z.coerce.number() }), z.object({})])
const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.coerce.number(),
  endTimeUnixNano: z.coerce.number(),
  attributes: z.array(z.object({ key: z.string(), value })),
})
type Span = z.infer<typeof spanSchema>
const resourceSchema = z.object({ attributes: z.array(z.object({ key: z.string() })) })
const requestSchema = z.object({
  resourceSpans: z.array(
    z.object({ resource: resourceSchema, scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })) }),
  ),
})

const spans: Span[] = []
const paths: string[] = []
/** Of who sends. */
const told = new Set<string>()
let url = ''
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    paths.push(request.url ?? '')
    const body = Buffer.concat(chunks)
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
    const { resourceSpans } = requestSchema.parse(JSON.parse(text.toString('utf8')))
    for (const { resource } of resourceSpans) for (const { key } of resource.attributes) told.add(key)
    spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(scope => scope.spans)))
    response.setHeader('content-type', 'application/json').end('{}')
  })
})

beforeAll(async () => {
  process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/json'
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  delete process.env['OTEL_EXPORTER_OTLP_PROTOCOL']
  server.closeAllConnections()
  server.close()
})

const seconds = ({ startTimeUnixNano, endTimeUnixNano }: Span) => (endTimeUnixNano - startTimeUnixNano) / 1e9

it('sends a span for each rank’s step, its phases inside, all ranks of a step in one trace', async () => {
  const said: string[] = []
  const exporter = openOtlp({ metrics: '', traces: url, log: line => said.push(line) })
  const batch = new Batch()
  const phases = { forward: { seconds: 0.4 }, backward: { seconds: 0.8 }, communication: { seconds: 0.2 } }
  for (const step of [7, 8])
    for (const rank of [0, 1])
      batch.add({
        kind: 'step',
        run: 'r',
        node: 'n1',
        rank,
        step,
        time: 1_763_100_000 + 2 * step,
        stepSeconds: 2,
        phases,
      })
  // Without a duration it is no span.
  batch.add({ kind: 'step', run: 'r', rank: 0, step: 9, time: 1_763_100_020 })
  exporter.observe(batch)
  await exporter.close()

  expect(paths).toEqual(['/v1/traces'])
  expect(said).toEqual([])
  expect([...told]).toEqual(expect.arrayContaining(['service.name', 'host.name']))
  // A command line may hold secrets.
  expect([...told].filter(key => key.startsWith('process.'))).toEqual([])
  const steps = spans.filter(({ name }) => name === 'training.step')
  expect(steps.map(seconds)).toEqual([2, 2, 2, 2])
  expect(new Set(steps.map(({ traceId }) => traceId)).size).toBe(2)
  expect(new Set(steps.map(({ parentSpanId }) => parentSpanId)).size).toBe(2)
  expect(steps[1]?.attributes).toContainEqual({ key: 'plumbline.rank', value: { intValue: 1 } })
  const inside = spans.filter(({ parentSpanId }) => parentSpanId === steps[0]?.spanId)
  expect(inside.map(({ name }) => name).sort()).toEqual([
    'training.backward',
    'training.communication',
    'training.forward',
  ])
  expect(inside.reduce((sum, span) => sum + seconds(span), 0)).toBeCloseTo(1.4, 3)
  for (const span of inside) {
    expect(span.startTimeUnixNano).toBeGreaterThanOrEqual(steps[0]?.startTimeUnixNano ?? 0)
    expect(span.endTimeUnixNano).toBeLessThanOrEqual(steps[0]?.endTimeUnixNano ?? 0)
  }
})
