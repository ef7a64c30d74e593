/** The newest value of every device, host and link figure, for Prometheus (`/metrics`) and OTLP. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Gauge, Registry } from 'prom-client'
import { fieldsOf, prometheusName, type Kind } from '../wire/metrics'
import type { Batch, Table } from '../wire/table'

/** A series that was not seen for so long is not shown any more: an old value is not a present one. */
const STALE_MS = 60_000

export interface SpoolFigures {
  readonly pending: number
  readonly bytes: number
}
export interface Exporter {
  observe(batch: Batch): void
  close(): Promise<void>
}

/** Kinds that are exported, with the text and number fields that tell one series from another. */
const LABELS = {
  gpu: ['node', 'index', 'name'],
  host: ['node'],
  link: ['node', 'device', 'port'],
  collector: ['node', 'name'],
} as const
type Exported = keyof typeof LABELS

export interface Series {
  readonly name: string
  readonly help: string
  readonly labels: Record<string, string>
  readonly value: number
}

function* seriesOf(table: Table, kind: Exported): Iterable<Series> {
  const labelNames: readonly string[] = LABELS[kind]
  for (let row = 0; row < table.rows; row += 1) {
    const read = (name: string) => table.get(row, name as never)
    const labels = Object.fromEntries(labelNames.map(name => [name, String(read(name) ?? '')]))
    for (const [name, field] of fieldsOf(kind)) {
      if (field.type !== 'number' || name === 'time' || labelNames.includes(name)) continue
      const value = read(name)
      if (typeof value === 'number') yield { name: prometheusName(kind, name, field), help: field.help, labels, value }
    }
  }
}

export function exportedSeries(batch: Batch): Series[] {
  return batch.tables().flatMap(table => (isExported(table.kind) ? [...seriesOf(table, table.kind)] : []))
}

const isExported = (kind: Kind): kind is Exported => Object.hasOwn(LABELS, kind)

export async function openExporters(options: {
  metricsPort: number
  otlp: string
  spool: () => SpoolFigures
  log: (line: string) => void
}): Promise<Exporter> {
  const exporters: Exporter[] = []
  if (options.metricsPort >= 0) exporters.push(await prometheus(options))
  if (options.otlp !== '') {
    const { openOtlp } = await import('./otlp')
    exporters.push(openOtlp(options.otlp))
  }
  return {
    observe: batch => exporters.forEach(exporter => exporter.observe(batch)),
    close: async () => {
      await Promise.all(exporters.map(exporter => exporter.close()))
    },
  }
}

function spoolGauges(registry: Registry, spool: () => SpoolFigures): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(read())
      },
    })
  gauge('plumbline_agent_spool_pending', 'Batches that the hub has not acknowledged.', () => spool().pending)
  gauge('plumbline_agent_spool_bytes', 'Bytes of the spool on disk.', () => spool().bytes)
}

/** Gauges that forget what is not set again. */
class Gauges {
  private readonly gauges = new Map<string, Gauge>()
  private readonly seen = new Map<string, { series: Series; at: number }>()

  constructor(private readonly registry: Registry) {}

  set(series: Series): void {
    const { name, help, labels, value } = series
    let gauge = this.gauges.get(name)
    if (gauge === undefined) {
      gauge = new Gauge({ name, help, labelNames: Object.keys(labels), registers: [this.registry] })
      this.gauges.set(name, gauge)
    }
    gauge.set(labels, value)
    this.seen.set(name + JSON.stringify(labels), { series, at: Date.now() })
  }

  forget(before: number): void {
    for (const [key, { series, at }] of this.seen) {
      if (at >= before) continue
      this.gauges.get(series.name)?.remove(series.labels)
      this.seen.delete(key)
    }
  }
}

async function prometheus({ metricsPort, spool, log }: Parameters<typeof openExporters>[0]): Promise<Exporter> {
  const registry = new Registry()
  const gauges = new Gauges(registry)
  spoolGauges(registry, spool)
  const server = createServer((_, response) => {
    gauges.forget(Date.now() - STALE_MS)
    void registry.metrics().then(text => response.setHeader('content-type', registry.contentType).end(text))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(metricsPort, '127.0.0.1', resolve))
  log(`metrics at http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`)
  return {
    observe: batch => exportedSeries(batch).forEach(series => gauges.set(series)),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
