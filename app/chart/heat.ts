/** The rank × step map as pixels. Pure: a thousand ranks are painted in a few milliseconds, cell by cell. */
import type { RankMap } from '../../wire/api'

export const HEAT_MARGIN = { left: 58, right: 12, top: 4, bottom: 22 }
const MOST_HEIGHT = 440
/** Percentiles are taken of this many values at most. */
const SAMPLE = 8000
const SHADES = 256

/** Height of the map in pixels: rows as tall as can be read, many ranks within a bound. */
export function heatHeight(ranks: number): number {
  const row = ranks <= 8 ? 24 : ranks <= 32 ? 14 : 8
  const around = HEAT_MARGIN.top + HEAT_MARGIN.bottom
  return Math.max(120, Math.min(MOST_HEIGHT, ranks * row + around))
}

export interface HeatRange {
  readonly low: number
  readonly high: number
}

/** Ends of the colour scale: a few extreme cells do not bleach the others. Undefined where nothing was measured. */
export function heatRange({ values }: Pick<RankMap, 'values'>): HeatRange | undefined {
  const cells = values.reduce((sum, row) => sum + row.length, 0)
  const stride = Math.max(1, Math.floor(cells / SAMPLE))
  const sample: number[] = []
  values.forEach((row, rank) => {
    for (let step = rank % stride; step < row.length; step += stride) {
      const value = row[step]
      if (value !== null && value !== undefined) sample.push(value)
    }
  })
  sample.sort((a, b) => a - b)
  const at = (share: number) => sample[Math.min(sample.length - 1, Math.floor(sample.length * share))]
  const low = at(0.01)
  const high = at(0.99)
  return low === undefined || high === undefined ? undefined : { low, high }
}

/** Rows of the picture: one a rank, or the highest of neighbours where there are more ranks than pixels. */
export function foldRows(values: RankMap['values'], most: number): RankMap['values'] {
  if (values.length <= most) return values
  const rows: (number | null)[][] = Array.from({ length: most }, () => [])
  values.forEach((row, rank) => {
    const target = rows[Math.floor((rank * most) / values.length)] ?? []
    row.forEach((value, step) => {
      const old = target[step] ?? null
      target[step] = old === null ? value : value === null ? old : Math.max(old, value)
    })
  })
  return rows
}

const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number)

/** RGB of each of 256 shades between the stops, which are `rgb(…)` colours. */
export function shadesOf(stops: readonly string[]): Uint8ClampedArray {
  const shades = new Uint8ClampedArray(SHADES * 3)
  const parsed = stops.map(channels)
  for (let shade = 0; shade < SHADES; shade += 1) {
    const place = (shade / (SHADES - 1)) * (parsed.length - 1)
    const from = parsed[Math.floor(place)] ?? []
    const to = parsed[Math.ceil(place)] ?? from
    for (let channel = 0; channel < 3; channel += 1) {
      const start = from[channel] ?? 0
      shades[shade * 3 + channel] = start + ((to[channel] ?? start) - start) * (place % 1)
    }
  }
  return shades
}

/** RGBA of rows × columns cells; what was not measured is transparent. */
export function heatPixels(rows: RankMap['values'], columns: number, range: HeatRange, shades: Uint8ClampedArray) {
  const pixels = new Uint8ClampedArray(rows.length * columns * 4)
  const span = range.high - range.low || 1
  rows.forEach((row, y) => {
    for (let x = 0; x < columns; x += 1) {
      const value = row[x]
      if (value === null || value === undefined) continue
      const share = Math.min(1, Math.max(0, (value - range.low) / span))
      const shade = Math.round(share * (SHADES - 1)) * 3
      const at = (y * columns + x) * 4
      for (let channel = 0; channel < 3; channel += 1) pixels[at + channel] = shades[shade + channel] ?? 0
      pixels[at + 3] = 255
    }
  })
  return pixels
}

/** Places of at most `most` labels, evenly spread over `count` entries. */
export function labelPlaces(count: number, most: number): number[] {
  const stride = Math.max(1, Math.ceil(count / Math.max(1, most)))
  return Array.from({ length: Math.ceil(count / stride) }, (_, index) => index * stride)
}
