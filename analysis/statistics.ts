/** Robust statistics over columns in which NaN is absent. */

export const known = (values: Iterable<number>): number[] => [...values].filter(value => Number.isFinite(value))

/** NaN where nothing is known. */
export function median(values: Iterable<number>): number {
  const sorted = known(values).sort((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2
}

/** Share of those that hold; 0 of nothing. */
export function share(values: readonly boolean[]): number {
  return values.length === 0 ? 0 : values.filter(Boolean).length / values.length
}
