/** How memory grew before the end: not at all, steadily, or at once. */
import { extent, median } from '../statistics'
import type { MemoryHistory } from './scene'

export type Growth =
  | { readonly kind: 'unknown' }
  /** Nothing, or one step, was finished. */
  | { readonly kind: 'no-steps'; readonly steps: number }
  | {
      readonly kind: 'flat'
      readonly steps: number
      readonly usualBytes: number
      readonly mostBytes: number
      /** The two are what the allocator reserved, as nobody said what tensors held. */
      readonly isReserved: boolean
    }
  | {
      readonly kind: 'steady'
      readonly steps: number
      readonly bytesPerStep: number
      readonly risenBytes: number
      /** What rises: what tensors hold, or what the allocator reserves while tensors do not. */
      readonly what: 'tensors' | 'reserved'
    }

const FEW = 8
const MOST = 400
/** A rise below this share of what is held is no leak that kills. */
const SLIGHT = 0.02
/** Of all pairs of steps, those that rise less those that fall: 1 is strictly rising, noise is near 0. */
const MONOTONE = 0.6

/** Evenly chosen, so that a long history costs no more than a short one. */
function thinned(values: ArrayLike<number>, steps: ArrayLike<number>): { x: number; y: number }[] {
  const known = Array.from({ length: values.length }, (_, index) => ({
    x: steps[index] ?? NaN,
    y: values[index] ?? NaN,
  }))
  const finite = known.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
  const every = Math.max(1, Math.ceil(finite.length / MOST))
  return finite.filter((_, index) => index % every === (finite.length - 1) % every)
}

/** The quartile of what is known, by its share. */
const quantile = (sorted: readonly number[], share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? NaN

/** Theil and Sen: the median of the slopes of all pairs, so that single steps do not matter; Kendall: do they agree. */
function trend(points: readonly { x: number; y: number }[]) {
  const slopes: number[] = []
  let balance = 0
  points.forEach((one, index) => {
    for (const other of points.slice(index + 1)) {
      if (other.x === one.x) continue
      slopes.push((other.y - one.y) / (other.x - one.x))
      balance += Math.sign(other.y - one.y)
    }
  })
  const sorted = slopes.toSorted((one, other) => one - other)
  return {
    slope: median(slopes),
    agreement: slopes.length === 0 ? 0 : balance / slopes.length,
    slower: quantile(sorted, 0.25),
    faster: quantile(sorted, 0.75),
  }
}

export interface SteadyGrowth {
  readonly bytesPerStep: number
  /** Half of all pairs of steps tell of a slope between these two. */
  readonly slower: number
  readonly faster: number
  readonly risenBytes: number
  readonly lastBytes: number
}

/** Undefined where it does not rise steadily: flat, noisy, or up and down. */
export function steadyGrowth(values: ArrayLike<number>, steps: ArrayLike<number>): SteadyGrowth | undefined {
  const points = thinned(values, steps)
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined || points.length < FEW) return undefined
  const { slope, agreement, slower, faster } = trend(points)
  const risen = slope * (last.x - first.x)
  const usual = median(points.map(({ y }) => y))
  if (agreement < MONOTONE || risen <= SLIGHT * usual) return undefined
  return { bytesPerStep: slope, slower, faster, risenBytes: risen, lastBytes: last.y }
}

/** What was seen of each step: what tensors held, else what the allocator reserved for them. */
export function levelsOf({ peakBytes, reservedBytes }: Pick<MemoryHistory, 'step' | 'peakBytes' | 'reservedBytes'>): {
  readonly bytes: ArrayLike<number>
  readonly isReserved: boolean
} {
  const isReserved = !Array.from(peakBytes).some(value => Number.isFinite(value))
  return { bytes: isReserved ? reservedBytes : peakBytes, isReserved }
}

/** The first steps build up what the rest keep (optimizer states, caches): they are no trend. */
const WARM_UP = 3

export function growthOf({ step, peakBytes, reservedBytes }: MemoryHistory): Growth {
  const steps = step.length
  if (steps <= 1) return { kind: 'no-steps', steps }
  const after = (values: ArrayLike<number>) => Array.from(values).slice(Math.min(WARM_UP, Math.max(0, steps - FEW)))
  const peaks = after(peakBytes)
  const at = after(step)
  const seen = levelsOf({ step, peakBytes, reservedBytes })
  const known = after(seen.bytes).filter(value => Number.isFinite(value))
  for (const [what, values] of [['tensors', peaks] as const, ['reserved', after(reservedBytes)] as const]) {
    const found = steadyGrowth(values, at)
    if (found !== undefined)
      return { kind: 'steady', steps, what, bytesPerStep: found.bytesPerStep, risenBytes: found.risenBytes }
  }
  if (known.length === 0) return { kind: 'unknown' }
  return {
    kind: 'flat',
    steps,
    usualBytes: median(known),
    mostBytes: extent(known).greatest,
    isReserved: seen.isReserved,
  }
}
