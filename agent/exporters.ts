/** The exporters that are asked for, as one. */
import { openPrometheus, type SpoolFigures } from './prometheus'
import type { Exporter } from './series'

export async function openExporters(options: {
  metricsPort: number
  otlp: string
  spool: () => SpoolFigures
  log: (line: string) => void
}): Promise<Exporter> {
  const exporters: Exporter[] = []
  if (options.metricsPort >= 0)
    exporters.push(await openPrometheus({ port: options.metricsPort, spool: options.spool, log: options.log }))
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
