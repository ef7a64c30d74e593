/** The exporters that are asked for, as one. */
import type { SpoolFigures } from './prometheus'
import type { Exporter } from './series'

export interface ExportSettings {
  /** -1 for none, 0 for a free one. */
  readonly metricsPort: number
  readonly metricsHost: string
  /** URLs; '' for none. */
  readonly otlp: string
  readonly otlpTraces: string
  readonly remoteWrite: string
}

/** Undefined where none is asked for: then nothing is loaded. */
export async function openExporters(
  settings: ExportSettings,
  spool: () => SpoolFigures,
  log: (line: string) => void,
): Promise<Exporter | undefined> {
  const { metricsHost, metricsPort, otlp, otlpTraces, remoteWrite } = settings
  const exporters: Exporter[] = []
  if (metricsPort >= 0) {
    const { openPrometheus } = await import('./prometheus')
    exporters.push(await openPrometheus({ host: metricsHost, port: metricsPort, spool, log }))
  }
  if (remoteWrite !== '') {
    const { openRemoteWrite } = await import('./remote-write')
    exporters.push(openRemoteWrite(remoteWrite, log))
  }
  if (otlp !== '' || otlpTraces !== '') {
    const { openOtlp } = await import('./otlp')
    exporters.push(openOtlp({ metrics: otlp, traces: otlpTraces, log }))
  }
  if (exporters.length === 0) return undefined
  return {
    observe: batch => exporters.forEach(exporter => exporter.observe(batch)),
    close: async () => {
      await Promise.all(exporters.map(exporter => exporter.close()))
    },
  }
}
