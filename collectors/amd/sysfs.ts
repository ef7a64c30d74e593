/**
 * What the driver amdgpu says of a device in files of one line below /sys/class/drm/cardN/device:
 * https://docs.kernel.org/gpu/amdgpu/driver-misc.html and https://docs.kernel.org/gpu/amdgpu/thermal.html. Power is in µW and
 * temperature in thousandths of a degree. Which sensor a temperature is of, its label says (edge, junction, mem).
 */
import { generationOf, quantity, word } from './cells'
import { byPartition, dividing, type Gpu } from './device'

/** Files read at every sample, relative to `device`. Each read of these is answered by the driver in well under a millisecond. */
export const FILES = [
  ...[
    'gpu_busy_percent',
    'mem_busy_percent',
    'mem_info_vram_used',
    'mem_info_vram_total',
    'pp_dpm_sclk',
    'pp_dpm_mclk',
  ],
  ...['current_link_speed', 'current_link_width', 'unique_id', 'product_name', 'current_compute_partition'],
  ...[
    'current_memory_partition',
    'ras/umc_err_count',
    'ras/gfx_err_count',
    'ras/sdma_err_count',
    'ras/mmhub_err_count',
  ],
] as const
/** Relative to `device/hwmon/hwmonN`. */
export const SENSOR_FILES = [
  ...['power1_input', 'power1_average', 'power1_cap', 'freq1_input', 'freq2_input'],
  ...[1, 2, 3].flatMap(sensor => [`temp${sensor}_input`, `temp${sensor}_label`]),
]

const whole = (text: string | undefined) => (/^\s{0,4}\d{1,18}\s{0,4}$/.test(text ?? '') ? Number(text) : undefined)
const percent = (text: string | undefined) => {
  const value = whole(text)
  return value === undefined || value > 100 ? undefined : value / 100
}
const scaled = (text: string | undefined, divisor: number) => {
  const value = quantity(text)
  return value === undefined ? undefined : value / divisor
}

/** `1: 1630Mhz *` → the frequency that is starred, and the highest. */
function levels(text: string | undefined): { now?: number | undefined; highest?: number | undefined } {
  let now: number | undefined
  let highest: number | undefined
  for (const line of (text ?? '').slice(0, 8000).split('\n')) {
    const [, frequency, star] = /^\s{0,4}[\dS]{1,3}: {0,8}(\d{1,6}MHz) {0,4}(\*?)/i.exec(line.slice(0, 80)) ?? []
    const hertz = quantity(frequency)
    if (hertz === undefined) continue
    if (star === '*') now = hertz
    highest = Math.max(highest ?? 0, hertz)
  }
  return { now, highest }
}

/** `ue: 0` and `ce: 3` of each block of the chip that counts errors. */
function errors(files: ReadonlyMap<string, string>, kind: 'ue' | 'ce'): number | undefined {
  let sum: number | undefined
  for (const [name, text] of files) {
    if (!/^ras\/\w{1,20}_err_count$/.test(name)) continue
    const count = new RegExp(`^${kind}: (\\d{1,15})\\s{0,4}$`, 'm').exec(text.slice(0, 200))?.[1]
    if (count !== undefined) sum = (sum ?? 0) + Number(count)
  }
  return sum
}

function temperatures(files: ReadonlyMap<string, string>): Map<string, number> {
  const found = new Map<string, number>()
  for (const sensor of [1, 2, 3]) {
    const value = scaled(files.get(`temp${sensor}_input`), 1000)
    // Cards before Vega have one sensor without a label: the edge's.
    const label = files.get(`temp${sensor}_label`)?.trim() ?? (sensor === 1 ? 'edge' : undefined)
    if (value !== undefined && label !== undefined) found.set(label, value)
  }
  return found
}

/** Records of a device from its files by name; those of `hwmon` by their own names. */
export function sysfsRecords(index: number, files: ReadonlyMap<string, string>): Gpu[] {
  const sclk = levels(files.get('pp_dpm_sclk'))
  const temperature = temperatures(files)
  const link = word(files.get('current_link_speed'))
  const record: Gpu = {
    kind: 'gpu',
    index,
    vendor: 'amd',
    source: 'amdgpu',
    uuid: word(files.get('unique_id')),
    name: word(files.get('product_name')),
    utilizationRatio: percent(files.get('gpu_busy_percent')),
    memoryUtilizationRatio: percent(files.get('mem_busy_percent')),
    memoryUsedBytes: whole(files.get('mem_info_vram_used')),
    memoryTotalBytes: whole(files.get('mem_info_vram_total')),
    powerWatts: scaled(files.get('power1_average'), 1e6) ?? scaled(files.get('power1_input'), 1e6),
    powerLimitWatts: scaled(files.get('power1_cap'), 1e6),
    temperatureCelsius: temperature.get('edge') ?? temperature.get('junction'),
    memoryTemperatureCelsius: temperature.get('mem'),
    smClockHertz: whole(files.get('freq1_input')) ?? sclk.now,
    smClockMaxHertz: sclk.highest,
    memoryClockHertz: whole(files.get('freq2_input')) ?? levels(files.get('pp_dpm_mclk')).now,
    pcieGeneration: generationOf(link),
    // A link that is down has width 0.
    pcieWidth: whole(files.get('current_link_width')) || undefined,
    eccUncorrectedErrors: errors(files, 'ue'),
    eccCorrectedErrors: errors(files, 'ce'),
  }
  // The files of a divided device speak of the whole: partitions have none of their own.
  const mode = dividing(word(files.get('current_compute_partition')))
  return mode === undefined ? [record] : byPartition(record, { mode, id: 0 }).filter(one => one.instance === undefined)
}
