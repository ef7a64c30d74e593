import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { forms } from '../../collectors/forms'
import { prometheusPage } from '../../collectors/forms/prometheus-page'
import { fetchText } from '../../collectors/machine/http'
import { parsePageLine } from '../../collectors/prometheus/line'
import { readPage } from '../../collectors/prometheus/page'
import { scrape } from '../../collectors/scrape'
import { ExporterReader } from '../../wire/exporters/reader'
import { asRecord, type WireRecord } from '../../wire/records'
import { Batch } from '../../wire/table'
import { FakeHost } from './fake-host'

const sampleOf = (line: string) => {
  const parsed = parsePageLine(line)
  return parsed?.what === 'sample' ? parsed.sample : parsed
}

describe('a line of a page', () => {
  it.each([
    ['a 1', { name: 'a', labels: {}, value: 1 }],
    ['a{} 1e-3 ', { name: 'a', labels: {}, value: 0.001 }],
    ['a{b="c",} 2', { name: 'a', labels: { b: 'c' }, value: 2 }],
    [String.raw`a{b="x\"y\\z\nw\q, } 9"} 2`, { name: 'a', labels: { b: 'x"y\\z\nw\\q, } 9' }, value: 2 }],
    ['a{b="1"} 5 1763100000000', { name: 'a', labels: { b: '1' }, value: 5, time: 1763100000 }],
    ['a_total 5 1763100000.5 # {trace="x"} 1 2', { name: 'a_total', labels: {}, value: 5, time: 1763100000.5 }],
    ['a 5 # {trace="x"} 1', { name: 'a', labels: {}, value: 5 }],
    ['{"hw.power","hw.id"="3"} 5', { name: 'hw.power', labels: { 'hw.id': '3' }, value: 5 }],
    ['a NaN', { what: 'absent', metric: 'a' }],
    ['a{b="c"} +Inf 12', { what: 'absent', metric: 'a' }],
    ['# TYPE a counter', { what: 'type', metric: 'a' }],
    ['# EOF', { what: 'comment' }],
  ])('%s', (line, expected) => {
    expect(JSON.parse(JSON.stringify(sampleOf(line)))).toEqual(expected)
  })

  it.each(['', 'a', 'a{', 'a{b} 1', 'a{b="c} 1', 'a{b=c} 1', 'a one', 'a 1 two', '1 2', 'a,b,c', 'a: 1 of 2'])(
    'none is %j',
    line => expect(parsePageLine(line)).toBeUndefined(),
  )

  it('is walked over in linear time, whatever it holds', () => {
    for (const text of ['{', '\\', '"', 'a{b="', 'a="",', '# TYPE ', ' '].map(part => `a{${part.repeat(60_000)}`)) {
      const began = performance.now()
      parsePageLine(text.slice(0, 65_000))
      expect(performance.now() - began).toBeLessThan(200)
    }
    fc.assert(fc.property(fc.string({ maxLength: 300 }), line => void parsePageLine(line)))
  })
})

describe('a repeated reading', () => {
  const cpu = (idle: number, user: number) =>
    `node_cpu_seconds_total{cpu="0",mode="idle"} ${idle}\nnode_cpu_seconds_total{cpu="0",mode="user"} ${user}\n`
  const read = (reader: ExporterReader, text: string) => {
    const batch = new Batch()
    readPage(text, reader)
    reader.finish(batch)
    return batch.records()
  }

  it('has the processors’ share from the growth of their seconds, and tells an Xid when it changes', () => {
    const reader = new ExporterReader({ repeated: true })
    const xid = (code: number) => `DCGM_FI_DEV_XID_ERRORS{gpu="2",UUID="GPU-1"} ${code}\n`
    expect(read(reader, cpu(100, 10) + xid(31))).toEqual([{ kind: 'host', cpuCount: 1 }])
    expect(read(reader, cpu(103, 11) + xid(31))).toMatchObject([{ kind: 'host', cpuUtilizationRatio: 0.25 }])
    expect(read(reader, cpu(1, 0) + xid(79))).toMatchObject([
      { kind: 'host', cpuCount: 1 },
      { kind: 'event', type: 'xid', gpuIndex: 2, message: 'DCGM: the last Xid is 79' },
    ])
  })
})

describe('scraping', () => {
  const settings = { intervalMs: 1000, logs: [], run: undefined, fromStart: false, synthetic: false }
  const page = readFileSync(join(import.meta.dirname, '../fixtures/forms/prometheus-page/dcgm-h100-nvl.prom'), 'utf8')
  async function collect(host: FakeHost, urls: string[]): Promise<WireRecord[]> {
    const batch = new Batch()
    const context = { host, batch: () => batch, cursor: undefined, warn: () => undefined }
    const session = await scrape.open({ ...context, settings: { ...settings, scrape: urls } })
    await session.collect()
    await session.close()
    return batch.records()
  }

  it('finds an exporter of this node, whose rows are this node’s', async () => {
    const host = new FakeHost()
    host.pages.set('http://127.0.0.1:9400/metrics', page)
    expect(await scrape.detect(host, { ...settings, scrape: [] })).toMatchObject({ available: true })
    const records = await collect(host, [])
    expect(records).toHaveLength(2)
    expect(records[0]).toMatchObject({
      node: host.hostname,
      index: 0,
      utilizationRatio: 0.97,
      tensorActiveRatio: 0.412207,
    })
  })

  it('adds where nvidia-smi works only what that does not give', async () => {
    const host = new FakeHost()
    host.run = () => Promise.resolve({ code: 0, stdout: 'GPU 0: NVIDIA H100 NVL (UUID: GPU-1)', stderr: '' })
    host.pages.set('http://localhost:9400/metrics', page)
    const [first] = await collect(host, ['http://localhost:9400/metrics'])
    expect(first).toMatchObject({ index: 0, tensorActiveRatio: 0.412207, pcieTransmitBytesPerSecond: 1844210033 })
    expect(first).not.toHaveProperty('utilizationRatio')
  })

  it('takes another node by the name of its page, or of its address', async () => {
    const host = new FakeHost()
    host.pages.set('http://gpu-9:9400/metrics', page)
    host.pages.set('http://gpu-8:9835/metrics', 'nvidia_smi_temperature_gpu{uuid="a"} 50\n')
    const records = await collect(host, ['http://gpu-9:9400/metrics', 'http://gpu-8:9835/metrics'])
    expect(records.map(record => 'node' in record && record.node).sort()).toEqual(['gpu-8', 'trn-07', 'trn-07'])
  })

  it('says which page does not answer', async () => {
    await expect(collect(new FakeHost(), ['http://gpu-9:9400/metrics'])).rejects.toThrow(
      'gpu-9:9400/metrics: ECONNREFUSED',
    )
  })
})

describe('asking a server', () => {
  async function ask(listener: RequestListener, limits = { timeoutMs: 500, maxBytes: 1000 }) {
    const server = createServer(listener)
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    const answer = await fetchText(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`, limits)
    server.closeAllConnections()
    server.close()
    return answer
  }

  it('gives the text, and a reason for anything else', async () => {
    expect(await ask((_, response) => response.end('a 1'))).toEqual({ ok: true, text: 'a 1' })
    expect(await ask((_, response) => response.writeHead(503).end())).toEqual({ ok: false, error: 'HTTP 503' })
    expect(await ask((_, response) => response.end('x'.repeat(1001)))).toMatchObject({
      ok: false,
      error: 'more than 1000 bytes',
    })
    const bomb = gzipSync(Buffer.alloc(1_000_000))
    expect(await ask((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb))).toMatchObject(
      { ok: false },
    )
    expect(await ask(() => undefined)).toMatchObject({ ok: false, error: 'no answer within 0.5 s' })
    expect(await ask((_, response) => response.writeHead(302, { location: 'http://127.0.0.2/x' }).end())).toEqual({
      ok: false,
      error: 'HTTP 302',
    })
    expect(
      await ask((request, response) =>
        request.url === '/there' ? response.end('b 2') : response.writeHead(302, { location: '/there' }).end(),
      ),
    ).toEqual({ ok: true, text: 'b 2' })
    expect(await fetchText('nonsense', { timeoutMs: 1, maxBytes: 1 })).toMatchObject({ ok: false })
  })
})

const captures = join(import.meta.dirname, '../../../shared/captures')
const there = existsSync(captures)
if (!there) console.warn('captures of real exporters are not beside this checkout: their tests are skipped')
const read = (name: string) => readFileSync(join(captures, name), 'utf8')
const pages = !there
  ? []
  : ['dcgm', 'exporter-pages'].flatMap(folder =>
      readdirSync(join(captures, folder))
        .filter(name => name.endsWith('.prom'))
        .map(name => `${folder}/${name}`),
    )

describe.skipIf(!there)('captures of exporters', () => {
  it.each(pages)('%s is claimed as a page alone, and each of its records is one of the catalogue', name => {
    const text = read(name)
    const head = { bytes: Buffer.from(text), text }
    expect([...forms].filter(form => form.claims(head)).map(form => form.name)).toEqual(['prometheus-page'])
    const { records = [], linesRead = 0, linesUnread = 0 } = prometheusPage.parse(text) ?? {}
    expect(records.length).toBeGreaterThan(0)
    for (const record of records) expect(asRecord(record)).toEqual(record)
    expect(linesRead / (linesRead + linesUnread)).toBeGreaterThan(0.9)
  })

  it('no page is claimed anywhere else', () => {
    const others = readdirSync(captures).filter(name => !['dcgm', 'exporter-pages', 'SOURCES.md'].includes(name))
    const wrong = others.flatMap(folder =>
      readdirSync(join(captures, folder), { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => join(entry.parentPath, entry.name))
        .filter(path => {
          const text = readFileSync(path, 'utf8').slice(0, 65_536)
          const head = { bytes: Buffer.from(text), text }
          return ['prometheus-page', 'dcgmi-dmon'].some(name => forms.get(name)?.claims(head) === true)
        }),
    )
    expect(wrong).toEqual([])
    expect(prometheusPage.claims({ bytes: Buffer.alloc(0), text: read('dcgm/all-field-names.txt') })).toBe(false)
  })
})
