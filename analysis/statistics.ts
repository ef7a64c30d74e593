/** Robust statistics over columns in which NaN is absent. */

export const known = (values: Iterable<number>): number[] => [...values].filter(value => Number.isFinite(value))

/** Of something that may not have been: what is absent took no time. */
export const finiteOr0 = (value: number | undefined): number =>
  value !== undefined && Number.isFinite(value) ? value : 0

/** Of what is known from place `from` up to `to`; NaN of nothing. */
export function mean(values: ArrayLike<number>, from = 0, to = values.length): number {
  let [sum, count] = [0, 0]
  for (let at = from; at < to; at += 1) {
    const value = values[at] ?? NaN
    if (Number.isNaN(value)) continue
    sum += value
    count += 1
  }
  return sum / count
}

/** Copies of values to be moved about: medians are taken by the million. */
let scratch = new Float64Array(1024)

/** The standard error of a median over that of a mean, of values that are normal. */
export const MEDIAN_ERROR = 1.25

/** NaN where nothing is known. */
export function median(values: ArrayLike<number>): number {
  if (scratch.length < values.length) scratch = new Float64Array(2 * values.length)
  return medianInPlace(scratch, copyFinite(values, scratch))
}

/** Of a column from place `from` up to `to`, but for NaN: without a view of it, as there are thousands of them. */
export function medianOf(column: ArrayLike<number>, from: number, to: number): number {
  if (scratch.length < to - from) scratch = new Float64Array(2 * (to - from))
  let count = 0
  for (let at = from; at < to; at += 1) {
    const value = column[at] ?? NaN
    if (!Number.isNaN(value)) scratch[count++] = value
  }
  return medianInPlace(scratch, count)
}

function copyFinite(values: ArrayLike<number>, copy: Float64Array): number {
  let count = 0
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? NaN
    if (Number.isFinite(value)) copy[count++] = value
  }
  return count
}

/** A copy of what is known. */
export function finiteOf(values: ArrayLike<number>): Float64Array {
  const copy = new Float64Array(values.length)
  return copy.subarray(0, copyFinite(values, copy))
}

/** Of `count` values from place `at` on that are all known: they change places. NaN of none. */
export function medianInPlace(values: Float64Array, count: number, at = 0): number {
  if (count === 0) return NaN
  const middle = at + (count >> 1)
  if (count === 3) return middleOfThree(values[at] ?? NaN, values[at + 1] ?? NaN, values[at + 2] ?? NaN)
  if (count === 5) return middleOfFive(values, at)
  if (count < FEW) {
    sortFew(values, at, at + count - 1)
    return count % 2 === 1 ? (values[middle] ?? NaN) : ((values[middle - 1] ?? NaN) + (values[middle] ?? NaN)) / 2
  }
  const upper = select(values, at, at + count - 1, middle)
  if (count % 2 === 1) return upper
  // All before the middle are no greater now.
  let lower = values[at] ?? NaN
  for (let index = at + 1; index < middle; index += 1) {
    const value = values[index] ?? NaN
    if (value > lower) lower = value
  }
  return (lower + upper) / 2
}

/** Fewer are sorted by insertion. */
const FEW = 24

/**
 * The value at place `wanted` in the order of those from `first` to `last`, by Hoare's quickselect; those before it are no
 * greater, those behind no less.
 */
function select(values: Float64Array, first: number, last: number, wanted: number): number {
  while (last - first >= FEW) {
    const pivot = middleOfThree(values[first] ?? NaN, values[(first + last) >> 1] ?? NaN, values[last] ?? NaN)
    let low = first
    let high = last
    while (low <= high) {
      while ((values[low] ?? NaN) < pivot) low += 1
      while ((values[high] ?? NaN) > pivot) high -= 1
      if (low > high) break
      const swapped = values[low] ?? NaN
      values[low] = values[high] ?? NaN
      values[high] = swapped
      low += 1
      high -= 1
    }
    if (wanted <= high) last = high
    else if (wanted >= low) first = low
    else return values[wanted] ?? NaN
  }
  sortFew(values, first, last)
  return values[wanted] ?? NaN
}

function sortFew(values: Float64Array, first: number, last: number): void {
  for (let at = first + 1; at <= last; at += 1) {
    const value = values[at] ?? NaN
    let before = at - 1
    while (before >= first && (values[before] ?? NaN) > value) {
      values[before + 1] = values[before] ?? NaN
      before -= 1
    }
    values[before + 1] = value
  }
}

/** Without sorting, and without an object for a pair of values: most cards are crossed by five groups, and there are thousands. */
function middleOfFive(values: Float64Array, at: number): number {
  const one = values[at] ?? NaN
  const other = values[at + 1] ?? NaN
  const third = values[at + 2] ?? NaN
  const fourth = values[at + 3] ?? NaN
  const low = Math.max(Math.min(one, other), Math.min(third, fourth))
  const high = Math.min(Math.max(one, other), Math.max(third, fourth))
  return middleOfThree(values[at + 4] ?? NaN, low, high)
}

const middleOfThree = (one: number, other: number, third: number) =>
  Math.max(Math.min(one, other), Math.min(Math.max(one, other), third))

/** In place: where nothing is known, what was known before; 0 before anything was. */
export function carried<T extends Float32Array | Float64Array>(values: T): T {
  let last = 0
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? NaN
    if (Number.isNaN(value)) values[index] = last
    else last = value
  }
  return values
}

/** Of times that are all known; 0 of none. */
export function greatest(values: Float64Array): number {
  let most = 0
  for (let at = 0; at < values.length; at += 1) most = Math.max(most, values[at] ?? 0)
  return most
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
