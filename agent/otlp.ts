/** OTLP over HTTP, loaded only where it is asked for. What has a semantic convention is called by it. */
import {
  diag,
  DiagLogLevel,
  metrics,
  ROOT_CONTEXT,
  trace,
  type Attributes,
  type ObservableResult,
} from '@opentelemetry/api'
import { NodeSDK, resources } from '@opentelemetry/sdk-node'
import { messageOf } from '../base/errors'
import { conventionOf } from './otlp-names'
import { exportedSeries, Newest, type Exporter, type Series } from './series'
import { stepSpans, type SpanPlan } from './spans'

export interface OtlpOptions {
  /** Endpoints; '' for none. */
  readonly metrics: string
  readonly traces: string
  readonly log: (line: string) => void
}

/** Observes families as they come up: of each series the newest value, while it is fresh. */
class Observed {
  private readonly newest = new Newest()
  private readonly known = new Set<string>()
  private readonly meter = metrics.getMeter('plumbline')

  observe(series: Series): void {
    this.newest.set(series)
    if (this.known.has(series.name)) return
    this.known.add(series.name)
    const { name, unit } = conventionOf(series)
    const options = { description: series.help, ...(unit !== undefined && { unit }) }
    const instrument = series.counter
      ? this.meter.createObservableCounter(name, options)
      : this.meter.createObservableGauge(name, options)
    instrument.addCallback((result: ObservableResult) => {
      for (const one of this.newest.of(series.name)) result.observe(one.value, conventionOf(one).attributes)
    })
  }
}

/** A span and those inside it. */
function emit(plan: SpanPlan): void {
  const tracer = trace.getTracer('plumbline')
  // All ranks of a step are one trace, whichever agent tells of them.
  const parent = { ...plan.parent, traceFlags: 1, isRemote: true }
  const attributes: Attributes = plan.attributes
  const options = { startTime: plan.start * 1000, attributes }
  const span = tracer.startSpan(plan.name, options, trace.setSpanContext(ROOT_CONTEXT, parent))
  for (const { name, start, end } of plan.phases) {
    const inside = trace.setSpan(ROOT_CONTEXT, span)
    tracer.startSpan(name, { startTime: start * 1000, attributes }, inside).end(end * 1000)
  }
  span.end(plan.end * 1000)
}

/** What a receiver does not take is lost; that is said, at most so often. */
const SAY_AGAIN_MS = 300_000

function tellOfErrors(log: OtlpOptions['log']): void {
  let saidAt = -Infinity
  const nothing = () => undefined
  const error = (message: string, ...details: unknown[]) => {
    if (performance.now() - saidAt < SAY_AGAIN_MS) return
    saidAt = performance.now()
    const text = [message, ...details.map(messageOf)].join(' ').replace(/\s+/g, ' ').slice(0, 300)
    log(`error: OTLP: ${text}\nfix: check --otlp and --otlp-traces; what comes is sent on`)
  }
  diag.setLogger({ error, warn: nothing, info: nothing, debug: nothing, verbose: nothing }, DiagLogLevel.ERROR)
}

export function openOtlp(endpoints: OtlpOptions): Exporter {
  const base = (url: string, signal: string) => `${url.replace(/\/+$/, '')}/v1/${signal}`
  const setting = (url: string) => (url === '' ? 'none' : 'otlp')
  process.env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'] = base(endpoints.metrics, 'metrics')
  process.env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] = base(endpoints.traces, 'traces')
  process.env['OTEL_METRICS_EXPORTER'] = setting(endpoints.metrics)
  process.env['OTEL_TRACES_EXPORTER'] = setting(endpoints.traces)
  process.env['OTEL_LOGS_EXPORTER'] = 'none'
  tellOfErrors(endpoints.log)
  // Not the process: its command line may hold secrets.
  const { envDetector, hostDetector } = resources
  const sdk = new NodeSDK({ serviceName: 'plumbline-agent', resourceDetectors: [envDetector, hostDetector] })
  sdk.start()
  const observed = new Observed()
  return {
    observe(batch) {
      if (endpoints.metrics !== '') for (const series of exportedSeries(batch)) observed.observe(series)
      if (endpoints.traces !== '') for (const plan of stepSpans(batch)) emit(plan)
    },
    close: () => sdk.shutdown(),
  }
}
