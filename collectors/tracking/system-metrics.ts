/** What trackers sample of the machine beside a run: records of devices and of the host. */
import type { RecordOf, WireRecord } from '../../wire/records'

type Gpu = RecordOf<'gpu'>
type Host = RecordOf<'host'>
type NumberOf<R> = { [F in keyof R]-?: NonNullable<R[F]> extends number ? F : never }[keyof R]
type Meaning<R> = readonly [field: NumberOf<R>, factor: number]

const MEBIBYTE = 1024 ** 2

/** By what is left of the name behind the device. `memory` of W&B is the share of time in which memory was accessed. */
const GPU: Readonly<Record<string, Meaning<Gpu>>> = {
  gpu: ['utilizationRatio', 1e-2],
  memory: ['memoryUtilizationRatio', 1e-2],
  memoryAllocatedBytes: ['memoryUsedBytes', 1],
  memoryUsed: ['memoryUsedBytes', 1],
  temp: ['temperatureCelsius', 1],
  powerWatts: ['powerWatts', 1],
  enforcedPowerLimitWatts: ['powerLimitWatts', 1],
  smClock: ['smClockHertz', 1e6],
  memoryClock: ['memoryClockHertz', 1e6],
  correctedMemoryErrors: ['eccCorrectedErrors', 1],
  uncorrectedMemoryErrors: ['eccUncorrectedErrors', 1],
  tensorActive: ['tensorActiveRatio', 1e-2],
  smActive: ['smActiveRatio', 1e-2],
  dramActive: ['dramActiveRatio', 1e-2],
  utilization_percentage: ['utilizationRatio', 1e-2],
  memory_usage_megabytes: ['memoryUsedBytes', 1e6],
  power_usage_watts: ['powerWatts', 1],
}
const HOST: Readonly<Record<string, Meaning<Host>>> = {
  cpu: ['cpuUtilizationRatio', 1e-2],
  cpu_utilization_percentage: ['cpuUtilizationRatio', 1e-2],
  system_memory_usage_megabytes: ['memoryUsedBytes', 1e6],
}
/** `gpu.0.powerWatts` and `system.gpu.0.temp` of Weights & Biases, `system/gpu_0_power_usage_watts` of MLflow. */
const DEVICE = /^(?:system[./])?gpu[._](\d{1,4})[._](\w{1,60})$/
const OF_HOST = /^(?:system[./])?(\w{1,60})$/
/** W&B says what is left of the host's memory, and its share in use. */
const AVAILABLE = 'proc.memory.availableMB'
const IN_USE = 'memory_percent'

export const isSystemMetric = (name: string): boolean =>
  DEVICE.test(name) || (name.startsWith('system') && OF_HOST.test(name))

/** Ratios of more than the whole, and what is below zero, are none. */
function within(value: number, factor: number, field: string): number | undefined {
  const scaled = value * factor
  return !Number.isFinite(scaled) || scaled < 0 || (field.endsWith('Ratio') && scaled > 1) ? undefined : scaled
}

function hostMemory(metrics: ReadonlyMap<string, number>): Partial<Host> {
  const available = metrics.get(AVAILABLE)
  const share = metrics.get(IN_USE)
  if (available === undefined || share === undefined || share < 0 || share >= 100) return {}
  const total = Math.round((available * MEBIBYTE) / (1 - share / 100))
  return { memoryTotalBytes: total, memoryUsedBytes: Math.round((total * share) / 100) }
}

/** Records of one moment. */
export function systemRecords(
  source: string,
  metrics: ReadonlyMap<string, number>,
  time: number | undefined,
): WireRecord[] {
  const gpus = new Map<number, Gpu>()
  const host: Host = { kind: 'host', time, ...hostMemory(metrics) }
  for (const [name, value] of metrics) {
    const [, device, rest = ''] = DEVICE.exec(name) ?? []
    if (device !== undefined) {
      const [field, factor] = GPU[rest] ?? []
      if (field === undefined || factor === undefined) continue
      const gpu = gpus.get(Number(device)) ?? { kind: 'gpu', time, index: Number(device), source }
      gpu[field] = within(value, factor, field)
      gpus.set(Number(device), gpu)
      continue
    }
    const [field, factor] = HOST[OF_HOST.exec(name)?.[1] ?? ''] ?? []
    if (field !== undefined && factor !== undefined) host[field] = within(value, factor, field)
  }
  const says = (record: WireRecord, names: number) =>
    Object.values(record).filter(one => one !== undefined).length > names
  return [...[...gpus.values()].filter(gpu => says(gpu, 4)), ...(says(host, 2) ? [host] : [])]
}
