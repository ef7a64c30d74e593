/** Saved output of `nvidia-smi --query-gpu=… --format=csv…`: one run, or loops appended to one another. */
import { Batch } from '../../wire/table'
import type { FileReading } from '../form'
import { layoutOf, parseHeader, parseLine, type Layout } from './csv'
import { chooseQuery } from './fields'
import { failureOf } from './failures'

/**
 * Without a header the query of this collector can be told, by its number of columns and the UUID in its place. Of others only
 * cells that tell themselves are read: a UUID, a device's name, and a count in front of the name.
 */
const ownLayout = layoutOf(chooseQuery(undefined).names)
const uuidAt = ownLayout.names.indexOf('uuid')

const DEVICE = /^(?:NVIDIA|Tesla|Quadro|GeForce) [\w .-]{2,60}$/

function headerless(line: string): Layout | undefined {
  const cells = line.split(',').map(cell => cell.trim())
  const fits = cells.length === ownLayout.names.length && /^\d+$/.test(cells[0] ?? '')
  if (fits && /^(GPU|MIG)-[\da-f-]+$/i.test(cells[uuidAt] ?? '')) return ownLayout
  const nameAt = cells.length > 64 ? -1 : cells.findIndex(cell => DEVICE.test(cell))
  if (nameAt < 0 || cells.length < 3 || !cells.some(cell => /^\d+(?:\.\d+)?(?: [A-Za-z%]{1,4})?$/.test(cell)))
    return undefined
  return layoutOf(cells.map((cell, at) => nameOf(cell, at, nameAt)))
}

function nameOf(cell: string, at: number, nameAt: number): string {
  if (at === nameAt) return 'name'
  if (/^GPU-[\da-f-]{36}$/i.test(cell)) return 'uuid'
  return at === 0 && nameAt === 1 && /^\d{1,2}$/.test(cell) ? 'index' : 'untold'
}

/** Cells that are numbers or say that there is none, as only this tool says it. */
const BARE_CELL = /^(?:-?\d{1,15}(?:\.\d{1,9})?|-|\[N\/A\]|\[(?:Not Supported|Unknown Error)\])$/
const MARK = /^[[-]/

/** Numbers without titles, units and names, from `--format=csv,noheader,nounits` of any mode: nothing tells what they are. */
function isUntold(lines: readonly string[]): boolean {
  const rows = lines.slice(0, 1000).map(line =>
    line
      .slice(0, 4000)
      .split(/, ?/)
      .map(cell => cell.trim()),
  )
  const width = rows[0]?.length ?? 0
  const marked = rows.some(row => row.some(cell => MARK.test(cell) && !/^-\d/.test(cell)))
  return width > 2 && marked && rows.every(row => row.length === width && row.every(cell => BARE_CELL.test(cell)))
}

const untold = (lines: number): FileReading => ({
  records: [
    {
      kind: 'event',
      type: 'untold',
      message: 'numbers without titles, units or names: nothing tells what they are',
      fix: 'let nvidia-smi print the titles: --format=csv, without noheader',
    },
  ],
  linesRead: lines,
  linesUnread: 0,
})

/** What a row calls its device: its number, or what else tells it from others. */
function lostOf(layout: Layout | undefined, line: string): string {
  const cells = line.split(',').map(cell => cell.trim())
  const cell = (name: string) => cells[layout?.names.indexOf(name) ?? -1]
  const index = cell('index')
  return index === undefined ? (cell('uuid') ?? cell('pci.bus_id') ?? 'a GPU') : `GPU ${index}`
}

/**
 * Records of a saved file: `gpu` for each sample, `event` for each complaint of nvidia-smi among them. Undefined when it does
 * not begin as such output does. A `timestamp` column is local time of the machine that wrote it, and is read in the
 * zone of the machine that reads it; without one the records have no time.
 */
export function parseSaved(text: string): FileReading | undefined {
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '')
  const first = lines[0]?.replace(/^\uFEFF/, '')
  if (first === undefined) return undefined
  let layout = parseHeader(first) ?? headerless(first)
  if (layout === undefined && failureOf(first) === undefined) return isUntold(lines) ? untold(lines.length) : undefined
  const batch = new Batch()
  const reading: FileReading = { records: [], linesRead: 0, linesUnread: 0 }
  const stamp = { time: NaN, node: undefined, source: 'nvidia-smi' }
  const lost = new Set<string>()
  for (const line of [first, ...lines.slice(1)]) {
    const header = parseHeader(line)
    const failure = header === undefined ? failureOf(line) : undefined
    layout = header ?? layout
    if (failure !== undefined) batch.add({ kind: 'event', type: failure.type, message: failure.message })
    const understood =
      header !== undefined ||
      failure !== undefined ||
      (layout !== undefined && parseLine(layout, line, batch.table('gpu'), stamp))
    if (understood) reading.linesRead += 1
    else reading.linesUnread += 1
    const isLost = understood && failure === undefined && line.includes('[GPU is lost]')
    const which = isLost ? lostOf(layout, line) : undefined
    if (which !== undefined && !lost.has(which)) {
      lost.add(which)
      batch.add({ kind: 'event', type: 'gpu-lost', message: `nvidia-smi says that ${which} is lost` })
    }
  }
  reading.records = batch.records()
  return reading
}
