/**
 * What amd-smi says of a device, under the paths of its JSON (`usage/gfx_activity`), which its text spells in capitals and
 * indents, its CSV shortens to the last part, and its monitor abbreviates; all are brought to those paths first.
 * https://github.com/ROCm/amdsmi/blob/amd-staging/amdsmi_cli/amdsmi_commands.py
 */
import { generationOf, quantity, word } from './cells'
import { byPartition, cellOf, dividing, fill, saysSomething, type Cells, type Gpu, type Wanted } from './device'

const WANTED: readonly Wanted[] = [
  ['time', ['timestamp']],
  ['utilizationRatio', ['usage/gfx_activity', 'usage/gfx_usage'], '%'],
  ['memoryUtilizationRatio', ['usage/umc_activity', 'usage/mem_activity', 'usage/mem_usage'], '%'],
  ['memoryUsedBytes', ['mem_usage/used_vram', 'vram/vram_used', 'fb_usage/fb_used'], 'MB'],
  ['memoryTotalBytes', ['mem_usage/total_vram', 'vram/vram_total', 'vram/size', 'fb_usage/fb_total'], 'MB'],
  ['powerWatts', ['power/socket_power', 'power/current_power', 'power/average_socket_power'], 'W'],
  ['powerLimitWatts', ['limit/socket_power', 'limit/ppt0/socket_power_limit', 'limit/socket_power_limit'], 'W'],
  ['temperatureCelsius', ['temperature/edge', 'temperature/hotspot'], 'C'],
  ['memoryTemperatureCelsius', ['temperature/mem'], 'C'],
  ['smClockHertz', ['clock/gfx_0/clk', 'clock/gfx/clk', 'clock/gfx/cur_clk'], 'MHz'],
  ['smClockMaxHertz', ['clock/gfx_0/max_clk', 'clock/gfx/max_clk'], 'MHz'],
  ['memoryClockHertz', ['clock/mem_0/clk', 'clock/mem/clk', 'clock/mem/cur_clk'], 'MHz'],
  ['pcieWidth', ['pcie/width', 'pcie/current_lanes']],
  ['eccCorrectedErrors', ['ecc/total_correctable_count', 'ecc/total_correctable', 'ecc/correctable']],
  ['eccUncorrectedErrors', ['ecc/total_uncorrectable_count', 'ecc/total_uncorrectable', 'ecc/uncorrectable']],
]

/** Columns of the monitor, in its text (capitals) and in its CSV and JSON, of all versions. */
const MONITOR: Readonly<Record<string, string>> = {
  timestamp: 'timestamp',
  gpu: 'gpu',
  xcp: 'xcp',
  power: 'power/socket_power',
  power_usage: 'power/socket_power',
  pwr_cap: 'limit/socket_power',
  max_power: 'limit/socket_power',
  gpu_t: 'temperature/hotspot',
  gpu_temp: 'temperature/hotspot',
  hotspot_temperature: 'temperature/hotspot',
  mem_t: 'temperature/mem',
  mem_temp: 'temperature/mem',
  memory_temperature: 'temperature/mem',
  gfx_clk: 'clock/gfx_0/clk',
  gfx_clock: 'clock/gfx_0/clk',
  mem_clock: 'clock/mem_0/clk',
  mem_clk: 'clock/mem_0/clk',
  'gfx%': 'usage/gfx_activity',
  gfx_util: 'usage/gfx_activity',
  gfx: 'usage/gfx_activity',
  'mem%': 'usage/umc_activity',
  mem_util: 'usage/umc_activity',
  mem: 'usage/umc_activity',
  vram_used: 'vram/vram_used',
  vram_total: 'vram/vram_total',
  vram_usage: 'vram_usage',
  // Of APUs, whose memory is the machine's.
  gtt_used: 'vram/vram_used',
  gtt_total: 'vram/vram_total',
  gtt_usage: 'vram_usage',
  single_ecc: 'ecc/total_correctable_count',
  single_bit_ecc: 'ecc/total_correctable_count',
  double_ecc: 'ecc/total_uncorrectable_count',
  double_bit_ecc: 'ecc/total_uncorrectable_count',
}
/** Columns that nobody but the monitor has: one of them tells its tables from others. */
const OF_MONITOR =
  /^(?:power_usage|pwr_cap|gpu_t|gpu_temp|mem_t|mem_temp|hotspot_temperature|memory_temperature|gfx_clk|gfx_clock|gfx%|gfx_util|mem_util|(?:vram|gtt)_us(?:ed|age)|enc_util|enc_clock|encoder|single_ecc|single_bit_ecc|pcie_replay|pcie_bw|pviol|xcp)$/

/** The last part of a path, by which CSV of `metric`, `static` and `list` names its columns. */
const CSV: Readonly<Record<string, string>> = {
  gfx_activity: 'usage/gfx_activity',
  umc_activity: 'usage/umc_activity',
  edge: 'temperature/edge',
  hotspot: 'temperature/hotspot',
  mem: 'temperature/mem',
  width: 'pcie/width',
  speed: 'pcie/speed',
  current_bandwidth_sent: 'pcie/current_bandwidth_sent',
  current_bandwidth_received: 'pcie/current_bandwidth_received',
  total_vram: 'mem_usage/total_vram',
  used_vram: 'mem_usage/used_vram',
  gfx_0_clk: 'clock/gfx_0/clk',
  gfx_0_max_clk: 'clock/gfx_0/max_clk',
  mem_0_clk: 'clock/mem_0/clk',
  total_correctable_count: 'ecc/total_correctable_count',
  total_uncorrectable_count: 'ecc/total_uncorrectable_count',
  throttle_status: 'power/throttle_status',
  market_name: 'asic/market_name',
  product_name: 'board/product_name',
  compute_partition: 'partition/compute_partition',
  accelerator_partition: 'partition/accelerator_partition',
  memory_partition: 'partition/memory_partition',
  socket_power_limit: 'limit/socket_power_limit',
}

/** Of the JSON of `amd-smi` without a command. */
const SUMMARY: Readonly<Record<string, string>> = {
  gpu_id: 'gpu',
  mem_util: 'usage/umc_activity',
  gfx_util: 'usage/gfx_activity',
  temp: 'temperature/hotspot',
  'power_usage/current_power': 'power/socket_power',
  'power_usage/power_limit': 'limit/socket_power',
  'mem_usage/used_gtt': 'mem_usage/used_vram',
  'mem_usage/total_gtt': 'mem_usage/total_vram',
  uncorr_ecc: 'ecc/total_uncorrectable_count',
  market_name: 'asic/market_name',
  partition_mode: 'partition/compute_partition',
}
export const isSummary = (names: readonly string[]) => names.includes('gpu_id') && names.includes('partition_mode')

/** Names of one table or object in the order of its cells, brought to paths. */
export function pathsOf(names: readonly string[]): string[] {
  const plain = names.map(name => name.trim().toLowerCase())
  if (isSummary(plain)) return plain.map(name => SUMMARY[name] ?? name)
  if (isMonitor(plain)) return plain.map(name => (Object.hasOwn(MONITOR, name) ? (MONITOR[name] ?? name) : name))
  // In the CSV of `static` the power cap stands between its bounds, under the name of the power drawn.
  const power = plain.includes('max_power') ? 'limit/socket_power' : 'power/socket_power'
  return plain.map(name => (name === 'socket_power' ? power : Object.hasOwn(CSV, name) ? (CSV[name] ?? name) : name))
}

export const isMonitor = (names: readonly string[]) => names.some(name => OF_MONITOR.test(name.toLowerCase()))

const VIOLATIONS: readonly (readonly [reason: string, share: string])[] = [
  ['ppt', 'pviol'],
  ['socket_thermal', 'tviol'],
  ['prochot', 'phot_tviol'],
  ['vr_thermal', 'vr_tviol'],
  ['hbm_thermal', 'hbm_tviol'],
]

/** Limits that held the clocks down: now (`metric`), or in a part of the time since the last look (`monitor`). */
function reasonsOf(cells: Cells): string[] | undefined {
  const reasons: string[] = []
  let known = false
  for (const [reason, share] of VIOLATIONS) {
    const status = word(cells.get(`throttle/${reason}_violation_status`))?.toUpperCase()
    const during = quantity(cells.get(share))
    known ||= status === 'ACTIVE' || status === 'NOT ACTIVE' || during !== undefined
    if (status === 'ACTIVE' || (during ?? 0) > 0) reasons.push(reason)
  }
  if (known) return reasons
  const status = word(cells.get('power/throttle_status'))
  return status === 'UNTHROTTLED' ? [] : status === 'THROTTLED' ? ['throttled'] : undefined
}

/** `0.3/192.0 GB` → bytes used and in all. */
function usageOf(cell: string | undefined): Pick<Gpu, 'memoryUsedBytes' | 'memoryTotalBytes'> {
  const [, used, total, unit = ''] =
    /^([\d.]{1,12})\/ {0,6}([\d.]{1,12}) ?([KMGT]i?B)$/.exec(cell?.slice(0, 60) ?? '') ?? []
  return { memoryUsedBytes: quantity(used, unit), memoryTotalBytes: quantity(total, unit) }
}

const bytesPerSecond = (cell: string | undefined) => {
  const bits = quantity(cell, 'Mb/s')
  return bits === undefined || bits < 0 ? undefined : bits / 8
}

export type Process = NonNullable<Gpu['processes']>[number]

/** Of one entry of `process`. */
export function processOf(cells: Cells): Process | undefined {
  const pid = quantity(cells.get('pid'))
  if (pid === undefined || !Number.isInteger(pid) || pid < 0) return undefined
  const name = cellOf(cells, ['name', 'process_name'])
  const memoryUsedBytes = quantity(cells.get('memory_usage/vram_mem') ?? cells.get('vram_mem'), 'B')
  return { pid, ...(name !== undefined && { name }), ...(memoryUsedBytes !== undefined && { memoryUsedBytes }) }
}

export interface Said {
  readonly cells: Cells
  readonly processes?: readonly Process[] | undefined
  /** Other lines of the same sample say that devices are divided. */
  readonly divided?: boolean
}

const vendorName = /^Advanced Micro Devices/

/** Records of one device in one sample; empty where nothing is said of it that a record holds. */
export function smiRecords({ cells, processes, divided }: Said): Gpu[] {
  const index = quantity(cells.get('gpu'))
  if (index === undefined || !Number.isInteger(index) || index < 0) return []
  const record = fill({ kind: 'gpu', index, vendor: 'amd', source: 'amd-smi' }, cells, WANTED)
  const { memoryUsedBytes, memoryTotalBytes } = usageOf(cells.get('vram_usage'))
  if (memoryUsedBytes !== undefined) Object.assign(record, { memoryUsedBytes, memoryTotalBytes })
  record.uuid = cellOf(cells, ['uuid'])
  const names = [cells.get('asic/market_name'), cells.get('board/product_name')].map(word)
  record.name = names.find(name => name !== undefined && !vendorName.test(name) && !/^0x/.test(name))
  record.pcieGeneration = generationOf(cellOf(cells, ['pcie/speed', 'pcie/current_speed']))
  record.pcieTransmitBytesPerSecond = bytesPerSecond(cells.get('pcie/current_bandwidth_sent'))
  record.pcieReceiveBytesPerSecond = bytesPerSecond(cells.get('pcie/current_bandwidth_received'))
  record.throttleReasons = reasonsOf(cells)
  record.processes = processes === undefined ? undefined : [...processes]
  const id = quantity(cellOf(cells, ['partition/partition_id', 'partition_id', 'xcp']))
  const mode = cellOf(cells, ['partition/accelerator_partition', 'partition/compute_partition'])
  const records = byPartition(record, {
    id,
    mode: dividing(mode) ?? (divided === true ? 'XCP' : mode),
    memory: cellOf(cells, ['partition/memory_partition']),
    ownUtilization: cells.has('xcp'),
  })
  return records.filter(one => saysSomething(one) || (one.instance !== undefined && !cells.has('xcp')))
}
