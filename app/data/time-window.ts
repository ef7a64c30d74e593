/** The part of a run that its pages show: all of it, its last seconds, or a stretch that was brushed. Pure. */

/** Unix seconds. `last`: that many seconds up to now. Nothing given: all there is. A stretch with an end does not follow. */
export interface TimeWindow {
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly last?: number | undefined
}

export interface Span {
  readonly from: number
  readonly to: number
}

export const WHOLE: TimeWindow = {}
/** Nothing is measured finer. */
const LEAST_SECONDS = 1

export const isFollowing = ({ to }: TimeWindow) => to === undefined
export const isWhole = ({ from, to, last }: TimeWindow) => from === undefined && to === undefined && last === undefined

const numberOf = (text: string | null) => {
  const value = Number(text ?? '')
  return text === null || text === '' || !Number.isFinite(value) || value < 0 ? undefined : value
}

/** Reads `?from&to` or `?last`; what makes no sense counts as not given. */
export function readWindow(parameters: Pick<URLSearchParams, 'get'>): TimeWindow {
  const from = numberOf(parameters.get('from'))
  const to = numberOf(parameters.get('to'))
  const last = numberOf(parameters.get('last'))
  if (from !== undefined && to !== undefined && to > from) return { from, to }
  return last !== undefined && last > 0 ? { last } : WHOLE
}

/** As the address holds it: whole milliseconds are enough. */
export function writeWindow({ from, to, last }: TimeWindow): Record<'from' | 'to' | 'last', string | undefined> {
  const text = (value: number | undefined) => (value === undefined ? undefined : String(Number(value.toFixed(3))))
  return { from: text(from), to: text(to), last: text(last) }
}

/** The window in Unix seconds within what there is of the run. */
export function spanOf({ from, to, last }: TimeWindow, run: Span): Span {
  if (from !== undefined && to !== undefined) return { from, to }
  return last === undefined ? run : { from: Math.max(run.from, run.to - last), to: run.to }
}

/** `by` below 1 shows less, above 1 more, about `centre`; never beyond the run, never below a second. */
export function zoomed(span: Span, by: number, centre: number, run: Span): TimeWindow {
  const seconds = Math.max(LEAST_SECONDS, (span.to - span.from) * by)
  const share = (centre - span.from) / Math.max(1e-9, span.to - span.from)
  return within({ from: centre - seconds * share, to: centre + seconds * (1 - share) }, run)
}

/** Moved by a share of its own length. */
export function moved({ from, to }: Span, by: number, run: Span): TimeWindow {
  const shift = (to - from) * by
  const least = Math.max(run.from - from, Math.min(run.to - to, shift))
  return within({ from: from + least, to: to + least }, run)
}

/** A stretch of two moments in any order; all of the run where it covers it. */
export function within({ from, to }: Span, run: Span): TimeWindow {
  const start = Math.max(run.from, Math.min(from, to, run.to - LEAST_SECONDS))
  const end = Math.min(run.to, Math.max(from, to, start + LEAST_SECONDS))
  return start <= run.from && end >= run.to ? WHOLE : { from: start, to: end }
}
