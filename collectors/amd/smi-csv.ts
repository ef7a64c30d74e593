/** `amd-smi … --csv`, line by line: a title line, then one line for each device and turn, or for each process. */
import type { WireRecord } from '../../wire/records'
import { cellsOfCsv } from './csv'
import type { Cells } from './device'
import { MonitorSamples } from './samples'
import { isMonitor, pathsOf, processOf, smiRecords, type Process } from './smi'

/** Columns beside `gpu` that tell its tables from those of others. */
const OWN =
  /^(?:gfx_activity|umc_activity|socket_power|gfx_voltage|power_management|hotspot|total_vram|used_vram|market_name|gpu_bdf|kfd_id|hip_uuid|vram_mem|gtt_mem|max_pcie_width|gfx_0_clk|total_correctable_count|compute_partition|accelerator_partition|slowdown_edge_temperature|prochot_violation_status)$/

export class SmiCsv {
  private header: readonly string[] | undefined
  private titles: readonly string[] = []
  private kind: 'monitor' | 'process' | 'device' = 'device'
  private samples: MonitorSamples
  private processes: { gpu: Cells; list: Process[] } | undefined

  constructor(private readonly add: (record: WireRecord) => void) {
    this.samples = new MonitorSamples(add)
  }

  /** False where the line is neither titles nor a row under them. */
  line(line: string): boolean {
    const cells = cellsOfCsv(line.trim())
    if (cells === undefined || cells.length < 2) return false
    if (cells.every(cell => /^[A-Za-z][\w%]{0,80}$/.test(cell)) && /^(?:gpu|timestamp)$/i.test(cells[0] ?? ''))
      return this.heading(cells.map(cell => cell.toLowerCase()))
    if (this.header === undefined || cells.length !== this.titles.length) return false
    const row = new Map(this.titles.map((title, at) => [title, cells[at] ?? '']))
    if (!/^\d{1,4}$/.test(row.get('gpu') ?? '')) return false
    if (this.kind === 'monitor') this.samples.push(row)
    else if (this.kind === 'process') this.processRow(row)
    else for (const record of smiRecords({ cells: row })) this.add(record)
    return true
  }

  end(): void {
    this.samples.end()
    this.endProcesses()
  }

  private heading(cells: readonly string[]): boolean {
    const monitor = isMonitor(cells)
    if (!cells.includes('gpu')) return false
    if (!monitor && !cells.some(cell => OWN.test(cell))) return false
    // Watch mode may print its titles again at each turn: nothing begins anew with those.
    if (this.header?.join() === cells.join()) return true
    this.end()
    this.samples = new MonitorSamples(this.add)
    this.header = cells
    this.titles = pathsOf(cells)
    this.kind = monitor ? 'monitor' : cells.includes('pid') ? 'process' : 'device'
    return true
  }

  private processRow(row: Cells): void {
    if (this.processes?.gpu.get('gpu') !== row.get('gpu')) this.endProcesses()
    const process = processOf(row)
    if (process === undefined) return
    this.processes ??= { gpu: new Map([['gpu', row.get('gpu') ?? '']]), list: [] }
    this.processes.list.push(process)
  }

  private endProcesses(): void {
    if (this.processes === undefined) return
    for (const record of smiRecords({ cells: this.processes.gpu, processes: this.processes.list })) this.add(record)
    this.processes = undefined
  }
}
