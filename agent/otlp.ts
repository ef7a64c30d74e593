/** OTLP over HTTP, loaded only where it is asked for. Names with a semantic convention (`hw.gpu.*`) use it. */
import { metrics as api, type ObservableResult } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { exportedSeries, type Exporter, type Series } from './series'

/** OpenTelemetry semantic conventions, hardware metrics: https://opentelemetry.io/docs/specs/semconv/hardware/gpu/ */
const CONVENTION: Readonly<Record<string, string>> = {
  plumbline_gpu_utilization_ratio: 'hw.gpu.utilization',
  plumbline_gpu_memory_used_bytes: 'hw.gpu.memory.usage',
  plumbline_gpu_memory_total_bytes: 'hw.gpu.memory.limit',
  plumbline_gpu_power_watts: 'hw.power',
  plumbline_gpu_temperature_celsius: 'hw.temperature',
}

export function openOtlp(endpoint: string): Exporter {
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = endpoint
  process.env['OTEL_METRICS_EXPORTER'] = 'otlp'
  process.env['OTEL_TRACES_EXPORTER'] = 'none'
  process.env['OTEL_LOGS_EXPORTER'] = 'none'
  const sdk = new NodeSDK({ serviceName: 'plumbline-agent' })
  sdk.start()
  const meter = api.getMeter('plumbline')
  const newest = new Map<string, Map<string, Series>>()
  return {
    observe(batch) {
      for (const series of exportedSeries(batch)) {
        const convention = CONVENTION[series.name]
        const name = convention ?? series.name
        const common = convention === undefined ? {} : { 'hw.type': 'gpu' }
        let byLabels = newest.get(name)
        if (byLabels === undefined) {
          const values = new Map<string, Series>()
          byLabels = values
          newest.set(name, values)
          meter.createObservableGauge(name, { description: series.help }).addCallback((result: ObservableResult) => {
            for (const { value, labels } of values.values()) result.observe(value, { ...common, ...labels })
          })
        }
        byLabels.set(JSON.stringify(series.labels), series)
      }
    },
    close: () => sdk.shutdown(),
  }
}
