/** Whether a file says a value: its number stands in the text, as it is or in another unit. */
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

/** Fields of the records with a number that the text does not hold: what was reckoned from several, or made up. */
export function unsaid(text: string, records: readonly WireRecord[]): string[] {
  const numbers = numbersOf(text)
  return records.flatMap(record =>
    Object.entries(record).flatMap(([name, value]) => {
      if (typeof value !== 'number' || APART.has(name)) return []
      return UNITS.some(unit => holds(numbers, Math.abs(value) / unit, unit > 1 ? 0.5 / unit : 0))
        ? []
        : [`${record.kind}.${name} ${value}`]
    }),
  )
}
