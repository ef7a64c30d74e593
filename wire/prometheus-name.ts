/** What our fields are called where Prometheus reads them. */
import type { Unit } from '../base/units'
import type { Kind, NumberField } from './metrics'

const PROMETHEUS_SUFFIX: Partial<Record<Unit, string>> = { celsius: 'celsius', watts: 'watts', hertz: 'hertz' }

export interface PrometheusName {
  readonly name: string
  /** What our value is multiplied by. */
  readonly factor: number
}

/**
 * `gpu`, `memoryUsedBytes` → `plumbline_gpu_memory_used_bytes`. As https://prometheus.io/docs/practices/naming/ has it: base
 * units, and that of data is the byte; counters and only they end in `_total`; nothing but a histogram in `_count`.
 */
export function prometheusName(kind: Kind, name: string, field: NumberField): PrometheusName {
  const snake = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`).replace(/_count$/, 's')
  const suffix = PROMETHEUS_SUFFIX[field.unit]
  const base = suffix !== undefined && !snake.endsWith(suffix) ? `${snake}_${suffix}` : snake
  const inBits = field.unit === 'bitsPerSecond'
  return {
    name: `plumbline_${kind}_${inBits ? base.replace('_bits_', '_bytes_') : base}${field.counter ? '_total' : ''}`,
    factor: inBits ? 1 / 8 : 1,
  }
}
