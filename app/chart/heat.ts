/** The map of ranks and time as pixels. Pure: a thousand ranks are painted in a few milliseconds, cell by cell. */
import type { HeatMap } from '../../wire/heat'
import type { NamedColumn } from '../data/csv'
import type { Range } from './path'

const MOST_HEIGHT = 420
/** Percentiles are taken of this many values at most. */
const SAMPLE = 8000
const SHADES = 256

/** Height of the map in pixels: rows as tall as can be read, many ranks within a bound. */
export function heatHeight(ranks: number): number {
  const row = ranks <= 8 ? 22 : ranks <= 32 ? 12 : 6
  return Math.max(88, Math.min(MOST_HEIGHT, ranks * row))
}

/** Ends of the colour scale: a few extreme cells do not bleach the others. Undefined where nothing was measured. */
export function heatRange(values: Float32Array): Range | undefined {
  const stride = Math.max(1, Math.floor(values.length / SAMPLE))
  const sample: number[] = []
  for (let at = 0; at < values.length; at += stride) {
    const value = values[at] ?? NaN
    if (!Number.isNaN(value)) sample.push(value)
  }
  sample.sort((a, b) => a - b)
  const low = sample[Math.floor(sample.length * 0.01)]
  const high = sample[Math.min(sample.length - 1, Math.floor(sample.length * 0.99))]
  return low === undefined || high === undefined ? undefined : { low, high }
}

/** A column between two that have a value is empty where samples did not fall evenly: it shows the one before. */
export function withoutGaps(map: HeatMap): HeatMap {
  const values = map.values.slice()
  for (let at = 1; at + 1 < values.length; at += 1) {
    const isInside = at % map.columns !== 0 && (at + 1) % map.columns !== 0
    const before = values[at - 1] ?? NaN
    if (isInside && Number.isNaN(values[at]) && !Number.isNaN(values[at + 1])) values[at] = before
  }
  return { ...map, values }
}

/** The mean of each row; NaN where nothing was measured. */
export function rowMeans({ values, columns, ranks }: HeatMap): number[] {
  return ranks.map((_, row) => {
    let sum = 0
    let known = 0
    for (let at = row * columns; at < (row + 1) * columns; at += 1) {
      const value = values[at] ?? NaN
      if (Number.isNaN(value)) continue
      sum += value
      known += 1
    }
    return known === 0 ? NaN : sum / known
  })
}

const channels = (hex: string) => [1, 3, 5].map(at => Number.parseInt(hex.slice(at, at + 2), 16) || 0)

/** A pixel of each of 256 shades between the stops, `#rrggbb`, as bytes of a canvas. */
export function shadesOf(stops: readonly string[]): Uint32Array {
  const parsed = stops.map(channels)
  const shades = new Uint32Array(SHADES)
  const bytes = new Uint8Array(shades.buffer)
  for (let shade = 0; shade < SHADES; shade += 1) {
    const place = (shade / (SHADES - 1)) * (parsed.length - 1)
    const from = parsed[Math.floor(place)] ?? []
    const to = parsed[Math.ceil(place)] ?? from
    for (let channel = 0; channel < 3; channel += 1) {
      const start = from[channel] ?? 0
      bytes[shade * 4 + channel] = Math.round(start + ((to[channel] ?? start) - start) * (place % 1))
    }
    bytes[shade * 4 + 3] = 255
  }
  return shades
}

/**
 * Pixels of the rows in `order`, one a row, or the highest of neighbours where there are more rows than `most`: no slow
 * rank is lost. What was not measured is transparent.
 */
export function heatPixels(map: HeatMap, order: readonly number[], most: number, shades: Uint32Array) {
  const { values, columns } = map
  const height = Math.min(order.length, most)
  const pixels = new Uint32Array(height * columns)
  const range = heatRange(values)
  if (range === undefined) return { pixels, height }
  const scale = (SHADES - 1) / (range.high - range.low || 1)
  const peaks = new Float32Array(columns)
  for (let y = 0; y < height; y += 1) {
    const from = Math.floor((y * order.length) / height)
    const to = Math.max(from + 1, Math.floor(((y + 1) * order.length) / height))
    peaks.fill(NaN)
    for (let place = from; place < to; place += 1) {
      const start = (order[place] ?? 0) * columns
      for (let x = 0; x < columns; x += 1) {
        const value = values[start + x] ?? NaN
        // Comparisons with NaN are false: a known value takes the place of an absent one.
        if (!(value <= (peaks[x] ?? NaN)) && !Number.isNaN(value)) peaks[x] = value
      }
    }
    for (let x = 0; x < columns; x += 1) {
      const value = peaks[x] ?? NaN
      if (Number.isNaN(value)) continue
      const shade = Math.min(SHADES - 1, Math.max(0, Math.round((value - range.low) * scale)))
      pixels[y * columns + x] = shades[shade] ?? 0
    }
  }
  return { pixels, height }
}

/** Places of at most `most` labels, evenly spread over `count` entries. */
export function labelPlaces(count: number, most: number): number[] {
  const stride = Math.max(1, Math.ceil(count / Math.max(1, most)))
  return Array.from({ length: Math.ceil(count / stride) }, (_, index) => index * stride)
}

/** The map as a table: a row for each cell that was measured; times are the beginnings of the columns, Unix seconds. */
export function heatColumns({ metric, from, to, columns, ranks, values }: HeatMap): NamedColumn[] {
  const width = (to - from) / columns
  const places = [...values.keys()].filter(at => !Number.isNaN(values[at]))
  return [
    { name: 'rank', values: places.map(at => ranks[Math.floor(at / columns)] ?? null) },
    { name: 'time', values: places.map(at => from + (at % columns) * width) },
    { name: metric, values: places.map(at => values[at] ?? null) },
  ]
}
