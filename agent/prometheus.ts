/** `/metrics` of the agent, for Prometheus. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Gauge, Registry } from 'prom-client'
import { exportedSeries, type Exporter, type Series } from './series'

/** A series that was not seen for so long is not shown any more: an old value is not a present one. */
const STALE_MS = 60_000

export interface SpoolFigures {
  readonly pending: number
  readonly bytes: number
}
export interface PrometheusOptions {
  /** 0 takes a free one. */
  readonly port: number
  readonly spool: () => SpoolFigures
  readonly log: (line: string) => void
}

function spoolGauges(registry: Registry, spool: () => SpoolFigures): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
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

/** Throws where the port is taken. */
export async function openPrometheus({ port, spool, log }: PrometheusOptions): Promise<Exporter> {
  const registry = new Registry()
  const gauges = new Gauges(registry)
  spoolGauges(registry, spool)
  const server = createServer((_, response) => {
    gauges.forget(Date.now() - STALE_MS)
    void registry.metrics().then(text => response.setHeader('content-type', registry.contentType).end(text))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
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
