/** Points as the `d` of an SVG path in a square of `UNITS`, that is stretched to its chart. Pure. */
export const UNITS = 1000
/** A line with more points than this is drawn by the first, least, most and last of each of so many columns: peaks stay. */
const COLUMNS = 600

export interface Range {
  readonly low: number
  readonly high: number
}

export type Values = readonly (number | null)[]

/** Places of the points that are drawn: all of them, or those that a reader of `COLUMNS` columns can tell apart. */
export function keptPlaces(x: readonly number[], y: Values, across: Range): number[] {
  const from = Math.max(0, x.findIndex(value => value >= across.low) - 1)
  const lastIn = x.findLastIndex(value => value <= across.high)
  const to = lastIn < 0 ? x.length : Math.min(x.length, lastIn + 2)
  if (to - from <= COLUMNS * 4) return Array.from({ length: to - from }, (_, index) => from + index)
  const kept: number[] = []
  const width = (across.high - across.low) / COLUMNS || 1
  for (let at = from; at < to;) {
    const column = Math.floor(((x[at] ?? 0) - across.low) / width)
    let end = at + 1
    let least = at
    let most = at
    while (end < to && Math.floor(((x[end] ?? 0) - across.low) / width) === column) {
      if ((y[end] ?? Infinity) < (y[least] ?? Infinity)) least = end
      if ((y[end] ?? -Infinity) > (y[most] ?? -Infinity)) most = end
      end += 1
    }
    kept.push(...[...new Set([at, least, most, end - 1])].sort((one, other) => one - other))
    at = end
  }
  return kept
}

/** Where nothing came for this many usual distances, nothing is drawn. */
const GAP = 12

/** The distance between points beyond which a line is broken. */
export function gapOf(x: readonly number[]): number {
  if (x.length < 3) return Infinity
  const stride = Math.max(1, Math.floor(x.length / 200))
  const steps: number[] = []
  for (let at = stride; at < x.length; at += stride) steps.push(((x[at] ?? 0) - (x[at - stride] ?? 0)) / stride)
  const usual = steps.sort((one, other) => one - other)[Math.floor(steps.length / 2)] ?? 0
  return usual > 0 ? usual * GAP : Infinity
}

const place = (value: number, { low, high }: Range) => ((value - low) / (high - low || 1)) * UNITS
const text = (value: number) => String(Math.round(value * 10) / 10)

/** A line; null, and a long silence, is a gap. A point between two gaps is a dot (with round caps). */
export function linePath(x: readonly number[], y: Values, across: Range, up: Range): string {
  const gap = gapOf(x)
  let path = ''
  let drawn = 0
  let before = -Infinity
  for (const at of keptPlaces(x, y, across)) {
    const time = x[at] ?? 0
    const value = y[at] ?? null
    if (value === null || time - before > gap) {
      if (drawn === 1) path += 'h0'
      drawn = 0
    }
    if (value === null) continue
    path += `${drawn === 0 ? 'M' : 'L'}${text(place(time, across))} ${text(UNITS - place(value, up))}`
    drawn += 1
    before = time
  }
  return drawn === 1 ? `${path}h0` : path
}

/** The area between two lines over the same points. Where one of them is not known, there is none. */
export function bandPath(x: readonly number[], low: Values, high: Values, across: Range, up: Range): string {
  const places = keptPlaces(x, high, across).filter(at => low[at] != null && high[at] != null)
  if (places.length < 2) return ''
  const point = (at: number, values: Values) =>
    `${text(place(x[at] ?? 0, across))} ${text(UNITS - place(values[at] ?? 0, up))}`
  const there = places.map(at => point(at, high))
  const back = places.toReversed().map(at => point(at, low))
  return `M${[...there, ...back].join('L')}Z`
}

/** Share of the way, in per cent, as an SVG attribute takes it. */
export const percent = (value: number, range: Range) => `${Math.round(place(value, range) * 100) / 1000}%`
