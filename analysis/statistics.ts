/** Robust statistics over columns in which NaN is absent. */

export const known = (values: Iterable<number>): number[] => [...values].filter(value => Number.isFinite(value))

/** NaN where nothing is known. */
export function median(values: Iterable<number>): number {
  const sorted = known(values).sort((one, other) => one - other)
  return middleOf(sorted.length, index => sorted[index] ?? NaN)
}

/** Median of values that are all known and ascending, less one of them: `own`, unless that is not known itself. */
export function medianWithout(ascending: ArrayLike<number>, own: number): number {
  const valueAt = (index: number) => ascending[index] ?? NaN
  if (!Number.isFinite(own)) return middleOf(ascending.length, valueAt)
  const at = firstNotBelow(ascending, own)
  return middleOf(ascending.length - 1, index => valueAt(index < at ? index : index + 1))
}

function middleOf(count: number, valueAt: (index: number) => number): number {
  const middle = count >> 1
  const upper = valueAt(middle)
  return count % 2 === 1 ? upper : (upper + valueAt(middle - 1)) / 2
}

function firstNotBelow(ascending: ArrayLike<number>, value: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] ?? NaN) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Of what is known; NaN of nothing. Spreading a long run into `Math.max` would overflow the stack. */
export function extent(values: ArrayLike<number>): { readonly least: number; readonly greatest: number } {
  let [least, greatest] = [Infinity, -Infinity]
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? NaN
    if (!Number.isFinite(value)) continue
    if (value < least) least = value
    if (value > greatest) greatest = value
  }
  return least > greatest ? { least: NaN, greatest: NaN } : { least, greatest }
}

/** Share of those that hold; 0 of nothing. */
export function share(values: readonly boolean[]): number {
  return values.length === 0 ? 0 : values.filter(Boolean).length / values.length
}
