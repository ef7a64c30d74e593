/**
 * Names of what rocm-smi says of a device, the same in its JSON, its CSV and its lines `GPU[0] : name: value`:
 * https://github.com/ROCm/rocm_smi_lib/blob/amd-staging/python_smi_tools/rocm_smi.py (the printLog calls, of all ages).
 */
import { generationOf, quantity, word } from './cells'
import { byPartition, cellOf, fill, saysSomething, type Cells, type Gpu, type Wanted } from './device'

/** Sums over the blocks of the table of `--showrasinfo`: corrected, uncorrected. */
export const RAS_SUMS = ['Correctable Error', 'Uncorrectable Error'] as const

const WANTED: readonly Wanted[] = [
  ['utilizationRatio', ['GPU use (%)', 'Current GPU use', 'average_gfx_activity (%)'], '%'],
  [
    'memoryUtilizationRatio',
    ['GPU Memory Read/Write Activity (%)', 'GPU memory use (%)', 'average_umc_activity (%)'],
    '%',
  ],
  ['memoryUsedBytes', ['VRAM Total Used Memory (B)', 'vram Total Used Memory (B)']],
  ['memoryTotalBytes', ['VRAM Total Memory (B)', 'vram Total Memory (B)']],
  [
    'powerWatts',
    [
      'Current Socket Graphics Package Power (W)',
      'Average Graphics Package Power (W)',
      'Average Socket Graphics Package Power (W)',
      'Current Graphics Package Power (W)',
      'Average Graphics Package Power',
      'Average GPU Power',
      'current_socket_power (W)',
      'average_socket_power (W)',
    ],
    'W',
  ],
  ['powerLimitWatts', ['Max Graphics Package Power (W)', 'Max Graphics Package Power'], 'W'],
  [
    'temperatureCelsius',
    [
      'Temperature (Sensor edge) (C)',
      'Temperature (Sensor #1) (C)',
      'Temperature (Sensor #1)',
      'temperature_edge (C)',
      'Temperature (Sensor junction) (C)',
      'temperature_hotspot (C)',
      // Before ROCm 2.5 a device had one sensor.
      'Temperature',
    ],
    'C',
  ],
  ['memoryTemperatureCelsius', ['Temperature (Sensor memory) (C)', 'temperature_mem (C)'], 'C'],
  ['smClockHertz', ['sclk clock speed', 'sclk clock level', 'current_gfxclk (MHz)', 'GPU Clock Level'], 'MHz'],
  ['eccCorrectedErrors', [RAS_SUMS[0]]],
  ['eccUncorrectedErrors', [RAS_SUMS[1]]],
  ['memoryClockHertz', ['mclk clock speed', 'mclk clock level', 'current_uclk (MHz)', 'GPU Memory Clock Level'], 'MHz'],
]

/** `sclk clock speed:` and `sclk clock level` → names without the colon, and levels reduced to their frequency. */
export function put(cells: Map<string, string>, name: string, value: string): void {
  const plain = name.trim().replace(/:$/, '')
  const level = /^[\w.*]{1,8}:? {0,4}\((.{1,60})\)$/.exec(value.trim().slice(0, 80))?.[1]
  const text = / clock level$/i.test(plain) && level !== undefined ? level : value.trim()
  // `sclk clock level: 1` (older CSV and JSON) is a place in a table, no frequency.
  if (/ clock level$/i.test(plain) && level === undefined && !/Hz|GT\/s/i.test(text)) return
  if (!cells.has(plain) && cells.size < 2000) cells.set(plain, text)
}

const KNOWN = new Set(WANTED.flatMap(([, names]) => names))
/** What else it prints of a device: identity, sensors, firmware, and the driver's table of metrics as it is. */
const OTHERS =
  /^(?:Card (?:[Ss]eries|[Mm]odel|[Vv]endor|SKU)$|Device Name$|Unique ID$|PCI Bus$|GFX (?:Version|Activity)$|GPU memory vendor$|GPU ID$|Current (?:PowerPlay|Performance) Level$|Current OverDrive value$|VBIOS version$|Fan (?:speed \(|RPM$|Level$)|Performance Level$|Voltage \(mV\)$|PCIe Replay Count$|Accumulated Energy \(uJ\)$|XGMI Error count$|(?:Compute|Memory) Partition$|\(Topology\) |(?:VIS_VRAM|GTT) Total |Temperature \(Sensor |\w{1,8}clk clock (?:speed|level)$|pcie clock level$|\w{2,10} (?:SR\w{2} )?firmware version$|(?:vram_max_bandwidth|xgmi_link_status|temperature_[a-z]{1,20}|average_\w{1,30}|current_\w{1,30}) \()/
/** Whether anything is among the cells that rocm-smi alone prints so. */
export const isRocm = (cells: Cells) => [...cells.keys()].some(name => KNOWN.has(name) || OTHERS.test(name))

/** Records of the device `index`; empty where nothing is said of it. */
export function rocmRecords(index: number, cells: Cells): Gpu[] {
  const record = fill({ kind: 'gpu', index, vendor: 'amd', source: 'rocm-smi' }, cells, WANTED)
  record.uuid = cellOf(cells, ['Unique ID'])
  const name = cellOf(cells, ['Card Series', 'Card series', 'Device Name'])
  // Two lines that came onto one say the same twice.
  record.name = word(name?.replace(/Card [Ss]eries:.*$/, '') ?? '')
  const highest = /-\s{0,4}(\d{1,6}\s?MHz)$/i.exec(cellOf(cells, ['Valid sclk range'])?.slice(0, 60) ?? '')?.[1]
  record.smClockMaxHertz = quantity(highest)
  const link = cellOf(cells, ['pcie clock level'])
  record.pcieGeneration = generationOf(link)
  const width = /\bx(\d{1,2})$/.exec(link?.slice(0, 60) ?? '')?.[1]
  record.pcieWidth = width === undefined ? undefined : Number(width)
  const mode = cellOf(cells, ['Compute Partition'])
  const records = byPartition(record, { mode, memory: cellOf(cells, ['Memory Partition']) })
  return records.filter(one => saysSomething(one) || one.instance !== undefined)
}
