/**
 * AMD's device-metrics-exporter. Names came in capitals first, in small letters since, and with the prefix `amd_` where an
 * operator sets it. Megabytes are MiB, as the driver counts them. A partition (CPX, DPX) is a device of its own, with its
 * own `gpu_id`: that is how programs see it.
 */
import { indexOf, MEBIBYTE, MEGA, orElse, PERCENT, to, told, type Exporter, type Rule } from './exporter'

/** "Not available" of the SMI library, as wide as the field: it slips through now and then. */
const isBlank = (value: number) => value === 0xffff || value === 0xffffffff || value >= 2 ** 63

/** Only the clock of this type; of several (one a compute die) the first. */
const clock =
  (type: string, rule: Rule): Rule =>
  (group, sample) => {
    const which = sample.labels['clock_type']?.toLowerCase().replace('gpu_clock_type_', '')
    if (which === type) rule(group, sample)
  }
const either =
  (...rules: readonly Rule[]): Rule =>
  (group, sample) =>
    rules.forEach(rule => rule(group, sample))

/** GT/s of a lane, by generation of PCIe. */
const PCIE_SPEEDS: readonly number[] = [2.5, 5, 8, 16, 32, 64]

const RULES: Readonly<Record<string, Rule>> = {
  gpu_gfx_activity: to('utilizationRatio', PERCENT),
  gpu_umc_activity: to('memoryUtilizationRatio', PERCENT),
  gpu_used_vram: to('memoryUsedBytes', MEBIBYTE),
  gpu_total_vram: to('memoryTotalBytes', MEBIBYTE),
  gpu_package_power: to('powerWatts'),
  gpu_average_package_power: orElse('powerWatts'),
  gpu_power_usage: orElse('powerWatts'),
  gpu_edge_temperature: to('temperatureCelsius'),
  gpu_junction_temperature: orElse('temperatureCelsius'),
  gpu_memory_temperature: to('memoryTemperatureCelsius'),
  gpu_clock: either(clock('system', orElse('smClockHertz', MEGA)), clock('memory', orElse('memoryClockHertz', MEGA))),
  gpu_max_clock: clock('system', orElse('smClockMaxHertz', MEGA)),
  pcie_speed: ({ fields }, { value }) => {
    const generation = PCIE_SPEEDS.indexOf(value) + 1
    if (generation > 0) fields.pcieGeneration = generation
  },
  gpu_ecc_correct_total: to('eccCorrectedErrors'),
  gpu_ecc_uncorrect_total: to('eccUncorrectedErrors'),
  gpu_prof_sm_active: to('smActiveRatio', PERCENT),
  gpu_prof_tensor_active_percent: to('tensorActiveRatio', PERCENT),
}

const plain = (metric: string) => metric.toLowerCase().replace(/^amd_/, '')

export const amd: Exporter = {
  name: 'amd-device-metrics-exporter',
  origin: 'https://github.com/ROCm/device-metrics-exporter',
  source: 'amd-device-metrics-exporter',
  owns: metric => /^(?:amd_)?(?:gpu|pcie|xgmi)_/i.test(metric),
  entityOf({ labels }) {
    const index = indexOf(labels['gpu_id'])
    // `gpu_` may begin anybody's metrics: a label that only this exporter sets must be there too.
    if (index === undefined || !['serial_number', 'card_model', 'gpu_uuid'].some(name => name in labels))
      return undefined
    const uuid = told(labels['gpu_uuid'])
    return {
      kind: 'gpu',
      key: `${uuid ?? ''} ${index}`,
      node: told(labels['hostname']),
      fields: { index, uuid, name: told(labels['card_series']) ?? told(labels['card_model']), vendor: 'amd' },
    }
  },
  ruleOf: (metric, { value }) => (isBlank(value) ? undefined : RULES[plain(metric)]),
}
