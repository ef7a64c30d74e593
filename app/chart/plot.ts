/** What a chart of lines is given, and the scale that fits it. Pure. */
import type { Unit } from '../../base/units'
import type { Span } from '../data/time-window'
import type { Range, Values } from './path'
import { valueScale, type Scale } from './ticks'

export interface Line {
  readonly name: string
  readonly x: readonly number[]
  readonly y: Values
}

export interface Band {
  readonly name: string
  readonly x: readonly number[]
  readonly low: Values
  readonly high: Values
}

export interface ChartInput {
  readonly lines: readonly Line[]
  readonly band?: Band | undefined
  readonly unit: Unit
  readonly predicted?: number | undefined
  readonly fromZero?: boolean
  /** Keeps the tops of a few far outliers (a first step that compiles) from flattening all else. */
  readonly cutOutliers?: boolean
}

/** A prediction this many times above or below what is seen is named in words: drawn, it would flatten the line. */
const FAR = 12
const OUTLIER = 4
/** Percentiles are taken of this many values at most. */
const SAMPLE = 4000

/** The top of the axis where a few points stand far above the rest; undefined where none does. `sorted` ascends. */
export function outlierCut(sorted: readonly number[]): number | undefined {
  if (sorted.length < 8) return undefined
  const usual = sorted[Math.floor(sorted.length * 0.95)] ?? 0
  const most = sorted.at(-1) ?? 0
  const highest = sorted.findLast(value => value <= usual * OUTLIER) ?? usual
  return usual > 0 && most > usual * OUTLIER ? highest * 1.1 : undefined
}

/** Whether the predicted value can stand on the scale of what was measured. `sorted` ascends. */
export function predictedFits(sorted: readonly number[], predicted: number | undefined): predicted is number {
  if (predicted === undefined) return false
  const usual = sorted[Math.floor(sorted.length / 2)]
  return usual === undefined || (usual > 0 && predicted < usual * FAR && predicted > usual / FAR)
}

/** Known values of the lines within the span, ascending; a sample where there are very many. */
function seenValues({ lines, band }: ChartInput, { from, to }: Span): number[] {
  const seen: number[] = []
  const columns = [...lines, ...(band === undefined ? [] : [{ x: band.x, y: band.high }])]
  const stride = Math.max(1, Math.floor(columns.reduce((sum, { x }) => sum + x.length, 0) / SAMPLE))
  columns.forEach(({ x, y }, place) => {
    for (let at = place % stride; at < x.length; at += stride) {
      const value = y[at]
      const time = x[at] ?? NaN
      if (value !== null && value !== undefined && time >= from && time <= to) seen.push(value)
    }
  })
  return seen.sort((one, other) => one - other)
}

/** The foot of a band within the span. */
function lowestOf(band: Band | undefined, { from, to }: Span): number {
  const seen = band?.low.filter((_, at) => (band.x[at] ?? NaN) >= from && (band.x[at] ?? NaN) <= to) ?? []
  return seen.reduce<number>((least, value) => Math.min(least, value ?? Infinity), Infinity)
}

export interface Plot {
  readonly scale: Scale
  /** The prediction where it can be drawn. */
  readonly predicted: number | undefined
  readonly isEmpty: boolean
}

/** A flat line has room above and below; one of nothing lies on the ground, and a share stays within the whole. */
function around(value: number, unit: Unit): Range {
  const room = Math.abs(value) * 0.1
  const high = value === 0 ? 1 : value + room
  return { low: value - room, high: unit === 'ratio' && value <= 1 ? Math.min(1, high) : high }
}

export function plotOf(input: ChartInput, span: Span): Plot {
  const { unit, fromZero = true, cutOutliers = false } = input
  const seen = seenValues(input, span)
  const predicted = predictedFits(seen, input.predicted) ? input.predicted : undefined
  const cut = cutOutliers ? outlierCut(seen) : undefined
  const most = Math.max(cut ?? seen.at(-1) ?? 0, predicted ?? -Infinity)
  const least = Math.min(seen[0] ?? 0, predicted ?? Infinity, fromZero ? 0 : lowestOf(input.band, span))
  // A share that comes near the whole is shown against the whole, and never beyond.
  const high = unit === 'ratio' && most > 0.75 && most <= 1 ? 1 : most
  return {
    scale: valueScale(high === least ? around(least, unit) : { low: least, high }, unit),
    predicted,
    isEmpty: seen.length === 0,
  }
}

/** The place of the point nearest to `at`; -1 where there is none. `x` ascends. */
export function nearestPlace(x: readonly number[], at: number): number {
  let low = 0
  let high = x.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((x[middle] ?? 0) < at) low = middle + 1
    else high = middle
  }
  return low > 0 && at - (x[low - 1] ?? 0) < (x[low] ?? 0) - at ? low - 1 : Math.min(low, x.length - 1)
}

/** The value nearest to `at`, or the last one known where the pointer is nowhere. */
export function valueAt({ x, y }: Pick<Line, 'x' | 'y'>, at: number | undefined): number | null {
  if (at === undefined) return y.findLast(value => value !== null) ?? null
  return y[nearestPlace(x, at)] ?? null
}
