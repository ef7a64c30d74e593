/**
 * The map of ranks and time as bytes: 4 bytes length of a JSON header (little-endian), the header, padding to 4 bytes, then
 * a Float32 for each cell, row by row; NaN is absent. A thousand ranks and 240 moments are 1 MB and no parsing; with
 * `since` only the columns that changed come.
 */
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

export interface HeatMap {
  readonly metric: HeatMetricName
  /** Unix seconds of the map's ends. */
  readonly from: number
  readonly to: number
  readonly columns: number
  /** The rank of each row; of a change none, as they are those that the caller has. */
  readonly ranks: readonly number[]
  /** Of these cells: given back as `since`, only the columns that changed come. */
  readonly version?: string
  /** The columns that come, where the caller has the others. */
  readonly changed?: readonly number[]
  /** A row a rank: all columns, or those that changed. */
  readonly values: Float32Array
}
export type HeatCells = Omit<HeatMap, 'metric' | 'from' | 'to'>

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
  const text = new TextDecoder().decode(new Uint8Array(buffer, 4, length))
  const header = JSON.parse(text) as Omit<HeatMap, 'values'>
  const values = new Float32Array(buffer, Math.ceil((4 + length) / 4) * 4)
  const { ranks, columns, changed } = header
  const isWhole =
    changed === undefined ? values.length === ranks.length * columns : isEven(values.length, changed.length)
  if (!isWhole) throw new Error('the map has not as many cells as it says')
  return { ...header, values }
}

const isEven = (cells: number, columns: number) => (columns === 0 ? cells === 0 : cells % columns === 0)

/** What one has, with what changed of it: a whole map again. Undefined where the two do not belong together. */
export function withChange(had: HeatMap, change: HeatMap): HeatMap | undefined {
  const { changed, ...header } = change
  if (changed === undefined) return change
  const rows = had.ranks.length
  const width = (had.to - had.from) / had.columns
  const shift = Math.round((change.from - had.from) / width)
  if (had.metric !== change.metric || change.values.length !== rows * changed.length) return undefined
  const { columns } = change
  const values = new Float32Array(rows * columns).fill(NaN)
  for (let row = 0; row < rows; row += 1) {
    const kept = had.values.subarray(row * had.columns + Math.max(0, shift), (row + 1) * had.columns)
    values.set(kept.subarray(0, Math.max(0, columns - Math.max(0, -shift))), row * columns + Math.max(0, -shift))
    for (const [place, column] of changed.entries())
      values[row * columns + column] = change.values[row * changed.length + place] ?? NaN
  }
  return { ...header, ranks: had.ranks, values }
}
