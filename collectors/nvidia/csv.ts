/**
 * Lines of `nvidia-smi --query-gpu=… --format=csv`. The header names the columns (`memory.used [MiB]`), so each line is
 * understood by itself, with units or without. Cells are read in place and written straight into the table: no object
 * is made per sample. Cells are not quoted; a device name that holds a comma is put together again.
 */
import type { Table } from '../../wire/table'
import { REASONS, reasonsOf } from '../../wire/throttle-reasons'
import { UNITS, wanted, type Unit, type Wanted } from './fields'

interface Column {
  readonly at: number
  readonly wanted: Wanted
  readonly factor: number
  /** For a column of one reason: its name. */
  readonly reason?: string
}

export interface Layout {
  /** Names of all columns, without units. */
  readonly names: readonly string[]
  /** In the order of writing: of two columns for one field the better comes last, and wins where it has a value. */
  readonly columns: readonly Column[]
  readonly timestampAt: number
  readonly nameAt: number
  readonly indexAt: number
}

const MAX_COLUMNS = 1024
/** Where each cell of the line at hand begins and ends: reused from line to line. */
const starts = new Int32Array(MAX_COLUMNS)
const ends = new Int32Array(MAX_COLUMNS)
const SPACE = 32

function isUnit(text: string): text is Unit {
  return Object.hasOwn(UNITS, text)
}

const reasonColumn = /^clocks_(?:event|throttle)_reasons\.(\w+)$/
const reasonNames = new Set(REASONS.map(([, name]) => name))
const reasonWanted: Wanted = { field: 'throttleReasons', reading: 'reason', names: [] }

/** The layout of lines with these columns; a unit may stand behind each name. */
export function layoutOf(header: readonly string[]): Layout {
  const names = header.map(name => name.replace(/\s*\[[^\]]*\]$/, '').trim())
  const columns: Column[] = []
  for (const entry of wanted) {
    for (const name of [...entry.names].reverse()) {
      const at = names.indexOf(name)
      if (at < 0) continue
      const unit = /\[([^\]]*)\]$/.exec(header[at] ?? '')?.[1] ?? entry.unit
      columns.push({ at, wanted: entry, factor: unit !== undefined && isUnit(unit) ? UNITS[unit] : 1 })
    }
  }
  if (!columns.some(column => column.wanted.reading === 'mask')) {
    for (const [at, name] of names.entries()) {
      const reason = reasonColumn.exec(name)?.[1]
      if (reason !== undefined && reasonNames.has(reason)) columns.push({ at, wanted: reasonWanted, factor: 1, reason })
    }
  }
  const find = (...candidates: string[]) => names.findIndex(name => candidates.includes(name))
  return {
    names,
    columns,
    timestampAt: find('timestamp'),
    nameAt: find('name', 'gpu_name'),
    indexAt: find('index'),
  }
}

/** Columns that say that the table is of something else: processes or retired pages. */
const foreign = new Set(['pid', 'process_name', 'used_gpu_memory', 'used_memory', 'retired_pages.address'])
const nameShape = /^[A-Za-z][\w.]*(?: \[[^\]]{1,8}\])?$/

/** The layout that a header line announces; undefined when the line is not the header of a `--query-gpu` table. */
export function parseHeader(line: string): Layout | undefined {
  if (line.length > 65_536) return undefined
  const header = line.split(',').map(name => name.trim())
  if (header.length > MAX_COLUMNS || !header.every(name => nameShape.test(name))) return undefined
  const layout = layoutOf(header)
  if (layout.names.some(name => foreign.has(name))) return undefined
  // `name` and `index` alone could head any table: ask for one column that only nvidia-smi has.
  const own = layout.columns.some(column => /[.]|^gpu_/.test(layout.names[column.at] ?? ''))
  return own || (layout.columns.length > 0 && layout.names.some(name => /^(uuid|gpu_uuid|gpu_bus_id|pci\.)/.test(name)))
    ? layout
    : undefined
}

/** Splits into `starts` and `ends`; returns the number of cells, after surplus commas went back into the name. */
function split(line: string, layout: Layout): number {
  let cells = 0
  let from = 0
  while (cells < MAX_COLUMNS) {
    const comma = line.indexOf(',', from)
    const to = comma < 0 ? line.length : comma
    let first = from
    let last = to
    while (first < last && line.charCodeAt(first) <= SPACE) first += 1
    while (last > first && line.charCodeAt(last - 1) <= SPACE) last -= 1
    starts[cells] = first
    ends[cells] = last
    cells += 1
    if (comma < 0) break
    from = to + 1
  }
  const surplus = cells - layout.names.length
  if (surplus <= 0 || layout.nameAt < 0 || surplus > 4) return cells
  ends[layout.nameAt] = ends[layout.nameAt + surplus] ?? 0
  starts.copyWithin(layout.nameAt + 1, layout.nameAt + 1 + surplus, cells)
  ends.copyWithin(layout.nameAt + 1, layout.nameAt + 1 + surplus, cells)
  return cells - surplus
}

/**
 * A decimal number at the beginning of a cell, times the factor of the unit that follows it (or of the column where
 * none does). NaN for anything else: `[N/A]`, `[Not Supported]`, `ERR!`, `[GPU is lost]`, an unknown unit.
 */
export function readNumber(line: string, from: number, to: number, factor: number): number {
  let at = from
  const negative = line.charCodeAt(at) === 45
  if (negative) at += 1
  let mantissa = 0
  let digits = 0
  let decimals = -1
  for (; at < to; at += 1) {
    const code = line.charCodeAt(at)
    if (code >= 48 && code <= 57) {
      mantissa = mantissa * 10 + code - 48
      digits += 1
      if (decimals >= 0) decimals += 1
    } else if (code === 46 && decimals < 0) decimals = 0
    else break
  }
  if (digits === 0 || digits > 15) return NaN
  // An integer over a power of ten is rounded once: the same double that the text means.
  const value = (negative ? -mantissa : mantissa) / (decimals > 0 ? 10 ** decimals : 1)
  while (at < to && line.charCodeAt(at) === SPACE) at += 1
  if (at >= to) return scaled(value, factor)
  const unit = line.slice(at, to)
  return isUnit(unit) ? scaled(value, UNITS[unit]) : NaN
}

/** Percent are divided: 7 × 0.01 is not 0.07. */
const scaled = (value: number, factor: number) => (factor < 1 ? value / Math.round(1 / factor) : value * factor)

/** Where a text cell holds a value: not empty, and not one of the ways to say that there is none. */
function isPresent(line: string, from: number, to: number): boolean {
  if (to <= from) return false
  const code = line.charCodeAt(from)
  if (code === 91) return false // "[N/A]", "[Unknown Error]", "[GPU is lost]"
  const length = to - from
  if (length === 3) return !line.startsWith('N/A', from)
  if (length === 4) return !line.startsWith('ERR!', from)
  return !(length === 13 && (line.startsWith('Not Supported', from) || line.startsWith('Unknown Error', from)))
}

const masks = new Map<string, string>()

/** `0x0000000000000044` → the JSON of `["sw_power_cap","hw_thermal_slowdown"]`; undefined when it is not a mask. */
export function reasonsOfMask(text: string): string | undefined {
  const cached = masks.get(text)
  if (cached !== undefined) return cached
  if (!/^0x[0-9a-f]{1,16}$/i.test(text)) return undefined
  const json = JSON.stringify(reasonsOf(Number(text)))
  if (masks.size < 512) masks.set(text, json)
  return json
}

/** `Active` and `Not Active` of single reasons, gathered into one list; undefined where no column has a value. */
function reasonsOfColumns(line: string, layout: Layout): string | undefined {
  let known = false
  let names: string[] | undefined
  for (const { at, reason } of layout.columns) {
    if (reason === undefined) continue
    const from = starts[at] ?? 0
    const active = line.startsWith('Active', from)
    if (!active && !line.startsWith('Not Active', from)) continue
    known = true
    if (active) (names ??= []).push(reason)
  }
  if (!known) return undefined
  return names === undefined ? '[]' : JSON.stringify(names)
}

/** Something to know the device by: its index, or failing that column a name or a bus id that is there. */
function identifies(line: string, layout: Layout): boolean {
  const { indexAt } = layout
  if (indexAt >= 0) {
    return Number.isInteger(readNumber(line, starts[indexAt] ?? 0, ends[indexAt] ?? 0, 1)) && !hasMark(line, indexAt)
  }
  return layout.columns.some(({ at, wanted: { reading }, factor }) =>
    reading === 'number'
      ? !Number.isNaN(readNumber(line, starts[at] ?? 0, ends[at] ?? 0, factor))
      : reading === 'text' && isPresent(line, starts[at] ?? 0, ends[at] ?? 0),
  )
}

const hasMark = (line: string, at: number) => line.slice(starts[at], ends[at]).includes('.')

/** `2026/07/14 08:12:38.696` in the time zone of the machine that reads it → Unix seconds; NaN when it is not that. */
export function readTimestamp(text: string): number {
  const match = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?$/.exec(text)
  if (match === null) return NaN
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    ...[number, number, number, number, number, number],
  ]
  const milliseconds = Number((match[7] ?? '0').padEnd(3, '0'))
  return new Date(year, month - 1, day, hour, minute, second, milliseconds).getTime() / 1000
}

/** Who and when, for lines that do not say so themselves. NaN and undefined: not known. */
export interface Stamp {
  readonly time: number
  readonly node: string | undefined
  readonly source: string
}

/**
 * Writes the sample of one line as one row. False, and nothing written, when the line is not a sample of this layout: cut
 * off, of another table, an error message. `stamp.time` NaN takes the line's own `timestamp` (local time), where it has one.
 */
export function parseLine(layout: Layout, line: string, table: Table<'gpu'>, stamp: Stamp): boolean {
  if (split(line, layout) !== layout.names.length || !identifies(line, layout)) return false
  table.begin()
  const time = Number.isNaN(stamp.time) && layout.timestampAt >= 0 ? cellTimestamp(line, layout) : stamp.time
  table.number('time', time).text('node', stamp.node).text('vendor', 'nvidia').text('source', stamp.source)
  for (const column of layout.columns) {
    const { at, wanted: entry } = column
    const from = starts[at] ?? 0
    const to = ends[at] ?? 0
    if (entry.reading === 'number') table.number(entry.field, readNumber(line, from, to, column.factor))
    else if (entry.reading === 'text') {
      if (isPresent(line, from, to)) table.text(entry.field, line.slice(from, to))
    } else if (entry.reading === 'mask') table.text(entry.field, reasonsOfMask(line.slice(from, to)))
  }
  if (layout.columns.at(-1)?.reason !== undefined) table.text('throttleReasons', reasonsOfColumns(line, layout))
  return true
}

const cellTimestamp = (line: string, { timestampAt }: Layout) =>
  readTimestamp(line.slice(starts[timestampAt], ends[timestampAt]))
