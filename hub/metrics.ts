/** The hub's own figures for Prometheus. */
import { Counter, Gauge, Registry } from 'prom-client'
import type { RunSummary } from '../wire/api'
import type { Finding } from '../wire/findings'
import type { LimitName } from '../wire/limits'
import { RunGauges } from './run-metrics'

/** Labels of findings are names of detectors and severities: as many as there are, however many runs there be. */
export function hubMetrics(
  connectedAgents: () => number,
  openFindings: () => readonly Finding[],
  summaries: () => Promise<readonly RunSummary[]>,
  mostRuns: number,
) {
  const registry = new Registry()
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [registry] })
  const counters = {
    batches: counter('plumbline_hub_batches_total', 'Batches stored.'),
    rows: counter('plumbline_hub_rows_total', 'Rows stored.'),
    sent: counter('plumbline_hub_notifications_total', 'Notifications of findings that were taken.'),
    failed: counter('plumbline_hub_notification_failures_total', 'Notifications of findings that were given up.'),
    refusals: counter('plumbline_hub_refusals_total', 'Greetings and frames refused.'),
  }
  const limits = new Counter({
    name: 'plumbline_hub_limit_refusals_total',
    help: 'What agents were refused for a limit, by limit.',
    labelNames: ['limit'],
    registers: [registry],
  })
  new Gauge({
    name: 'plumbline_hub_agents',
    help: 'Agents connected.',
    registers: [registry],
    collect() {
      this.set(connectedAgents())
    },
  })
  new Gauge({
    name: 'plumbline_hub_findings',
    help: 'Findings that are open, by detector and severity.',
    labelNames: ['detector', 'severity'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { detector, severity } of openFindings()) this.inc({ detector, severity })
    },
  })
  new Gauge({
    name: 'plumbline_hub_finding_cost_ratio',
    help: 'What open findings of a detector cost at most, of the step time.',
    labelNames: ['detector'],
    registers: [registry],
    collect() {
      this.reset()
      const most = new Map<string, number>()
      for (const { detector, costRatio = 0 } of openFindings())
        most.set(detector, Math.max(costRatio, most.get(detector) ?? 0))
      for (const [detector, ratio] of most) this.set({ detector }, ratio)
    },
  })
  const runs = new RunGauges(summaries, openFindings, mostRuns)
  return {
    count: (what: keyof typeof counters, by: number) => counters[what].inc(by),
    countLimit: (limit: LimitName) => limits.inc({ limit }),
    text: async () => ({
      type: registry.contentType,
      text: `${await registry.metrics()}\n${await runs.page()}`,
    }),
  }
}
