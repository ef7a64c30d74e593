/** What is held after each entry of a span of the trace. Pure. */
import type { Lives } from './lives'

/** Entries, both ends within. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Bytes by entry, the first that of `from`; of the rows that count. */
export function levelsOf(
  { begin, end, bytes }: Lives,
  { from, to }: Span,
  counts: (row: number) => boolean = () => true,
): Float64Array {
  const levels = new Float64Array(to - from + 2)
  const change = (place: number, by: number) => (levels[place] = (levels[place] ?? 0) + by)
  for (let row = 0; row < begin.length; row += 1) {
    if (begin.at(row) > to || end.at(row) <= from || !counts(row)) continue
    change(Math.max(0, begin.at(row) - from), bytes.at(row))
    change(Math.min(to + 1, end.at(row)) - from, -bytes.at(row))
  }
  for (let place = 1; place < levels.length; place += 1) change(place, levels[place - 1] ?? 0)
  return levels.subarray(0, to - from + 1)
}
