/** The hub's own figures for Prometheus. */
import { Counter, Gauge, Registry } from 'prom-client'

export function hubMetrics(connectedAgents: () => number) {
  const registry = new Registry()
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [registry] })
  const counters = {
    batches: counter('plumbline_hub_batches_total', 'Batches stored.'),
    rows: counter('plumbline_hub_rows_total', 'Rows stored.'),
    refusals: counter('plumbline_hub_refusals_total', 'Greetings and frames refused.'),
  }
  new Gauge({
    name: 'plumbline_hub_agents',
    help: 'Agents connected.',
    registers: [registry],
    collect() {
      this.set(connectedAgents())
    },
  })
  return {
    count: (what: keyof typeof counters, by: number) => counters[what].inc(by),
    text: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
}
