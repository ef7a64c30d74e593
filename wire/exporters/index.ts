/** Exporters whose metrics are read, from a page or over OTLP. The first that owns a metric's name reads it. */
import { registry } from '../../base/registry'
import { amd } from './amd'
import { dcgm } from './dcgm'
import type { Exporter } from './exporter'
import { nodeExporter } from './node'
import { nvidiaGpu } from './nvidia-gpu'
import { plumbline } from './plumbline'
import { semanticConventions } from './semantic-conventions'

export const exporters = registry<Exporter>('exporter', [
  dcgm, //
  nvidiaGpu,
  amd,
  nodeExporter,
  semanticConventions,
  plumbline,
])
