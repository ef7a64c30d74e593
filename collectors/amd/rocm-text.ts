/**
 * What rocm-smi prints for people: the concise table of every era, lines `GPU[0] : name: value` under headings, and the
 * tables of links between devices. A heading begins a run of the tool; `End of ROCm SMI Log` ends it.
 */
import type { WireRecord } from '../../wire/records'
import type { FileReading } from '../form'
import { quantity, word } from './cells'
import { titlesOf, wideCells } from './columns'
import { byPartition, fill, type Cells, type Gpu, type Wanted } from './device'
import { complaints } from './failures'
import { isRocm, put, RAS_SUMS, rocmRecords } from './rocm'

/** Of the concise table. `VRAM%` is a share of a total that the table does not give. The sensor of `Temp` stands below it. */
const COLUMNS: readonly Wanted[] = [
  ['utilizationRatio', ['GPU%'], '%'],
  ['powerWatts', ['Power', 'AvgPwr'], 'W'],
  ['powerLimitWatts', ['PwrCap'], 'W'],
  ['temperatureCelsius', ['Temp'], 'C'],
  ['smClockHertz', ['SCLK'], 'MHz'],
  ['memoryClockHertz', ['MCLK'], 'MHz'],
]

const HEADING = /^\s{0,40}={3,200}\s{0,4}(\S.{0,80}?)?\s{0,4}={3,200}\s{0,40}$/
const LINE = /^\s{0,40}GPU\[(\d{1,4})\]( XCP\[\d{1,3}\])?\s{0,20}:\s{0,4}(\S.{0,2000})$/
const OTHER_TABLE = /^\s{0,4}(?:GPU +NODE +DID|GPU +DID|PID\s+PROCESS NAME)/
/** Of `--showrasinfo`, below `GPU[0]: RAS INFO`: errors by the block of the chip that counted them. */
const RAS_TITLES = /^\s{0,20}Block\s+Status\s+Correctable Error\s+Uncorrectable Error\s{0,20}$/
const RAS_ROW = /^\s{0,20}[A-Z][A-Z\d_]{1,20}\s{1,20}[A-Z]{2,20}(?:\s{1,30}(\d{1,15})\s{1,30}(\d{1,15}))?\s{0,20}$/
/** What it says of single questions that a device cannot answer. */
const ASIDE = [
  /^\s{0,8}(?:ERROR|WARNING): GPU\[\d{1,4}\]/,
  /low-power state\b/,
  /Not supported on (?:the given system|this machine)\s{0,20}$/,
]
const OWN_REMARK =
  /^(?:(?:ERROR|WARNING):)?(?:root:)?(?: ?Driver not initialized \(amdgpu|cat: \/sys\/module\/amdgpu\/initstate| ?AMD GPU device\(s\) is\/are in a low-power)/

/** The first word of each title, without what the era puts behind it: `Temp (DieEdge)` → `Temp`. */
const plainTitles = (line: string) => titlesOf(line).map(title => title.replace(/ ?\(.{0,40}$/, ''))

function headerOf(line: string): string[] | undefined {
  const titles = plainTitles(line)
  // `GPU%` came with ROCm 2.
  return /^(?:GPU|Device)$/.test(titles[0] ?? '') && titles.includes('SCLK') && titles.includes('MCLK')
    ? titles
    : undefined
}

/** The record of a row of the concise table, with how its device is divided. */
function rowOf(titles: readonly string[], line: string): { gpu: Gpu; partition: string[] } | undefined {
  const wide = wideCells(line)
  // A wide value fills its column: one blank parts it from the next.
  const row = wide.length === titles.length ? wide : line.trim().split(/\s{1,40}/)
  if (!/^\d{1,4}$/.test(row[0] ?? '') || row.length !== titles.length) return undefined
  const cells: Cells = new Map(titles.map((title, at) => [title, row[at] ?? '']))
  const gpu = fill({ kind: 'gpu', index: Number(row[0]), vendor: 'amd', source: 'rocm-smi' }, cells, COLUMNS)
  return { gpu, partition: (cells.get('Partitions') ?? '').split(',').map(part => part.trim()) }
}

/** Names are cut at 20 letters: one of that length may not be whole. */
const MOST_NAME = 19

class Reading {
  readonly records: WireRecord[] = []
  linesRead = 0
  linesUnread = 0
  /** Something that rocm-smi alone prints was there. */
  own = false
  private cells = new Map<number, Map<string, string>>()
  /** Of the device that the last line spoke of. */
  private said: Map<string, string> | undefined
  private titles: string[] | undefined
  /** In a table of hardware or processes, which tells nothing of a device that a record holds. */
  private other = false
  private matrix: string[] | undefined
  private row: { gpu: Gpu; partition: string[] } | undefined

  line(line: string): void {
    const understood = this.understand(line)
    if (understood) this.linesRead += 1
    else this.linesUnread += 1
  }

  end(): void {
    this.endRow()
    for (const [index, cells] of this.cells) {
      this.own ||= isRocm(cells)
      this.records.push(...rocmRecords(index, cells))
    }
    this.cells = new Map()
    this.said = undefined
    this.titles = undefined
    this.matrix = undefined
  }

  private understand(line: string): boolean {
    const heading = HEADING.exec(line.slice(0, 400))
    if (heading !== null) {
      const title = heading[1] ?? ''
      if (/^(?:ROCm System Management Interface|End of ROCm SMI Log)$/.test(title.trim())) {
        this.end()
        this.own = true
      }
      this.matrix = undefined
      this.other = false
      return true
    }
    if (/^_{20,200}\s{0,40}$/.test(line.slice(0, 240))) return true
    const [, index, partition, said = ''] = LINE.exec(line) ?? []
    // Of a partition it prints lists of counters, none of which a record holds.
    if (partition !== undefined) return true
    if (index !== undefined) return this.say(Number(index), said)
    const titles = headerOf(line)
    if (titles !== undefined) {
      this.titles = titles
      this.own = true
      return true
    }
    if (OTHER_TABLE.test(line.slice(0, 80))) {
      this.other = true
      return true
    }
    if (this.other && /^\s{0,4}\d{1,10}\s/.test(line.slice(0, 40))) return true
    if (RAS_TITLES.test(line.slice(0, 200))) return this.said !== undefined
    return this.tableLine(line) || this.rasLine(line) || this.matrixLine(line) || this.remark(line)
  }

  /** Adds up the errors of a block for the device whose table this is. */
  private rasLine(line: string): boolean {
    const row = this.said?.get('RAS INFO') === undefined ? null : RAS_ROW.exec(line.slice(0, 200))
    if (row === null) return false
    for (const [at, name] of RAS_SUMS.entries()) {
      const count = quantity(row[at + 1])
      if (count !== undefined) this.said?.set(name, String((quantity(this.said.get(name)) ?? 0) + count))
    }
    return true
  }

  private say(index: number, said: string): boolean {
    const colon = said.indexOf(':')
    const cells = this.cells.get(index) ?? new Map<string, string>()
    if (this.cells.size < 4096) this.cells.set(index, cells)
    if (colon > 0) put(cells, said.slice(0, colon), said.slice(colon + 1))
    else if (said.trim() === 'RAS INFO') put(cells, 'RAS INFO', 'below')
    this.said = cells
    return true
  }

  private tableLine(line: string): boolean {
    if (this.titles === undefined) return false
    const row = rowOf(this.titles, line)
    if (row !== undefined) {
      this.endRow()
      this.row = row
      return true
    }
    if (this.row === undefined) return /^\s{1,40}\S.{0,20}(?:\(|chars)/.test(line.slice(0, 100))
    const name = /^\s{4,40}(\S.{0,40}?)\s{0,200}$/.exec(line.slice(0, 400))?.[1]
    if (name === undefined || /\s{2}/.test(name)) return false
    if (name.length <= MOST_NAME) this.row.gpu.name = word(name)
    return true
  }

  private endRow(): void {
    if (this.row === undefined) return
    const { gpu, partition } = this.row
    const [memory, mode, id] = partition
    this.records.push(...byPartition(gpu, { mode, memory, id: quantity(id) }))
    this.row = undefined
  }

  /** `GPU0  XGMI  0` under a line of devices: the path between two devices where a word says it. */
  private matrixLine(line: string): boolean {
    const row = line.trim().slice(0, 20_000).split(/\s+/)
    if (row.every(cell => /^GPU\d{1,4}$/.test(cell)) && (row.length > 1 || this.matrix === undefined)) {
      this.matrix = row
      return true
    }
    const { matrix } = this
    const [from = '', ...cells] = row
    if (matrix === undefined || !/^GPU\d{1,4}$/.test(from) || cells.length !== matrix.length) return false
    for (const [at, path] of cells.entries()) {
      const to = matrix[at]
      if (to === undefined || to === from || !/^(?:XGMI|PCIE)$/.test(path)) continue
      this.own = true
      this.records.push({ kind: 'path', from, to, path })
    }
    return true
  }

  private remark(line: string): boolean {
    if (OWN_REMARK.test(line.slice(0, 200))) this.own = true
    const { records, linesRead } = complaints([line.trim()], 'rocm-smi')
    this.records.push(...records)
    return linesRead > 0 || ASIDE.some(pattern => pattern.test(line.slice(0, 200)))
  }
}

/** Undefined where most of the text is another tool's, or nothing is rocm-smi's own. */
export function parseRocmText(text: string): FileReading | undefined {
  const reading = new Reading()
  for (const line of text.split(/\r?\n/)) if (line.trim() !== '') reading.line(line)
  reading.end()
  const { records, linesRead, linesUnread } = reading
  return reading.own && linesRead >= linesUnread ? { records, linesRead, linesUnread } : undefined
}
