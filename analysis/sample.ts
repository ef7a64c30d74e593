/** So many of them at most, evenly spaced; all where there are no more. */
export function sampleOf(all: ArrayLike<number>, count: number): ArrayLike<number> {
  if (all.length <= count) return all
  return Float64Array.from({ length: count }, (_, index) => all[Math.floor((index * all.length) / count)] ?? NaN)
}
