/**
 * What a capture holds, counted apart from the parsers: how often its text names a field of the catalogue beside a value that is
 * one. Counted by the labels, columns and series that each tool documents, with nothing of `collectors/`.
 */

/** `gpu.powerWatts`, and how to count it in a text. */
export type Counter = (text: string) => number
export type Holdings = Readonly<Record<string, readonly Counter[]>>

/** What tools print where they know nothing. */
const NOTHING =
  /^(?:|-+|\[?N\/A(?: \(.*\))?\]?|\[?Not Supported\]?|\[?Unknown Error\]?|\[?GPU is lost\]?|ERR!|9223372036854775794|None|null|unknown|\?+.*|<inactive>)$/i
const isValue = (cell: string | undefined) =>
  cell !== undefined && !NOTHING.test(cell.trim().replaceAll(/^["']|["'],?$/g, ''))

/** Matches whose first group is a value. */
export const label =
  (pattern: RegExp): Counter =>
  text =>
    [...text.matchAll(pattern)].filter(match => isValue(match[1] ?? match[0])).length

/** Cells with a value under a title, in tables that begin with a line for which `isHead` holds. `fromRight`: the left is ragged. */
export const column =
  (title: RegExp, isHead: RegExp, separator: RegExp, fromRight = false): Counter =>
  text => {
    let at: number | undefined
    let width = 0
    let count = 0
    for (const line of text.split(/\r?\n/)) {
      const cells = line.replace(/^#/, '').trim().split(separator)
      if (isHead.test(line)) {
        const found = cells.findIndex(cell => title.test(cell.trim()))
        width = cells.length
        at = found < 0 ? undefined : fromRight ? found - width : found
      } else if (at !== undefined && (fromRight ? cells.length >= width - 1 : cells.length === width)) {
        const cell = cells.at(at)
        if (isValue(cell) && /\d/.test(line) && !line.startsWith('#')) count += 1
      }
    }
    return count
  }

/** Series of an exporter's page, each with its labels, that have a number. */
const series = (name: string): Counter =>
  label(new RegExp(`^${name}(?:\\{[^\\n]*\\})? ([-+\\d.eE]+)(?: \\d+)?\\r?$`, 'gm'))
const tag = (name: string): Counter => label(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))
/** A label of `nvidia-smi -q` within its section. */
const within = (section: string, name: string): Counter =>
  label(new RegExp(`^ {4,}${section}\\r?\\n(?: {8,}\\S[^\\n]*\\n)*? {8,}${name} +: ([^\\n]*?)\\r?$`, 'gm'))
const line = (name: string): Counter => label(new RegExp(`^ {2,}${name} +: ([^\\n]*?)\\r?$`, 'gm'))
/** Rows of processes and of retired pages are of no device of their own. */
const csv = (title: RegExp) =>
  column(title, /^(?!.*\bpid\b|.*\bretired_pages\.address)(?:[a-z_.]+(?: \[.{1,8}\])?, ?)+[a-z_.]+/, /,/)
const monitor = (title: RegExp) => column(title, /^# gpu/, /\s+/)
/** A partition's row repeats the figures of its device, whose first partition stands for it. */
const ofDevices =
  (count: Counter): Counter =>
  text =>
    count(text.replaceAll(/^.* (?:CPX|DPX|QPX|TPX), [1-9]\d* .*$/gm, ''))
const spaced = (title: RegExp) => column(title, /^ *(?:GPU|TIMESTAMP) {2,}\S/, / {2,}/)
const concise = (title: RegExp) => column(title, /\bSCLK\b.*\bMCLK\b/, / {2,}/, true)
const member = (name: string): Counter => label(new RegExp(`"${name}": ?("[^"]*"|[^,}\\s]+)`, 'g'))
const port = (name: string): Counter =>
  label(new RegExp(`^Path: \\S*/ports/\\d+/(?:\\w*counters/)?${name}\\nLines: \\d+\\n([^\\n]*)`, 'gm'))

const csvNames: Readonly<Record<string, RegExp>> = {
  'gpu.name': /^(?:gpu_)?name$/,
  'gpu.uuid': /^(?:gpu_)?uuid$/,
  'gpu.utilizationRatio': /^utilization\.gpu\b/,
  'gpu.memoryUtilizationRatio': /^utilization\.memory\b/,
  'gpu.memoryUsedBytes': /^memory\.used\b/,
  'gpu.memoryTotalBytes': /^memory\.total\b/,
  'gpu.powerWatts': /^power\.draw(?: \[|$)/,
  'gpu.powerLimitWatts': /^enforced\.power\.limit\b/,
  'gpu.temperatureCelsius': /^temperature\.gpu$/,
  'gpu.memoryTemperatureCelsius': /^temperature\.memory$/,
  'gpu.smClockHertz': /^clocks\.(?:current\.)?sm\b/,
  'gpu.memoryClockHertz': /^clocks\.(?:current\.)?mem(?:ory)?\b/,
  'gpu.pcieGeneration': /^pcie\.link\.gen\.(?:current|gpucurrent)$/,
  'gpu.pcieWidth': /^pcie\.link\.width\.current$/,
  'gpu.eccUncorrectedErrors': /^ecc\.errors\.uncorrected\.volatile\.total$/,
  'gpu.migMode': /^mig\.mode\.current$/,
}
const per = (names: Readonly<Record<string, RegExp>>, count: (title: RegExp) => Counter): Holdings =>
  Object.fromEntries(Object.entries(names).map(([field, title]) => [field, [count(title)]]))

/** By folder of the captures. Of several counters for a field the one that finds most counts. */
export const holdings: Readonly<Record<string, Holdings>> = {
  'nvidia-smi-csv': per(csvNames, csv),
  'nvidia-smi-mon': {
    'gpu.powerWatts': [monitor(/^pwr$/)],
    'gpu.temperatureCelsius': [monitor(/^g?temp$/)],
    'gpu.memoryTemperatureCelsius': [monitor(/^mtemp$/)],
    'gpu.smClockHertz': [monitor(/^pclk$/)],
    'gpu.memoryClockHertz': [monitor(/^mclk$/)],
    'gpu.processes': [monitor(/^pid$/)],
  },
  'nvidia-smi-q': {
    'gpu.name': [line('Product Name')],
    'gpu.uuid': [line('GPU UUID')],
    'gpu.utilizationRatio': [within('Utilization', 'G[Pp][Uu]')],
    'gpu.memoryUsedBytes': [within('FB Memory Usage', 'Used')],
    'gpu.memoryTotalBytes': [within('FB Memory Usage', 'Total')],
    'gpu.powerWatts': [within('(?:GPU )?Power Readings', '(?:Average )?Power Draw')],
    'gpu.temperatureCelsius': [line('GPU Current Temp')],
    'gpu.memoryTemperatureCelsius': [line('Memory Current Temp')],
    'gpu.smClockHertz': [within('Clocks', 'SM')],
    'gpu.smClockMaxHertz': [within('Max Clocks', 'SM')],
    'gpu.memoryClockHertz': [within('Clocks', 'Memory')],
    'gpu.processes': [line('Process ID')],
  },
  'nvidia-smi-xml': {
    'gpu.name': [tag('product_name')],
    'gpu.uuid': [label(/<uuid>(GPU-[^<]+)</g)],
    'gpu.utilizationRatio': [tag('gpu_util')],
    'gpu.memoryUtilizationRatio': [tag('memory_util')],
    'gpu.memoryUsedBytes': [label(/<fb_memory_usage>\s*(?:<(?!used)\w+>[^<]*<\/\w+>\s*)*<used>([^<]*)</g)],
    'gpu.memoryTotalBytes': [label(/<fb_memory_usage>\s*<total>([^<]*)</g)],
    'gpu.powerWatts': [
      label(/<(?:gpu_)?power_readings>(?:(?!<\/(?:gpu_)?power_readings>)[\s\S])*?<\w*power_draw>(\d[^<]*)</g),
    ],
    'gpu.temperatureCelsius': [tag('gpu_temp')],
    'gpu.memoryTemperatureCelsius': [tag('memory_temp')],
    'gpu.smClockHertz': [label(/<clocks>(?:\s*<(?!sm_clock)\w+>[^<]*<\/\w+>)*\s*<sm_clock>([^<]*)</g)],
    'gpu.memoryClockHertz': [label(/<clocks>(?:\s*<(?!mem_clock)\w+>[^<]*<\/\w+>)*\s*<mem_clock>([^<]*)</g)],
    'gpu.pcieGeneration': [tag('current_link_gen')],
    'gpu.pcieWidth': [tag('current_link_width')],
    'gpu.migMode': [tag('current_mig')],
    'gpu.processes': [label(/<process_info>[\s\S]*?<pid>([^<]*)</g)],
  },
  'nvidia-smi-table': {
    'gpu.name': [label(/^\| {1,4}\d+ {2}(\S.*?) {2,}/gm)],
    'gpu.memoryUsedBytes': [label(/^\|.*?\b(\d+)MiB *\/ *\d+MiB *\| *(?:N\/A|\d)/gm)],
    'gpu.memoryTotalBytes': [label(/^\|.*?\b\d+MiB *\/ *(\d+)MiB *\| *(?:N\/A|\d)/gm)],
    'gpu.powerWatts': [label(/\b(\d+)W *\//g)],
    'gpu.powerLimitWatts': [label(/\/ *(\d+)W\b/g)],
    'gpu.temperatureCelsius': [label(/\b(\d+)C {2,}P\d/g)],
    'gpu.utilizationRatio': [label(/MiB *\| *(\d+)%/g)],
  },
  'nvidia-smi-nvlink': {
    'link.rateBitsPerSecond': [label(/Link \d+: ([\d.]+) GB\/s/g)],
    'link.state': [label(/(Link \d+): (?:<inactive>|[\d.]+ GB)/g)],
  },
  'nvidia-smi-other': {
    'gpu.name': [label(/^\s*(?:GPU|MIG) .*\(?UUID: (\S+)/gm)],
    'gpu.uuid': [label(/UUID: (\S+?)\)/g)],
  },
  'nvidia-smi-errors': { 'event.message': [text => Math.sign(text.trim().length)] },
  dcgm: {
    'gpu.utilizationRatio': [series('DCGM_FI_DEV_GPU_UTIL'), series('DCGM_FI_PROF_GR_ENGINE_ACTIVE')],
    'gpu.memoryUsedBytes': [series('DCGM_FI_DEV_FB_USED')],
    'gpu.powerWatts': [series('DCGM_FI_DEV_POWER_USAGE')],
    'gpu.temperatureCelsius': [series('DCGM_FI_DEV_GPU_TEMP')],
    'gpu.memoryTemperatureCelsius': [series('DCGM_FI_DEV_MEMORY_TEMP')],
    'gpu.smClockHertz': [series('DCGM_FI_DEV_SM_CLOCK')],
    'gpu.memoryClockHertz': [series('DCGM_FI_DEV_MEM_CLOCK')],
    'gpu.tensorActiveRatio': [series('DCGM_FI_PROF_PIPE_TENSOR_ACTIVE')],
    'gpu.dramActiveRatio': [series('DCGM_FI_PROF_DRAM_ACTIVE')],
  },
  'exporter-pages': {
    'gpu.utilizationRatio': [series('nvidia_smi_utilization_gpu_ratio')],
    'gpu.memoryUsedBytes': [series('nvidia_smi_memory_used_bytes')],
    'gpu.memoryTotalBytes': [series('nvidia_smi_memory_total_bytes')],
    'gpu.powerWatts': [series('nvidia_smi_power_draw_watts')],
    'gpu.temperatureCelsius': [series('nvidia_smi_temperature_gpu')],
    'gpu.memoryTemperatureCelsius': [series('nvidia_smi_temperature_memory')],
    'gpu.smClockHertz': [series('nvidia_smi_clocks_(?:current_)?sm(?:_clock)?_hz')],
    'link.receiveBytes': [series('node_infiniband_port_data_received_bytes_total')],
    'link.transmitBytes': [series('node_infiniband_port_data_transmitted_bytes_total')],
  },
  'amd-smi': {
    'gpu.powerWatts': [
      spaced(/^POWER$/),
      label(/"socket_power": ?\{\s*"value": ?([\d.]+)/g),
      label(/^ {4}POWER:\n {8}SOCKET_POWER: ([\d.]+) W/gm),
    ],
    'gpu.temperatureCelsius': [spaced(/^(?:GPU_TEMP|GPU_T)$/)],
    'gpu.memoryTemperatureCelsius': [spaced(/^(?:MEM_TEMP|MEM_T)$/)],
    'gpu.utilizationRatio': [spaced(/^(?:GFX_UTIL|GFX%)$/)],
    'gpu.memoryUtilizationRatio': [spaced(/^(?:MEM_UTIL|MEM%)$/)],
    'gpu.smClockHertz': [spaced(/^(?:GFX_CLOCK|GFX_CLK)$/)],
    'gpu.memoryClockHertz': [spaced(/^MEM_CLOCK$/)],
    'gpu.memoryUsedBytes': [spaced(/^(?:VRAM_USED|VRAM_USAGE)$/)],
    'gpu.memoryTotalBytes': [
      spaced(/^(?:VRAM_TOTAL|VRAM_USAGE)$/),
      label(/^ {4}VRAM:\n(?: {8}.*\n)*? {8}SIZE: (\d+) \wB/gm),
    ],
    'gpu.powerLimitWatts': [label(/^ {8}MAX_POWER: (\d+) W/gm)],
    'gpu.processes': [label(/^ {8}PID: (\d+)/gm)],
  },
  'rocm-smi-json': {
    'gpu.powerWatts': [member('(?:Average Graphics Package Power|Current Socket Graphics Package Power) \\(W\\)')],
    'gpu.powerLimitWatts': [member('Max Graphics Package Power \\(W\\)')],
    'gpu.temperatureCelsius': [
      member('Temperature \\(Sensor junction\\) \\(C\\)'),
      member('Temperature \\(Sensor edge\\) \\(C\\)'),
    ],
    'gpu.memoryTemperatureCelsius': [member('Temperature \\(Sensor memory\\) \\(C\\)')],
    'gpu.utilizationRatio': [member('GPU use \\(%\\)')],
    'gpu.memoryUsedBytes': [member('VRAM Total Used Memory \\(B\\)')],
    'gpu.memoryTotalBytes': [member('VRAM Total Memory \\(B\\)')],
    'gpu.smClockHertz': [member('sclk clock speed:')],
    'gpu.memoryClockHertz': [member('mclk clock speed:')],
  },
  'rocm-smi-text': {
    'gpu.powerWatts': [ofDevices(concise(/^(?:Power|AvgPwr|Power\(.*)$/i))],
    'gpu.powerLimitWatts': [ofDevices(concise(/^PwrCap$/i))],
    'gpu.temperatureCelsius': [ofDevices(concise(/^Temp(?:\W|$)/i))],
    'gpu.utilizationRatio': [ofDevices(concise(/^GPU%$/))],
    'gpu.smClockHertz': [concise(/^SCLK$/)],
    'gpu.memoryClockHertz': [ofDevices(concise(/^MCLK$/))],
    'gpu.name': [label(/^\s*GPU\[\d+\]\s*: Card [Ss]eries:\s*(\S.*)$/gm), label(/^ {8}(AMD Instinct \S+)/gm)],
  },
  dmesg: { 'event.code': [label(/\bXid \(([^)]+)\): \d+/g)] },
  ethtool: {
    'link.receiveBytes': [label(/^ *rx_bytes: (\d+)$/gm)],
    'link.transmitBytes': [label(/^ *tx_bytes: (\d+)$/gm)],
    'link.rateBitsPerSecond': [label(/^\s*Speed: (\d+)Mb\/s/gm)],
  },
  ibstat: { 'link.rateBitsPerSecond': [label(/^\s*Rate: (\d+)/gm)], 'link.state': [label(/^\s*State: (\w+)/gm)] },
  ibstatus: {
    'link.rateBitsPerSecond': [label(/^\s*rate:\s+(\d+)/gm)],
    'link.state': [label(/^\s*state:\s+\d+: (\w+)/gm)],
  },
  perfquery: {
    'link.receiveBytes': [label(/^PortRcvData:\.+(\d+)/gm)],
    'link.transmitBytes': [label(/^PortXmitData:\.+(\d+)/gm)],
  },
  'proc-net-dev': {
    'link.receiveBytes': [label(/^ *(?!lo:)\S+: *(\d+)/gm)],
    'link.transmitBytes': [label(/^ *(?!lo:)\S+:(?: *\d+){8} +(\d+)/gm)],
  },
  rdma: { 'link.device': [label(/"ifname": ?("[^"]+")/g)] },
  'sysfs-infiniband': {
    'link.receiveBytes': [port('port_rcv_data')],
    'link.transmitBytes': [port('port_xmit_data')],
    'link.rateBitsPerSecond': [port('rate')],
    'link.state': [port('state')],
  },
  'sysfs-drm': {
    'gpu.utilizationRatio': [label(/^Path: \S*\/gpu_busy_percent\nLines: 1\n(\d+)/gm)],
    'gpu.memoryUsedBytes': [label(/^Path: \S*\/mem_info_vram_used\nLines: 1\n(\d+)/gm)],
    'gpu.memoryTotalBytes': [label(/^Path: \S*\/mem_info_vram_total\nLines: 1\n(\d+)/gm)],
  },
}

/** How often each field of the table stands in the text. */
export function heldIn(folder: string, text: string): Map<string, number> {
  const counted = Object.entries(holdings[folder] ?? {}).map(
    ([field, counters]) => [field, Math.max(...counters.map(count => count(text)))] as const,
  )
  return new Map(counted)
}
