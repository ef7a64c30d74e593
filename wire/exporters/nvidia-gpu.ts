/**
 * nvidia_gpu_exporter: the columns of `nvidia-smi --query-gpu` as metrics, in base units already. Names come from the driver's,
 * so older ones say throttle where newer say event.
 */
import { REASONS, reasonsOf } from '../throttle-reasons'
import { indexOf, keep, orElse, to, told, type Exporter, type Process, type Rule } from './exporter'

/** Processes of a device by pid: one series says that there is one, another its memory. */
const process =
  (more: (value: number) => Partial<Process>): Rule =>
  ({ fields }, { labels, value }) => {
    const pid = Number(labels['pid'])
    if (!Number.isSafeInteger(pid) || pid <= 0) return
    const others = (fields.processes ?? []).filter(other => other.pid !== pid)
    const known = fields.processes?.find(other => other.pid === pid)
    fields.processes = [...others, { pid, name: told(labels['process_name']), ...known, ...more(value) }]
  }

const RULES: Readonly<Record<string, Rule>> = {
  index: to('index'),
  utilization_gpu_ratio: to('utilizationRatio'),
  utilization_memory_ratio: to('memoryUtilizationRatio'),
  memory_used_bytes: to('memoryUsedBytes'),
  memory_total_bytes: to('memoryTotalBytes'),
  power_draw_watts: to('powerWatts'),
  power_draw_average_watts: orElse('powerWatts'),
  power_draw_instant_watts: orElse('powerWatts'),
  enforced_power_limit_watts: to('powerLimitWatts'),
  power_limit_watts: orElse('powerLimitWatts'),
  temperature_gpu: to('temperatureCelsius'),
  temperature_memory: to('memoryTemperatureCelsius'),
  clocks_current_sm_clock_hz: to('smClockHertz'),
  clocks_max_sm_clock_hz: to('smClockMaxHertz'),
  clocks_current_memory_clock_hz: to('memoryClockHertz'),
  pcie_link_gen_current: to('pcieGeneration'),
  pcie_link_gen_gpucurrent: orElse('pcieGeneration'),
  pcie_link_width_current: to('pcieWidth'),
  ecc_errors_corrected_volatile_total: to('eccCorrectedErrors'),
  ecc_errors_uncorrected_volatile_total: to('eccUncorrectedErrors'),
  remapped_rows_correctable: to('remappedRowsCorrectable'),
  remapped_rows_uncorrectable: to('remappedRowsUncorrectable'),
  mig_mode_current: ({ fields }, { value }) => {
    if (value === 0 || value === 1) fields.migMode = value === 1 ? 'Enabled' : 'Disabled'
  },
  clocks_event_reasons_active: keep('reasons'),
  clocks_throttle_reasons_active: keep('reasons'),
  gpu_info: ({ fields }, { labels }) => {
    fields.index ??= indexOf(labels['index'])
    fields.name ??= told(labels['name'])
  },
  compute_app_info: process(() => ({})),
  compute_app_used_memory_bytes: process(value => ({ memoryUsedBytes: value })),
}
for (const [, reason] of REASONS)
  for (const era of ['event', 'throttle'])
    (RULES as Record<string, Rule>)[`clocks_${era}_reasons_${reason}`] = keep(`reason.${reason}`)

export const nvidiaGpu: Exporter = {
  name: 'nvidia-gpu-exporter',
  origin: 'https://github.com/utkuozdemir/nvidia_gpu_exporter',
  source: 'nvidia-gpu-exporter',
  owns: metric => metric.startsWith('nvidia_smi_'),
  entityOf({ labels }) {
    const uuid = told(labels['uuid'])
    if (uuid === undefined) return undefined
    return { kind: 'gpu', key: uuid, node: told(labels['hostname']), fields: { uuid, vendor: 'nvidia' } }
  },
  ruleOf: metric => RULES[metric.slice('nvidia_smi_'.length)],
  derive({ fields, figures }) {
    const reasons = figures.get('reasons')
    const single = REASONS.map(([, name]) => [name, figures.get(`reason.${name}`)] as const)
    if (reasons !== undefined) fields.throttleReasons = reasonsOf(reasons)
    else if (single.some(([, active]) => active !== undefined))
      fields.throttleReasons = single.filter(([, active]) => active === 1).map(([name]) => name)
  },
}
