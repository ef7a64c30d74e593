/**
 * dcgm-exporter. Metrics are DCGM fields by their names; units are those of the fields:
 * https://docs.nvidia.com/datacenter/dcgm/latest/dcgm-api/dcgm-api-field-ids.html. Profiling byte fields are rates, whatever
 * type the exporter declares. With MIG the instance's labels stand on every series: figures of profiling and of memory are the
 * instance's own, all others those of its device.
 */
import { reasonsOf } from '../throttle-reasons'
import { indexOf, keep, MEBIBYTE, MEGA, orElse, PERCENT, to, told, type Exporter, type Rule } from './exporter'

/** An instance has figures of its own in these; clocks, power and temperature are its device's. */
const OF_INSTANCE = /^DCGM_FI_(?:PROF_|DEV_(?:FB_|GPU_UTIL|MEM_COPY_UTIL))/

/**
 * "No value" of DCGM (blank, not found, not supported, no permission) as 64-bit and 32-bit integer and as double, which
 * the exporter sometimes lets through: DCGM_INT64_BLANK, DCGM_INT32_BLANK and DCGM_FP64_BLANK of dcgm_structs.h.
 */
export const isBlank = (value: number) =>
  value >= 2 ** 63 - 1024 ||
  (value >= 0x7ffffff0 && value <= 0x7ffffff3) ||
  (value >= 140737488355328 && value <= 140737488355331)

/** What the exporter called the fields before its second version: `dcgm_NAME`. */
const FORMER: Readonly<Record<string, string>> = {
  dcgm_gpu_utilization: 'DCGM_FI_DEV_GPU_UTIL',
  dcgm_mem_copy_utilization: 'DCGM_FI_DEV_MEM_COPY_UTIL',
  dcgm_fb_used: 'DCGM_FI_DEV_FB_USED',
  dcgm_power_usage: 'DCGM_FI_DEV_POWER_USAGE',
  dcgm_gpu_temp: 'DCGM_FI_DEV_GPU_TEMP',
  dcgm_memory_temp: 'DCGM_FI_DEV_MEMORY_TEMP',
  dcgm_sm_clock: 'DCGM_FI_DEV_SM_CLOCK',
  dcgm_memory_clock: 'DCGM_FI_DEV_MEM_CLOCK',
  dcgm_ecc_dbe_volatile_total: 'DCGM_FI_DEV_ECC_DBE_VOL_TOTAL',
  dcgm_ecc_sbe_volatile_total: 'DCGM_FI_DEV_ECC_SBE_VOL_TOTAL',
  dcgm_xid_errors: 'DCGM_FI_DEV_XID_ERRORS',
}
const fieldOf = (metric: string) => FORMER[metric] ?? metric.toUpperCase()

const mask: Rule = ({ fields }, { value }) => {
  if (Number.isSafeInteger(value) && value >= 0) fields.throttleReasons = reasonsOf(value)
}

export const DCGM_RULES: Readonly<Record<string, Rule>> = {
  DCGM_FI_DEV_GPU_UTIL: to('utilizationRatio', PERCENT),
  // With MIG there is no utilisation; this is the same share of time, per instance.
  DCGM_FI_PROF_GR_ENGINE_ACTIVE: orElse('utilizationRatio'),
  DCGM_FI_DEV_MEM_COPY_UTIL: to('memoryUtilizationRatio', PERCENT),
  DCGM_FI_DEV_FB_USED: to('memoryUsedBytes', MEBIBYTE),
  DCGM_FI_DEV_FB_TOTAL: to('memoryTotalBytes', MEBIBYTE),
  DCGM_FI_DEV_POWER_USAGE: to('powerWatts'),
  DCGM_FI_DEV_ENFORCED_POWER_LIMIT: to('powerLimitWatts'),
  DCGM_FI_DEV_POWER_MGMT_LIMIT: orElse('powerLimitWatts'),
  DCGM_FI_DEV_GPU_TEMP: to('temperatureCelsius'),
  DCGM_FI_DEV_MEMORY_TEMP: to('memoryTemperatureCelsius'),
  DCGM_FI_DEV_SM_CLOCK: to('smClockHertz', MEGA),
  DCGM_FI_DEV_MAX_SM_CLOCK: to('smClockMaxHertz', MEGA),
  DCGM_FI_DEV_MEM_CLOCK: to('memoryClockHertz', MEGA),
  DCGM_FI_DEV_CLOCK_THROTTLE_REASONS: mask,
  DCGM_FI_DEV_CLOCKS_EVENT_REASONS: mask,
  DCGM_FI_DEV_PCIE_LINK_GEN: to('pcieGeneration'),
  DCGM_FI_DEV_PCIE_LINK_WIDTH: to('pcieWidth'),
  DCGM_FI_PROF_PIPE_TENSOR_ACTIVE: to('tensorActiveRatio'),
  DCGM_FI_PROF_SM_ACTIVE: to('smActiveRatio'),
  DCGM_FI_PROF_DRAM_ACTIVE: to('dramActiveRatio'),
  DCGM_FI_PROF_NVLINK_RX_BYTES: to('nvlinkReceiveBytesPerSecond'),
  DCGM_FI_PROF_NVLINK_TX_BYTES: to('nvlinkTransmitBytesPerSecond'),
  DCGM_FI_PROF_PCIE_RX_BYTES: to('pcieReceiveBytesPerSecond'),
  DCGM_FI_PROF_PCIE_TX_BYTES: to('pcieTransmitBytesPerSecond'),
  DCGM_FI_DEV_ECC_DBE_VOL_TOTAL: to('eccUncorrectedErrors'),
  DCGM_FI_DEV_ECC_SBE_VOL_TOTAL: to('eccCorrectedErrors'),
  DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS: to('remappedRowsUncorrectable'),
  DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS: to('remappedRowsCorrectable'),
  DCGM_FI_DEV_MIG_MODE: ({ fields }, { value }) => {
    if (value === 0 || value === 1) fields.migMode = value === 1 ? 'Enabled' : 'Disabled'
  },
  DCGM_FI_DEV_XID_ERRORS: keep('xid'),
  DCGM_FI_DEV_ROW_REMAP_FAILURE: keep('rowRemapFailure'),
}

export const dcgm: Exporter = {
  name: 'dcgm-exporter',
  origin: 'https://github.com/NVIDIA/dcgm-exporter',
  source: 'dcgm-exporter',
  owns: metric => /^DCGM_(?:FI|EXP)_|^dcgm_[a-z]/.test(metric),
  entityOf({ name, labels }) {
    const index = indexOf(labels['gpu'])
    const uuid = told(labels['UUID'] ?? labels['gpu_uuid'] ?? labels['uuid'])
    if (index === undefined && uuid === undefined) return undefined
    const id = OF_INSTANCE.test(fieldOf(name)) ? told(labels['GPU_I_ID']) : undefined
    const instance = id === undefined ? undefined : `${told(labels['GPU_I_PROFILE']) ?? 'MIG'} ${id}`
    return {
      kind: 'gpu',
      key: `${uuid ?? ''} ${index ?? ''} ${instance ?? ''}`,
      node: told(labels['Hostname'] ?? labels['hostname']),
      fields: {
        index,
        uuid,
        name: told(labels['modelName']),
        vendor: 'nvidia',
        instance,
        ...(instance !== undefined && { migMode: 'Enabled' }),
      },
    }
  },
  ruleOf: (metric, { value }) => (isBlank(value) ? undefined : DCGM_RULES[fieldOf(metric)]),
  /** Xid is the last one that was seen, whenever that was: what it was at the first look is told only of a saved page. */
  happened({ figures }, before) {
    const changed = (figure: string) => {
      const now = figures.get(figure) ?? 0
      return now !== 0 && now !== before?.get(figure) ? now : undefined
    }
    const xid = changed('xid')
    return [
      ...(xid === undefined ? [] : [{ type: 'xid', message: `DCGM: the last Xid is ${xid}` }]),
      ...(changed('rowRemapFailure') === undefined
        ? []
        : [{ type: 'row-remap-failure', message: 'DCGM: a row of device memory could not be remapped' }]),
    ]
  },
}
