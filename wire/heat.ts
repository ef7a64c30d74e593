/**
 * The map of ranks and time as bytes: 4 bytes length of a JSON header (little-endian), the header, padding to 4 bytes, then
 * a Float32 for each cell, row by row; NaN is absent. A thousand ranks and 240 moments are 1 MB and no parsing.
 */
import { z } from 'zod'
import type { Unit } from '../base/units'

interface HeatMetric {
  readonly title: string
  readonly unit: Unit
  /** Who measures it: the rank's own process, the tool that reads its device, or its host. */
  readonly of: 'rank' | 'device' | 'host'
  readonly help: string
}

const metric = (of: HeatMetric['of'], unit: Unit, title: string, help: string): HeatMetric => ({
  of,
  unit,
  title,
  help,
})

export const HEAT_METRICS = {
  computeSeconds: metric('rank', 'seconds', 'Compute time', 'Forward and backward of a step'),
  stepSeconds: metric('rank', 'seconds', 'Step time', 'From the end of a step to the end of the next'),
  communicationSeconds: metric('rank', 'seconds', 'Time in collectives', 'Transfer and waiting'),
  syncWaitSeconds: metric(
    'rank',
    'seconds',
    'Sync wait',
    'Time in collectives, less the least of all ranks in that step',
  ),
  dataSeconds: metric('rank', 'seconds', 'Data loading', 'Time until the batch was there'),
  optimizerSeconds: metric('rank', 'seconds', 'Optimizer', 'Time in the optimizer'),
  memoryAllocatedBytes: metric('rank', 'bytes', 'Memory allocated', 'Held by tensors'),
  residentBytes: metric('rank', 'bytes', 'Resident host memory', 'Of the process'),
  throttledSeconds: metric('rank', 'seconds', 'Held back by a quota', 'Of a step: the processor quota was used up'),
  runDelaySeconds: metric('rank', 'seconds', 'Waiting for a processor', 'Of a step: ready to run, others had it'),
  cpuStealRatio: metric('host', 'ratio', 'CPU steal', 'Share of time that the hypervisor gave to others'),
  cpuIoWaitRatio: metric('host', 'ratio', 'Waiting for storage', 'Share of the processors’ time'),
  cpuUtilizationRatio: metric('host', 'ratio', 'Host processors', 'Share of time in use, by whomever'),
  utilizationRatio: metric('device', 'ratio', 'Utilisation', 'Share of time in which a kernel ran'),
  powerWatts: metric('device', 'watts', 'Power', 'Drawn by the device'),
  temperatureCelsius: metric('device', 'celsius', 'Temperature', 'Of the device'),
  smClockHertz: metric('device', 'hertz', 'SM clock', 'Clock of the multiprocessors'),
  memoryUsedBytes: metric('device', 'bytes', 'Device memory', 'In use on the device'),
  tensorActiveRatio: metric('device', 'ratio', 'Tensor cores', 'Share of cycles in which they were active'),
} as const satisfies Readonly<Record<string, HeatMetric>>

export type HeatMetricName = keyof typeof HEAT_METRICS
export const HEAT_METRIC_NAMES = Object.keys(HEAT_METRICS) as HeatMetricName[]
export const isHeatMetric = (name: string): name is HeatMetricName => name in HEAT_METRICS

const headerSchema = z.object({
  metric: z.enum(HEAT_METRIC_NAMES),
  /** Unix seconds of the map's ends. */
  from: z.number(),
  to: z.number(),
  columns: z.number().int().min(0),
  /** The rank of each row. */
  ranks: z.array(z.number()),
})

export interface HeatMap extends z.infer<typeof headerSchema> {
  /** ranks.length × columns. */
  readonly values: Float32Array
}

export function encodeHeat({ values, ...header }: HeatMap): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header))
  const start = Math.ceil((4 + text.length) / 4) * 4
  const bytes = new Uint8Array(start + values.length * 4)
  new DataView(bytes.buffer).setUint32(0, text.length, true)
  bytes.set(text, 4)
  new Float32Array(bytes.buffer, start).set(values)
  return bytes
}

/** Throws where the bytes are no map. */
export function decodeHeat(buffer: ArrayBuffer): HeatMap {
  const length = new DataView(buffer).getUint32(0, true)
  const header = headerSchema.parse(JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))))
  const values = new Float32Array(buffer, Math.ceil((4 + length) / 4) * 4)
  if (values.length !== header.ranks.length * header.columns)
    throw new Error('the map has not as many cells as it says')
  return { ...header, values }
}
