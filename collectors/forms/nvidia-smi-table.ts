/** The table of a bare `nvidia-smi`, alone or at the head of a job's output. MIG rows are records of their own. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { textForm } from '../form'
import { moment } from '../nvidia/cells'
import { mostlyRead, readLines } from '../nvidia/lines'
import { cellsOf, firstRow, instanceRow, isBanner, isBorder, processRow, secondRow, thirdRow } from '../nvidia/summary'

type Gpu = RecordOf<'gpu'>

/** Follows the rows of one table after the other. */
class Tables {
  private devices: Gpu[] = []
  private instances: Gpu[] = []
  private row = 0
  private time: number | undefined
  private part: 'none' | 'devices' | 'instances' | 'processes' = 'none'

  constructor(private readonly add: (record: WireRecord) => void) {}

  get begun() {
    return this.part !== 'none'
  }

  read(line: string): boolean {
    const time = moment(line.slice(0, 60))
    if (time !== undefined) this.time = time
    if (time !== undefined || isBorder(line)) return true
    const cells = cellsOf(line)
    if (cells === undefined) return false
    if (isBanner(cells)) {
      this.end()
      this.part = 'devices'
    } else if (/^MIG devices:/.test(cells[0] ?? '')) this.part = 'instances'
    else if (/^(?:Compute )?Processes:/.test(cells[0] ?? '')) this.part = 'processes'
    else if (this.part === 'devices') this.device(cells)
    else if (this.part === 'instances') this.instance(cells)
    else if (this.part === 'processes') this.process(cells)
    return this.begun
  }

  end() {
    for (const record of [...this.devices, ...this.instances]) this.add(record)
    this.devices = []
    this.instances = []
    this.part = 'none'
  }

  private device(cells: readonly string[]) {
    const found = firstRow(cells, this.time)
    if (found !== undefined) {
      this.devices.push(found)
      this.row = 1
      return
    }
    const current = this.devices.at(-1)
    this.row += 1
    if (current !== undefined && this.row === 2) secondRow(cells, current)
    else if (current !== undefined && this.row === 3) thirdRow(cells, current)
  }

  private instance(cells: readonly string[]) {
    const found = instanceRow(cells, this.time)
    if (found !== undefined) this.instances.push(found)
  }

  private process(cells: readonly string[]) {
    if (/^No running processes found/.test(cells[0] ?? '')) for (const device of this.devices) device.processes = []
    const found = processRow(cells)
    const device = this.devices.find(({ index }) => index === found?.index)
    if (found !== undefined && device !== undefined) (device.processes ??= []).push(found.process)
  }
}

export const nvidiaSmiTable = textForm({
  name: 'nvidia-smi-table',
  tool: 'nvidia-smi',
  help: 'the table of devices and processes of a bare `nvidia-smi`',
  origin: 'https://docs.nvidia.com/deploy/nvidia-smi/index.html',
  begins:
    /(?:[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} {0,20}\r?\n)?\+-{20,200}\+ {0,20}\r?\n\| NVIDIA-SMI /,
  claims: ({ text }) => {
    const reading = nvidiaSmiTable.parse(text)
    return reading !== undefined && mostlyRead(reading) && reading.records.some(({ kind }) => kind === 'gpu')
  },
  parse(text) {
    if (!text.includes('NVIDIA-SMI')) return undefined
    let tables: Tables | undefined
    return readLines(
      text,
      (line, add) => (tables ??= new Tables(add)).read(line),
      () => tables?.end(),
    )
  },
})
