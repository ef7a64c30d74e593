/** The newest value of every device, host and link figure, for Prometheus (`/metrics`) and OTLP. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Gauge, Registry } from 'prom-client'
import { fieldsOf, prometheusName, type Kind } from '../wire/metrics'
import type { Batch, Table } from '../wire/table'

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
  log: (line: string) => void
}): Promise<Exporter> {
  const exporters: Exporter[] = []
  if (options.metricsPort >= 0) exporters.push(await prometheus(options.metricsPort, options.log))
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

async function prometheus(port: number, log: (line: string) => void): Promise<Exporter> {
  const registry = new Registry()
  const gauges = new Map<string, Gauge>()
  const server = createServer((_, response) => {
    void registry.metrics().then(text => response.setHeader('content-type', registry.contentType).end(text))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  log(`metrics at http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`)
  return {
    observe(batch) {
      for (const { name, help, labels, value } of exportedSeries(batch)) {
        let gauge = gauges.get(name)
        if (gauge === undefined) {
          gauge = new Gauge({ name, help, labelNames: Object.keys(labels), registers: [registry] })
          gauges.set(name, gauge)
        }
        gauge.set(labels, value)
      }
    },
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}
