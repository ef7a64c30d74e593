/** What OpenTelemetry's semantic conventions call our figures: https://opentelemetry.io/docs/specs/semconv/ (hardware, system). */
import type { Series } from './series'

interface Convention {
  readonly name: string
  readonly unit: string
  readonly attributes?: Readonly<Record<string, string>>
}
export interface Named {
  readonly name: string
  readonly unit: string | undefined
  readonly attributes: Readonly<Record<string, string>>
}

const CONVENTIONS: Readonly<Record<string, Convention>> = {
  'gpu.utilizationRatio': { name: 'hw.gpu.utilization', unit: '1' },
  'gpu.memoryUsedBytes': { name: 'hw.gpu.memory.usage', unit: 'By' },
  'gpu.memoryTotalBytes': { name: 'hw.gpu.memory.limit', unit: 'By' },
  'gpu.powerWatts': { name: 'hw.power', unit: 'W' },
  'gpu.temperatureCelsius': { name: 'hw.temperature', unit: 'Cel' },
  'gpu.eccUncorrectedErrors': { name: 'hw.errors', unit: '{error}', attributes: { 'error.type': 'uncorrected' } },
  'gpu.eccCorrectedErrors': { name: 'hw.errors', unit: '{error}', attributes: { 'error.type': 'corrected' } },
  'host.cpuCount': { name: 'system.cpu.logical.count', unit: '{cpu}' },
  'host.loadAverage': { name: 'system.cpu.load_average.1m', unit: '{thread}' },
  'host.memoryTotalBytes': { name: 'system.memory.limit', unit: 'By' },
  'host.memoryUsedBytes': { name: 'system.memory.usage', unit: 'By', attributes: { 'system.memory.state': 'used' } },
  'host.swapUsedBytes': { name: 'system.paging.usage', unit: 'By', attributes: { 'system.paging.state': 'used' } },
  'link.receiveBytes': { name: 'system.network.io', unit: 'By', attributes: { 'network.io.direction': 'receive' } },
  'link.transmitBytes': { name: 'system.network.io', unit: 'By', attributes: { 'network.io.direction': 'transmit' } },
}

/** Attributes that the conventions want beside our own labels. */
function entityOf({ field, labels }: Series): Readonly<Record<string, string>> {
  if (field.startsWith('gpu.'))
    return { 'hw.type': 'gpu', 'hw.id': labels['index'] ?? '', 'hw.name': labels['name'] ?? '' }
  return field.startsWith('link.') ? { 'network.interface.name': labels['device'] ?? '' } : {}
}

/** Name, unit and attributes of a series; what has no convention keeps its Prometheus name. */
export function conventionOf(series: Series): Named {
  const convention = CONVENTIONS[series.field]
  if (convention === undefined) return { name: series.name, unit: undefined, attributes: series.labels }
  const { name, unit, attributes } = convention
  return { name, unit, attributes: { ...series.labels, ...entityOf(series), ...attributes } }
}
