/** `/metrics` of the agent, for Prometheus. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Counter, Gauge, Registry } from 'prom-client'
import { exportedSeries, Newest, type Exporter, type Series } from './series'

export interface SpoolFigures {
  readonly pending: number
  readonly bytes: number
}
export interface PrometheusOptions {
  readonly host: string
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

/** A family that, when it is asked for, shows what is newest and forgets the rest. */
function register(registry: Registry, { name, help, labels, counter }: Series, newest: Newest): void {
  const family = { name, help, labelNames: Object.keys(labels), registers: [registry] }
  if (counter)
    new Counter({
      ...family,
      collect() {
        this.reset()
        for (const series of newest.of(name)) this.inc(series.labels, series.value)
      },
    })
  else
    new Gauge({
      ...family,
      collect() {
        this.reset()
        for (const series of newest.of(name)) this.set(series.labels, series.value)
      },
    })
}

/** Throws where the port is taken. */
export async function openPrometheus({ host, port, spool, log }: PrometheusOptions): Promise<Exporter> {
  const registry = new Registry()
  const newest = new Newest()
  const registered = new Set<string>()
  spoolGauges(registry, spool)
  const server = createServer((_, response) => {
    void registry.metrics().then(text => response.setHeader('content-type', registry.contentType).end(text))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  const shown = host.includes(':') ? `[${host}]` : host
  log(`metrics at http://${shown}:${(server.address() as AddressInfo).port}/metrics`)
  return {
    observe(batch) {
      for (const series of exportedSeries(batch)) {
        newest.set(series)
        if (registered.has(series.name)) continue
        registered.add(series.name)
        register(registry, series, newest)
      }
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
