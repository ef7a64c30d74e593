/** A saved `/metrics` page of an exporter, in Prometheus' text format or OpenMetrics. */
import { ExporterReader } from '../../wire/exporters/reader'
import { Batch } from '../../wire/table'
import { textForm } from '../form'
import { isPage, readPage } from '../prometheus/page'

export const prometheusPage = textForm({
  name: 'prometheus-page',
  tool: 'prometheus',
  help: 'a /metrics page: dcgm-exporter, AMD device-metrics-exporter, nvidia_gpu_exporter, node_exporter',
  origin: 'https://prometheus.io/docs/instrumenting/exposition_formats/',
  begins: /# (?:HELP|TYPE) [A-Za-z_:]/,
  claims: ({ text }) => isPage(text),
  parse(text) {
    if (!isPage(text)) return undefined
    const batch = new Batch()
    const reader = new ExporterReader()
    const { linesRead, linesUnread } = readPage(text, reader)
    reader.finish(batch)
    return { records: batch.records(), linesRead, linesUnread }
  },
})
