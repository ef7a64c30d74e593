/**
 * What amd-smi prints for people: blocks `GPU: 0` with indented `NAME: value` (metric, static, list, process), and the
 * tables of monitor, topology, xgmi and partition, and the boxes that stand for all.
 */
import type { WireRecord } from '../../wire/records'
import type { FileReading } from '../form'
import { word } from './cells'
import { complaints } from './failures'
import { processOf, smiRecords, type Process } from './smi'
import { SmiSummary } from './smi-summary'
import { SmiTables } from './smi-tables'

const BLOCK = /^(GPU|CPU|NIC): {1,4}(\d{1,4})\s{0,20}$/
const ENTRY = /^(\s{1,80})([A-Z][A-Za-z0-9_ %-]{0,80}):(?: (.{0,2000}))?$/
const TIMESTAMP = /^\s{0,8}TIMESTAMP: (\d{9,11}(?:\.\d{1,6})?)\s{0,8}$/
const MAX_CELLS = 4000

/** One `GPU: 0` with all below it. */
class Block {
  readonly cells = new Map<string, string>()
  private readonly open: { indent: number; name: string }[] = []
  private process: Map<string, string> | undefined
  private readonly processes: Process[] = []
  private noProcesses = false

  constructor(index: string) {
    this.cells.set('gpu', index)
  }

  entry(indent: number, name: string, value: string): void {
    while ((this.open.at(-1)?.indent ?? -1) >= indent) this.open.pop()
    const path = [...this.open.map(above => above.name), name]
    if (this.open.length < 16) this.open.push({ indent, name })
    const at = path.findIndex(part => /^process_info(?:_\d{1,4})?$/.test(part))
    if (at < 0) {
      const cell = path.join('/')
      if (value !== '' && this.cells.size < MAX_CELLS && !this.cells.has(cell)) this.cells.set(cell, value)
    } else if (at === path.length - 1) {
      this.endProcess()
      this.process = new Map()
      this.noProcesses ||= /^No running processes/i.test(value)
    } else if (value !== '') this.process?.set(path.slice(at + 1).join('/'), value)
  }

  records(): WireRecord[] {
    this.endProcess()
    const known = this.processes.length > 0 || this.noProcesses
    return smiRecords({ cells: this.cells, processes: known ? this.processes : undefined })
  }

  private endProcess(): void {
    const process = this.process === undefined ? undefined : processOf(this.process)
    if (process !== undefined && this.processes.length < 10_000) this.processes.push(process)
    this.process = undefined
  }
}

class Reading {
  readonly records: WireRecord[] = []
  linesRead = 0
  linesUnread = 0
  own = false
  private block: Block | 'other' | undefined
  private timestamp: string | undefined
  private readonly summary = new SmiSummary(record => this.records.push(record))
  private readonly tables = new SmiTables(record => this.records.push(record))

  line(line: string): void {
    if (this.understand(line)) this.linesRead += 1
    else this.linesUnread += 1
  }

  end(): void {
    this.endBlock()
    this.tables.end()
    this.summary.end()
    this.own ||= this.tables.own || this.summary.own
  }

  private endBlock(): void {
    if (this.block instanceof Block) this.records.push(...this.block.records())
    this.block = undefined
  }

  private understand(line: string): boolean {
    const [, kind, index = ''] = BLOCK.exec(line.slice(0, 60)) ?? []
    if (kind !== undefined) {
      this.endBlock()
      this.block = kind === 'GPU' ? new Block(index) : 'other'
      if (this.block instanceof Block && this.timestamp !== undefined) this.block.cells.set('timestamp', this.timestamp)
      return true
    }
    const timestamp = TIMESTAMP.exec(line.slice(0, 80))?.[1]
    if (timestamp !== undefined) {
      this.timestamp = timestamp
      if (this.block instanceof Block) this.block.cells.set('timestamp', timestamp)
      return true
    }
    const [, indent = '', name = '', value = ''] = this.block === undefined ? [] : (ENTRY.exec(line) ?? [])
    if (name !== '') {
      this.own ||= /^\s{4}[A-Z][A-Z0-9_ ]{1,40}:/.test(line)
      if (this.block instanceof Block) this.block.entry(indent.length, name.trim().toLowerCase(), word(value) ?? '')
      return true
    }
    // A long list goes on in the next line, deeper than its name.
    if (this.block === 'other' && /^\s{8}/.test(line)) return true
    if (this.summary.line(line)) return true
    if (this.tables.line(line)) {
      this.endBlock()
      return true
    }
    return this.remark(line)
  }

  private remark(line: string): boolean {
    const text = line.trim()
    const { records, linesRead } = complaints([text], 'amd-smi')
    this.records.push(...records)
    if (/AMDSMI_STATUS_|^(?:ERROR: ?)?(?:root:)?Drivers? not loaded \(amdgpu/.test(text.slice(0, 300))) this.own = true
    return linesRead > 0 || /^(?:~?\$ |\[output truncated\]|AMDSMI Tool: )/.test(text)
  }
}

/** Undefined where most of the text is another tool's, or nothing is amd-smi's own. */
export function parseSmiText(text: string): FileReading | undefined {
  const reading = new Reading()
  for (const line of text.split(/\r?\n/)) if (line.trim() !== '') reading.line(line)
  reading.end()
  const { records, linesRead, linesUnread } = reading
  return reading.own && linesRead >= linesUnread ? { records, linesRead, linesUnread } : undefined
}
