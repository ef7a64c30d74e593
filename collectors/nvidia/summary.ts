/** The table that `nvidia-smi` prints without arguments, of every width and era: rows in cells, told by their shape. */
import type { RecordOf } from '../../wire/records'
import { instanceName, quantity, word } from './cells'
import { UNITS } from './fields'

type Gpu = RecordOf<'gpu'>

const MAX_WIDTH = 512

/** The cells of `| a | b |`; undefined for any other line. */
export function cellsOf(line: string): string[] | undefined {
  const text = line.slice(0, MAX_WIDTH).trim()
  if (text.length < 20 || !text.startsWith('|') || !text.endsWith('|')) return undefined
  return text
    .slice(1, -1)
    .split('|')
    .map(cell => cell.trim())
}

export const isBorder = (line: string) => /^\s{0,80}[+|][-=+|]{20,400}[+|]\s*$/.test(line.slice(0, MAX_WIDTH))
export const isBanner = (cells: readonly string[]) =>
  /^NVIDIA-SMI \S{1,40}\s+(?:\S{1,40}\s+)?(?:Driver|KMD) Version:/.test(cells[0] ?? '')

/** `|   0  NVIDIA H200   On  |   00000000:83:00.0 Off |   0 |` */
export function firstRow(cells: readonly string[], time: number | undefined): Gpu | undefined {
  const [device = '', bus = '', ecc = ''] = cells
  const match = /^(\d{1,4})\s+(\S.{0,60})$/.exec(device)
  if (cells.length !== 3 || match === null || !/^[\da-f]{4,8}:[\da-f]{2}:[\da-f]{2}\.\d\b/i.test(bus)) return undefined
  // The last word is the persistence mode, or the driver model on Windows.
  const name = (match[2] ?? '').replace(/ (?:On|Off|N\/A|WDDM|TCC|MCDM)$/i, '')
  return {
    kind: 'gpu',
    time,
    index: Number(match[1]),
    name: word(name),
    vendor: 'nvidia',
    source: 'nvidia-smi',
    eccUncorrectedErrors: /^\d+$/.test(ecc) ? quantity(ecc) : undefined,
  }
}

/** `| N/A   36C    P0   295W /  700W |   16959MiB / 143771MiB |   7%   Default |`, the row below. */
export function secondRow(cells: readonly string[], gpu: Gpu): boolean {
  const [health = '', memory = '', load = ''] = cells
  const [used, total] = memory.split('/')
  if (cells.length !== 3 || total === undefined || !/^(?:\d+%|N\/A|ERR!|\S{1,8})(?: |$)/.test(health)) return false
  gpu.temperatureCelsius = quantity(/(?:^|\s)(-?\d{1,3}C)(?=\s)/.exec(health)?.[1])
  const [before = '', limit] = health.split(' / ')
  gpu.powerWatts = quantity(/(?:^|\s)(\d{1,5}W)$/.exec(before.trimEnd())?.[1])
  gpu.powerLimitWatts = quantity(limit?.trim())
  gpu.memoryUsedBytes = quantity(used)
  gpu.memoryTotalBytes = quantity(total)
  gpu.utilizationRatio = quantity(/^(\d{1,3}%)/.exec(load)?.[1])
  return true
}

/** `|     |      |   Enabled |`: the MIG mode; a star says that another is pending. */
export function thirdRow(cells: readonly string[], gpu: Gpu): boolean {
  const [device, memory, mode = ''] = cells
  if (cells.length !== 3 || device !== '' || memory !== '') return false
  gpu.migMode = word(mode.replace(/\*$/, ''))
  return true
}

/** `|  0    2   0   1  |   16925MiB / 71424MiB    | 16   0 |  3   0    3    0    3 |`: an instance and its memory. */
export function instanceRow(cells: readonly string[], time: number | undefined): Gpu | undefined {
  const [numbers = '', memory = ''] = cells
  const ids = /^(\d{1,4}) +(\d{1,4}) +(\d{1,4}) +\d{1,4}$/.exec(numbers)
  const [used, total] = memory.split('/')
  if (ids === null || total === undefined) return undefined
  return {
    kind: 'gpu',
    time,
    index: Number(ids[1]),
    vendor: 'nvidia',
    source: 'nvidia-smi',
    instance: instanceName(Number(ids[2]), Number(ids[3])),
    memoryUsedBytes: quantity(used),
    memoryTotalBytes: quantity(total),
  }
}

const PROCESS =
  /^(\d{1,4}) +(?:(?:\d{1,3}|N\/A) +(?:\d{1,3}|N\/A) +)?(\d{1,10}) +(?:C|G|M|C\+G|M\+C|M\+C\+G) +(\S.{0,200}?) *(?: (\d{1,9}MiB|N\/A))?$/

/** `|  0   N/A  N/A   11345   C   ./gpu_burn   15690MiB |`, with the instance or without. */
export function processRow(cells: readonly string[]) {
  const match = PROCESS.exec(cells.join('|'))
  if (match === null) return undefined
  const name = word(match[3])
  const memory = /MiB$/.test(match[4] ?? '') ? Number.parseInt(match[4] ?? '', 10) * UNITS.MiB : undefined
  return {
    index: Number(match[1]),
    process: {
      pid: Number(match[2]),
      ...(name === undefined ? {} : { name }),
      ...(memory === undefined ? {} : { memoryUsedBytes: memory }),
    },
  }
}
