/**
 * Whether a file says a value: its number stands in the text, as it is or in another unit. A figure of a device is derived where
 * a standard defines what a word means (`4x EDR`, `32 GT/s`), or where the counters of a card's queues are summed because the
 * driver has no counter of the whole; each is named here, with what it is derived from, and nothing else is.
 */
import type { WireRecord } from '../../wire/records'

/** Bytes are whole: what a unit of 1024 leaves over is rounded. */
const UNITS = [
  1,
  1e-2,
  1e-3,
  1e-6,
  1e3,
  1e6,
  1e9,
  1024,
  1024 ** 2,
  1024 ** 3,
  1024 ** 4,
  1024 ** 5,
  1e12,
  1e15,
  4,
  8,
  8e9,
  8e6,
]
/** A time is written as a date, an index may be the place in a list, processors are counted. */
const APART = new Set(['time', 'index', 'cpuCount'])

function numbersOf(text: string): Float64Array {
  const found = new Set<number>([0])
  for (const [token] of text.matchAll(/0x[\da-f]{1,16}|\d+(?:\.\d+)?(?:e[-+]?\d+)?/gi)) found.add(Number(token))
  return Float64Array.from(found).sort()
}

/** Bits per second of a lane by its name in the InfiniBand specification, volume 1, release 1.7, 14.2.5.6. */
const LANES: Readonly<Record<string, number>> = {
  SDR: 2.5,
  DDR: 5,
  QDR: 10,
  FDR: 14,
  EDR: 25,
  HDR: 50,
  NDR: 100,
  XDR: 200,
}
/** Transfers per second of a PCIe lane, by generation from 1 on (PCI Express Base Specification). */
const TRANSFERS = [2.5, 5, 8, 16, 32, 64]
const RATES: Readonly<Record<string, RegExp>> = {
  receiveBytes: /^\s*(?:queue_\d+_rx_bytes|rx_queue_\d+_bytes): (\d+)$/gm,
  transmitBytes: /^\s*(?:queue_\d+_tx_bytes|tx_queue_\d+_bytes): (\d+)$/gm,
}

/** What a field of this name could be derived from the text. */
function derivable(text: string, name: string): number[] {
  const queues = RATES[name]
  if (queues !== undefined) return [[...text.matchAll(queues)].reduce((sum, match) => sum + Number(match[1]), 0)]
  if (name === 'rateBitsPerSecond')
    return [...text.matchAll(/\b(\d{1,2})x ?([A-Z]DR)\b/g)].map(
      ([, lanes, lane]) => Number(lanes) * (LANES[lane ?? ''] ?? NaN) * 1e9,
    )
  return name === 'pcieGeneration'
    ? [...text.matchAll(/\b(\d{1,2}(?:\.\d)?) GT\/s/g)].map(match => TRANSFERS.indexOf(Number(match[1])) + 1)
    : []
}

function holds(sorted: Float64Array, value: number, rounding: number): boolean {
  let [low, high] = [0, sorted.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const here = sorted[middle] ?? NaN
    if (Math.abs(here - value) <= Math.max(Math.abs(value) * 1e-9, rounding)) return true
    if (here < value) low = middle + 1
    else high = middle - 1
  }
  return false
}

/** Fields of the records with a number that does not stand in the text: derived from it, or said by nobody. */
export function beyond(text: string, records: readonly WireRecord[]): { derived: string[]; unsaid: string[] } {
  const numbers = numbersOf(text)
  const found: { derived: string[]; unsaid: string[] } = { derived: [], unsaid: [] }
  for (const record of records)
    for (const [name, value] of Object.entries(record)) {
      if (typeof value !== 'number' || APART.has(name)) continue
      if (UNITS.some(unit => holds(numbers, Math.abs(value) / unit, unit > 1 ? 0.5 / unit : 0))) continue
      found[derivable(text, name).includes(value) ? 'derived' : 'unsaid'].push(`${record.kind}.${name} ${value}`)
    }
  return found
}
