/**
 * The columns of `nvidia-smi dmon` and `pmon`: a title line, a line of units, then a line for each device or process and
 * sample, in blanks or in CSV. With `-o DT` the date and the time come first.
 */
import type { RecordOf } from '../../wire/records'
import { quantity, word } from './cells'
import { UNITS } from './fields'

type Gpu = RecordOf<'gpu'>
type Process = NonNullable<Gpu['processes']>[number]

const PERCENT = UNITS['%']
const MHZ = UNITS.MHz
/** The tool writes MB for what it counts in MiB, as its other modes say. */
const MEMORY = UNITS.MiB

/**
 * Columns by name with the factor to SI. `pclk` is the SM clock. GPM columns (Hopper and later, `--gpm-metrics`):
 * https://docs.nvidia.com/deploy/nvml-api/group__nvmlGpmEnums.html
 */
const COLUMNS: Readonly<Record<string, readonly [field: keyof Gpu, factor: number]>> = {
  pwr: ['powerWatts', 1],
  gtemp: ['temperatureCelsius', 1],
  temp: ['temperatureCelsius', 1],
  mtemp: ['memoryTemperatureCelsius', 1],
  sm: ['utilizationRatio', PERCENT],
  mem: ['memoryUtilizationRatio', PERCENT],
  mclk: ['memoryClockHertz', MHZ],
  pclk: ['smClockHertz', MHZ],
  fb: ['memoryUsedBytes', MEMORY],
  sbecc: ['eccCorrectedErrors', 1],
  dbecc: ['eccUncorrectedErrors', 1],
  smutil: ['smActiveRatio', PERCENT],
  mmaact: ['tensorActiveRatio', PERCENT],
  dram: ['dramActiveRatio', PERCENT],
  nvlrx: ['nvlinkReceiveBytesPerSecond', UNITS['MiB/s']],
  nvltx: ['nvlinkTransmitBytesPerSecond', UNITS['MiB/s']],
}

export type Titles = readonly string[]

const cellsOf = (line: string) =>
  line.includes(',') ? line.split(',').map(cell => cell.trim()) : line.trim().split(/\s+/)

/** The titles of a title line; undefined for any other line. `mode` pmon has a column `pid`, dmon has none. */
export function titlesOf(line: string, mode: 'dmon' | 'pmon'): Titles | undefined {
  if (!/^#\s{0,4}(?:gpu|Date|Time)\b/.test(line.slice(0, 20)) || line.length > 2000) return undefined
  const titles = cellsOf(line.replace(/^#/, '')).filter(Boolean)
  const known = mode === 'pmon' ? titles.includes('pid') : titles.some(title => Object.hasOwn(COLUMNS, title))
  return titles.includes('gpu') && titles.includes('pid') === (mode === 'pmon') && known ? titles : undefined
}

export const isUnitLine = (line: string) => /^#\s{0,4}(?:Idx|YYYYMMDD|HH:MM:SS)\b/.test(line.slice(0, 20))

/** `20261124` and `02:54:04`, local time of the machine that reads it; undefined without a date. */
function timeOf(date: string | undefined, clock: string | undefined): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)$/.exec(`${date ?? ''} ${clock ?? ''}`)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    ...[number, number, number, number, number, number],
  ]
  return new Date(year, month - 1, day, hour, minute, second).getTime() / 1000
}

const scaled = (value: number, factor: number) => (factor < 1 ? value / Math.round(1 / factor) : value * factor)

/** What both modes say of each line: whose and when. Undefined where it is not a line of these titles. */
function startOf(titles: Titles, cells: readonly string[]): Gpu | undefined {
  const cell = (title: string) => cells[titles.indexOf(title)]
  if (!/^\d{1,4}$/.test(cell('gpu') ?? '')) return undefined
  const time = timeOf(cell('Date'), cell('Time'))
  return { kind: 'gpu', time, index: Number(cell('gpu')), vendor: 'nvidia', source: 'nvidia-smi' }
}

const INSTANCE = ['gi', 'ci', 'mig']

/** A line of dmon. `instance`: it speaks of a part of a device (MIG), which is no device. */
export function deviceLine(titles: Titles, line: string): Gpu | 'instance' | undefined {
  const cells = cellsOf(line.slice(0, 4000))
  const record = startOf(titles, cells)
  if (record === undefined || cells.length !== titles.length) return undefined
  if (INSTANCE.some(title => /^\d/.test(cells[titles.indexOf(title)] ?? ''))) return 'instance'
  for (const [at, title] of titles.entries()) {
    const column = Object.hasOwn(COLUMNS, title) ? COLUMNS[title] : undefined
    const value = column === undefined ? undefined : quantity(cells[at])
    if (column !== undefined && value !== undefined) Object.assign(record, { [column[0]]: scaled(value, column[1]) })
  }
  return record
}

export interface ProcessLine {
  readonly start: Gpu
  /** Absent: nothing runs on this device. */
  readonly process?: Process
}

/** A line of pmon. The command, cut by the tool to 15 letters, comes last and may hold blanks. */
export function processLine(titles: Titles, line: string): ProcessLine | undefined {
  const cells = cellsOf(line.slice(0, 4000))
  const start = startOf(titles, cells)
  if (start === undefined || cells.length < titles.length) return undefined
  const pid = cells[titles.indexOf('pid')]
  if (pid === '-') return { start }
  if (!/^\d{1,10}$/.test(pid ?? '')) return undefined
  const command = titles.at(-1) === 'command' ? word(cells.slice(titles.length - 1).join(' ')) : undefined
  const memory = titles.includes('fb') ? quantity(cells[titles.indexOf('fb')]) : undefined
  const process = {
    pid: Number(pid),
    ...(command === undefined ? {} : { name: command }),
    ...(memory === undefined ? {} : { memoryUsedBytes: memory * MEMORY }),
  }
  return { start, process }
}
