/** Spans of time as [begin, end, begin, end, …], and how much of a window they cover. */

/** Sorted and without overlap. */
export function union(spans: readonly number[]): number[] {
  const order = Array.from({ length: spans.length / 2 }, (_, at) => at)
  order.sort((a, b) => (spans[2 * a] ?? 0) - (spans[2 * b] ?? 0))
  const merged: number[] = []
  for (const at of order) {
    const begin = spans[2 * at] ?? 0
    const end = spans[2 * at + 1] ?? 0
    const last = merged.length - 1
    if (last > 0 && begin <= (merged[last] ?? 0)) merged[last] = Math.max(merged[last] ?? 0, end)
    else merged.push(begin, end)
  }
  return merged
}

/** Answers how much of a window is covered in logarithmic time: a trace may hold a million overlapping windows. */
export class Cover {
  /** Covered before the begin of each span. */
  private readonly before: number[] = []
  private readonly total: number

  /** `merged` is a union. */
  constructor(readonly merged: readonly number[]) {
    let sum = 0
    for (let at = 0; at < merged.length; at += 2) {
      this.before.push(sum)
      sum += (merged[at + 1] ?? 0) - (merged[at] ?? 0)
    }
    this.total = sum
  }

  within(begin: number, end: number): number {
    return this.until(end) - this.until(begin)
  }

  private until(time: number): number {
    let low = 0
    let high = this.before.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.merged[2 * middle + 1] ?? 0) <= time) low = middle + 1
      else high = middle
    }
    if (low === this.before.length) return this.total
    return (this.before[low] ?? 0) + Math.max(0, time - (this.merged[2 * low] ?? 0))
  }
}
