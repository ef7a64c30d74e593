/** What Prometheus is told of each run that is going on or ended a moment ago: the labels are few, as such runs are. */
import { Gauge, Registry } from 'prom-client'
import { unixSeconds } from '../base/clock'
import type { RunSummary } from '../wire/api'
import type { Finding } from '../wire/findings'

/** A run that ended is shown for so long, that an alert can see how. */
const ENDED_SECONDS = 900
const FRESH_SECONDS = 2
/** Of a name that people gave. */
const MOST_LABEL = 200

export interface RunFigure {
  readonly name: string
  readonly help: string
  read(summary: RunSummary): number | null
}

/** What is told of each run; dashboards and alerts are held against these names. */
export const RUN_FIGURES: readonly RunFigure[] = [
  { name: 'plumbline_run_step', help: 'Steps done.', read: ({ step }) => step },
  { name: 'plumbline_run_steps_planned', help: 'Steps at the end.', read: ({ totalSteps }) => totalSteps },
  { name: 'plumbline_run_loss', help: 'Training loss.', read: ({ loss }) => loss.value },
  { name: 'plumbline_run_step_seconds', help: 'Time of one step.', read: ({ stepSeconds }) => stepSeconds.value },
  {
    name: 'plumbline_run_tokens_per_second',
    help: 'Tokens per second of the whole job.',
    read: ({ tokensPerSecond }) => tokensPerSecond.value,
  },
  {
    name: 'plumbline_run_flops_per_second_per_gpu',
    help: 'Model FLOP/s per GPU.',
    read: ({ flopsPerSecondPerGpu }) => flopsPerSecondPerGpu.value,
  },
  { name: 'plumbline_run_mfu_ratio', help: 'Model FLOPs utilisation.', read: ({ mfu }) => mfu.value },
  {
    name: 'plumbline_run_sync_wait_seconds',
    help: 'Mean over ranks of the wait in collectives, in one step.',
    read: ({ syncWaitSeconds }) => syncWaitSeconds.value,
  },
  {
    name: 'plumbline_run_last_seen_timestamp_seconds',
    help: 'When something was last heard of the run.',
    read: ({ lastSeenAt }) => lastSeenAt,
  },
]
export const FINDINGS_METRIC = 'plumbline_run_findings'
export const STATE_METRIC = 'plumbline_run_state'

const isRecent = ({ endedAt }: RunSummary) => endedAt === null || endedAt > unixSeconds() - ENDED_SECONDS

export class RunGauges {
  private readonly registry = new Registry()
  private readonly figures = RUN_FIGURES.map(figure => ({ figure, gauge: this.gauge(figure.name, figure.help, []) }))
  private readonly states = this.gauge(STATE_METRIC, '1 for the state that the run is in.', ['state'])
  private readonly findings = this.gauge(FINDINGS_METRIC, 'Open findings.', ['detector', 'severity'])

  private readonly leftOut = new Gauge({
    name: 'plumbline_hub_runs_left_out',
    help: 'Runs that are not told of here, as there are too many (--agent-limits runsOnMetrics).',
    registers: [this.registry],
  })

  private asked = { at: -Infinity, text: Promise.resolve('') }

  private gauge(name: string, help: string, labels: readonly string[]): Gauge {
    return new Gauge({ name, help, labelNames: ['run', 'name', ...labels], registers: [this.registry] })
  }

  constructor(
    private readonly summaries: () => Promise<readonly RunSummary[]>,
    private readonly openFindings: () => readonly Finding[],
    /** The newest so many are told of: a scraper must not be flooded by whoever makes runs. */
    private readonly mostRuns: number,
  ) {}

  private async text(): Promise<string> {
    const recent = (await this.summaries()).filter(isRecent).toSorted((one, other) => other.startedAt - one.startedAt)
    const runs = new Map(recent.slice(0, this.mostRuns).map(summary => [summary.run, summary]))
    this.registry.resetMetrics()
    this.leftOut.set(recent.length - runs.size)
    for (const summary of runs.values()) {
      const labels = { run: summary.run, name: summary.name.slice(0, MOST_LABEL) }
      for (const { figure, gauge } of this.figures) {
        const value = figure.read(summary)
        if (value !== null) gauge.set(labels, value)
      }
      this.states.set({ ...labels, state: summary.state }, 1)
    }
    for (const { run, detector, severity } of this.openFindings()) {
      const name = runs.get(run)?.name.slice(0, MOST_LABEL)
      if (name !== undefined) this.findings.inc({ run, name, detector, severity })
    }
    return this.registry.metrics()
  }

  /** The page; several scrapers at once do not make the hub sum up every run several times. */
  page(): Promise<string> {
    if (unixSeconds() - this.asked.at > FRESH_SECONDS) this.asked = { at: unixSeconds(), text: this.text() }
    return this.asked.text
  }
}
