/**
 * The boxes that `amd-smi` prints without a command (26 and later): two lines for each device, then the processes of all.
 * Of a partition behind the first only its memory is given, which in shared memory (NPS1) is no figure of its own.
 */
import type { WireRecord } from '../../wire/records'
import { word } from './cells'
import { processOf, smiRecords, type Process } from './smi'

const HEADING = /^\| AMD-SMI \S{1,40} /
const RULE = /^[+|][-=+|]{20,200}[+|]?$/
/** `| 0000:05:00.0 AMD Instinct … | 0 % 35 °C 0 128/750 W |` */
const FIRST =
  /^\| ((?:[\da-f]{4}:)?[\da-f]{2}:[\da-f]{2})\.([\da-f]) {1,20}(\S.{0,60}?) *\| (N\/A|[\d.]{1,6} %) {1,20}(N\/A|[\d.]{1,6} °?C) {1,20}(N\/A|\d{1,15}) {1,30}(N\/A|\S{1,20} W) {0,20}\|$/i
/** `| 0 0 7 SPX/NPS1 | 0 % N/A 283/196592 MB |` */
const SECOND =
  /^\| {1,6}(\d{1,4}) {1,12}\S{1,6} {1,12}\S{1,6} {1,30}(\S{1,20}) {0,10}\| (N\/A|[\d.]{1,6} %) {1,20}(?:N\/A|[\d.]{1,6} %) {1,30}(N\/A|\S{1,30} [KMGT]B) {0,20}\|$/
const PROCESS =
  /^\| {1,6}(\d{1,4}) {1,12}(\d{1,10}) {1,6}(\S.{0,40}?) {2,40}(?:N\/A|[\d.]{1,12} [KMGT]?B) {1,12}(N\/A|[\d.]{1,12} [KMGT]?B) /

export class SmiSummary {
  /** The heading was there: nobody else prints it. */
  own = false
  private first: RegExpExecArray | undefined
  private devices: Map<string, string>[] = []
  private readonly processes = new Map<string, Process[]>()
  private saysProcesses = false
  /** How a device is divided, by its bus address: said at its first partition alone. */
  private readonly divided = new Map<string, string>()

  constructor(private readonly add: (record: WireRecord) => void) {}

  /** False where the line is no part of such boxes. */
  line(line: string): boolean {
    const text = line.trim().slice(0, 400)
    if (HEADING.test(text)) {
      this.end()
      this.own = true
      return true
    }
    if (RULE.test(text)) return true
    if (!this.own || !text.startsWith('|')) return false
    return this.device(text) || this.process(text) || /^\| +(?:BDF|GPU|VBIOS|Platform:|Processes:)/.test(text)
  }

  end(): void {
    for (const cells of this.devices) {
      const processes = this.saysProcesses ? (this.processes.get(cells.get('gpu') ?? '') ?? []) : undefined
      for (const record of smiRecords({ cells, processes })) this.add(record)
    }
    this.devices = []
    this.processes.clear()
    this.divided.clear()
    this.saysProcesses = false
  }

  private device(text: string): boolean {
    const first = FIRST.exec(text)
    if (first !== null) {
      this.first = first
      return true
    }
    const second = this.first === undefined ? null : SECOND.exec(text)
    if (second === null || this.first === undefined) return false
    const [, address = '', part = '', name = '', memoryUse = '', temperature = '', errors = '', power = ''] = this.first
    const [, gpu = '', partition = '', use = '', memory = ''] = second
    this.first = undefined
    if (/^(?:DPX|TPX|QPX|CPX)\b/.test(partition)) this.divided.set(address, partition)
    const dividing = this.divided.get(address)
    const [mode = '', share = ''] = (dividing ?? word(partition) ?? '').split('/')
    const [drawn, cap] = partsOf(power, ' W')
    const [used, total] = partsOf(memory, memory.slice(-3))
    const cells = {
      gpu,
      'usage/gfx_activity': use,
      'usage/umc_activity': memoryUse,
      'temperature/hotspot': temperature,
      'ecc/total_uncorrectable_count': errors,
      'power/socket_power': drawn,
      'mem_usage/used_vram': used,
      'mem_usage/total_vram': total,
      'partition/compute_partition': mode,
      'partition/memory_partition': share,
      // A cap of 0 W is none: APUs have no cap.
      ...(cap !== '0 W' && { 'limit/socket_power': cap }),
      // A name that was cut begins with dots.
      ...(!name.startsWith('...') && { 'asic/market_name': name }),
      ...(dividing !== undefined && { 'partition/partition_id': String(Number.parseInt(part, 16)) }),
    }
    if (this.devices.length < 4096) this.devices.push(new Map(Object.entries(cells)))
    return true
  }

  private process(text: string): boolean {
    if (/^\| +No running processes found/.test(text)) return (this.saysProcesses = true)
    const [, gpu, pid = '', name = '', memory = ''] = PROCESS.exec(text) ?? []
    if (gpu === undefined) return false
    this.saysProcesses = true
    const cells = { pid, name, vram_mem: memory }
    const process = processOf(new Map(Object.entries(cells)))
    const list = this.processes.get(gpu) ?? []
    if (process !== undefined && list.length < 10_000) this.processes.set(gpu, [...list, process])
    return true
  }
}

/** `128/750 W` → `128 W` and `750 W`; each may be `N/A`, which holds a slash itself. */
function partsOf(cell: string, unit: string): [string, string] {
  const [, first = '', second = ''] = /^(N\/A|[\d.]{1,12})\/(N\/A|[\d.]{1,12}) [A-Z]{1,2}$/.exec(cell) ?? []
  return [`${first}${unit}`, `${second}${unit}`]
}
