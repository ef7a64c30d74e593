/** The tables of amd-smi's text: monitor, and between devices topology, xgmi and partition. A title line begins each. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { quantity, word } from './cells'
import { cellsWithUnits } from './columns'
import { dividing } from './device'
import { MonitorSamples } from './samples'
import { isMonitor, pathsOf } from './smi'

const BDF = /^(?:[\da-f]{4}:)?[\da-f]{2}:[\da-f]{2}\.[\da-f]$/i
const SECTION = /^([A-Z][A-Z _]{2,40})(?: TABLE)?:\s{0,20}$/

type Titles = readonly string[]
type Mode =
  | { readonly name: 'monitor'; readonly titles: Titles }
  | { readonly name: 'partition'; readonly titles: Titles }
  | { readonly name: 'matrix'; readonly titles: Titles; readonly of: string }
  | { readonly name: 'xgmi'; readonly titles: Titles }
  | { readonly name: 'other' }

export class SmiTables {
  /** A table that amd-smi alone prints was there. */
  own = false
  private mode: Mode | undefined
  private section = ''
  /** The device whose bytes the next lines of `xgmi` give, with the speed of its links. */
  private source: { device: string; rate: number | undefined; links: Map<string, RecordOf<'link'>> } | undefined

  private samples: MonitorSamples

  constructor(private readonly add: (record: WireRecord) => void) {
    this.samples = new MonitorSamples(add)
  }

  /** False where the line belongs to no table. */
  line(line: string): boolean {
    const section = SECTION.exec(line.slice(0, 80))?.[1]
    if (section !== undefined) {
      this.end()
      this.section = section
      return true
    }
    const cells = cellsWithUnits(line)
    return this.heading(cells) || this.row(cells)
  }

  end(): void {
    this.samples.end()
    this.samples = new MonitorSamples(this.add)
    this.endSource()
    this.mode = undefined
  }

  private heading(cells: readonly string[]): boolean {
    const [first = '', second = ''] = cells
    if (/^(?:GPU|TIMESTAMP)$/.test(first) && cells.includes('GPU') && isMonitor(cells)) {
      this.end()
      this.mode = { name: 'monitor', titles: pathsOf(cells) }
    } else if (first === 'GPU_ID' && cells.some(cell => /^(?:ACCELERATOR_TYPE|MEMORY)$/.test(cell))) {
      this.end()
      this.mode = { name: 'partition', titles: cells }
    } else if (first === 'bdf' && second === 'bit_rate') {
      this.end()
      this.mode = { name: 'xgmi', titles: cells.filter(cell => BDF.test(cell)) }
    } else if (cells.length > 0 && cells.every(cell => BDF.test(cell)) && this.section !== '') {
      this.mode = { name: 'matrix', titles: cells, of: this.section }
    } else if (
      /^(?:GPU|GPU_ID)$/.test(first) &&
      cells.every(cell => /^[A-Z][A-Z_%]{1,30}$/.test(cell)) &&
      cells.length > 1
    ) {
      // A monitor of processes alone, or a table of profiles: known, and nothing for a record.
      this.end()
      this.mode = { name: 'other' }
      return true
    } else return false
    this.own = true
    return true
  }

  private row(cells: readonly string[]): boolean {
    const { mode } = this
    switch (mode?.name) {
      case 'monitor':
        return this.monitorRow(mode.titles, cells)
      case 'partition':
        return this.partitionRow(mode.titles, cells)
      case 'matrix':
        return this.matrixRow(mode, cells)
      case 'xgmi':
        return this.xgmiRow(mode.titles, cells)
      case 'other':
        return /^\d{1,4}$/.test(cells[0] ?? '')
      case undefined:
        return false
    }
  }

  private monitorRow(titles: Titles, cells: readonly string[]): boolean {
    if (cells.length !== titles.length) return false
    const row = new Map(titles.map((title, at) => [title, cells[at] ?? '']))
    if (!/^\d{1,4}$/.test(row.get('gpu') ?? '')) return false
    this.samples.push(row)
    return true
  }

  private partitionRow(titles: Titles, cells: readonly string[]): boolean {
    if (cells.length !== titles.length || !/^\d{1,4}$/.test(cells[0] ?? '')) return false
    const cell = (title: string) => word(cells[titles.indexOf(title)])
    const mode = dividing(cell('ACCELERATOR_TYPE'))
    const id = quantity(cell('PARTITION_ID'))
    const base = { kind: 'gpu' as const, index: Number(cells[0]), vendor: 'amd', source: 'amd-smi' }
    if (mode !== undefined) this.add({ ...base, instance: id === undefined ? mode : `${mode} ${id}` })
    return true
  }

  private matrixRow({ titles, of }: { titles: Titles; of: string }, cells: readonly string[]): boolean {
    const [from = '', ...values] = cells
    if (!BDF.test(from) || values.length !== titles.length) return false
    for (const [at, path] of values.entries()) {
      const to = titles[at] ?? from
      if (/^LINK TYPE/.test(of) && to !== from && /^(?:XGMI|PCIE)$/.test(path))
        this.add({ kind: 'path', from, to, path })
    }
    return true
  }

  /** `GPU0 BDF 32 Gb/s 512 Gb/s XGMI`, then `Read …` and `Write …`: bytes from and to each other device since the driver's load. */
  private xgmiRow(titles: Titles, cells: readonly string[]): boolean {
    const [first = ''] = cells
    if (/^GPU\d{1,4}$/.test(first)) {
      this.endSource()
      const rate = cells.slice(2).filter(cell => /b\/s$/.test(cell))[1]
      this.source = { device: first.toLowerCase(), rate: quantity(rate), links: new Map() }
      return true
    }
    if (!/^(?:Read|Write)$/.test(first) || this.source === undefined || cells.length !== titles.length + 1) return false
    const { device, rate, links } = this.source
    for (const [at, port] of titles.entries()) {
      const bytes = quantity(cells[at + 1])
      if (bytes === undefined) continue
      const link = links.get(port) ?? { kind: 'link', device, port: `xgmi ${port}`, rateBitsPerSecond: rate }
      links.set(port, { ...link, ...(first === 'Read' ? { receiveBytes: bytes } : { transmitBytes: bytes }) })
    }
    return true
  }

  private endSource(): void {
    for (const link of this.source?.links.values() ?? []) this.add(link)
    this.source = undefined
  }
}
