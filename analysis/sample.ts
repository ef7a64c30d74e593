/**
 * So many of them at most, all where there are no more. Taken by steps of about the golden ratio, they lie evenly, and meet
 * what comes again and again (the first rank of each node) as often as it is among all.
 */
export function sampleOf(all: ArrayLike<number>, count: number): ArrayLike<number> {
  if (all.length <= count) return all
  const stride = strideThrough(all.length)
  return Float64Array.from({ length: count }, (_, index) => all[(index * stride) % all.length] ?? NaN)
}

const GOLDEN_RATIO = 0.618034

/** Without a factor in common with the length: it comes by every place before it comes by one again. */
function strideThrough(length: number): number {
  let stride = Math.max(1, Math.round(length * GOLDEN_RATIO))
  while (commonFactor(stride, length) > 1) stride += 1
  return stride
}

function commonFactor(one: number, other: number): number {
  return other === 0 ? one : commonFactor(other, one % other)
}

/** More do not make the median of those that are alike surer: it is off by an eighteenth of what they scatter, and so for all of them. */
export const ENOUGH_ALIKE = 512
