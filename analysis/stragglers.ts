/**
 * Ranks that work longer than the others of their role while those wait for them. Each is judged by its last blocks of
 * steps, few or many, so that what began just now is seen as well as what is small and lasts; against the spread of all
 * ranks, as no two chips are equal; and against its own earlier blocks, where chips differ by more than it slowed.
 */
import { comingAndGoingOf } from './coming-and-going'
import { deviation, deviationsOf, drawn, spread } from './spread'
import { AHEAD_SHARE, BLOCK_STEPS, type Excesses, type Pattern, type Straggler } from './straggler'
import { mean, median, MEDIAN_ERROR, medianInPlace, medianOf } from './statistics'

/** Known samples without which a block says nothing. */
const BLOCK_LEAST = 4
/** Chance that any healthy rank is named in one look: a thousand runs of an hour must not have one. */
const LEVEL_CHANCE = 3e-5
/** Chips stay as they are, but each rank wanders: there are as many chances as looks. */
const CHANGE_CHANCE = 3e-7
/** How far things that are alike are believed to lie apart for good and to wander, alone and as a share of how steps scatter. */
export interface Likeness {
  readonly apart: number
  readonly apartOfScatter: number
  readonly wander: number
  readonly wanderOfScatter: number
  /** A switch may make half of its links slow; ranks that slow down together are a minority. */
  readonly lookAt: 'all' | 'lower half'
  /** How much farther apart those above the middle lie for good than those below it; left out where they lie alike. */
  readonly skew?: number | undefined
  /** How steps scatter, as far as others tell; left out where they are enough themselves. */
  readonly scatter?: number | undefined
  /** Less is nobody’s worry: above the others for good, above the own past, and in the mean of steps that stick out. */
  readonly floors: Readonly<Record<'level' | 'change' | 'intermittent', number>>
}

/** Chips that are alike differ by about a percent; where steps scatter, so do the ranks' means. */
const OF_RANKS: Likeness = {
  apart: 0.008,
  apartOfScatter: 0.33,
  wander: 0.003,
  wanderOfScatter: 0.2,
  lookAt: 'all',
  floors: { level: 0.025, change: 0.02, intermittent: 0.005 },
}
interface Blocks {
  readonly count: number
  /** By rank and block, the last block last: medians. */
  readonly excess: Float32Array
  /** The same, asked of few: mean of a rank's blocks from one up to another. */
  readonly aheadOf: (rank: number, from: number, to: number) => number
  /** Deviation of one rank's steps. */
  readonly scatter: number
}

function blocksOf({ ranks, steps, excess, ahead }: Excesses, believedScatter: number | undefined): Blocks {
  const count = Math.floor(steps.length / BLOCK_STEPS)
  const first = steps.length - count * BLOCK_STEPS
  const own = new Float64Array(BLOCK_STEPS)
  const blocksIn = (values: Float32Array, row: number, blocks: Float32Array, at: number) => {
    for (let block = 0; block < count; block += 1) {
      const from = row * steps.length + first + block * BLOCK_STEPS
      let known = 0
      for (let cell = from; cell < from + BLOCK_STEPS; cell += 1) {
        const value = values[cell] ?? NaN
        if (!Number.isNaN(value)) own[known++] = value
      }
      blocks[at + block] = known < BLOCK_LEAST ? NaN : medianInPlace(own, known)
    }
  }
  const blocks = new Float32Array(ranks.length * count)
  for (let rank = 0; rank < ranks.length; rank += 1) blocksIn(excess, rank, blocks, rank * count)
  const aheadOf = (rank: number, from: number, to: number) => {
    const one = new Float32Array(count)
    blocksIn(
      Float32Array.from(steps, (_, step) => ahead(rank * steps.length + step)),
      0,
      one,
      0,
    )
    return meanOfMost(one, from, to)
  }
  return { count, excess: blocks, aheadOf, scatter: scatterOf(excess, steps.length, believedScatter) }
}

/** More say no more of how steps scatter. */
const MOST_DIFFERENCES = 4096

/**
 * From the differences of steps that follow each other, so that levels do not count; of a sample of the cells. Few of them are
 * drawn towards what is `believed` beforehand.
 */
export function scatterOf(excess: Float32Array, steps: number, believed?: number): number {
  const differences = new Float64Array(MOST_DIFFERENCES + 1)
  const every = Math.max(1, Math.ceil(excess.length / MOST_DIFFERENCES))
  let known = 0
  for (let cell = 0; cell + 1 < excess.length; cell += every) {
    const difference = (excess[cell + 1] ?? NaN) - (excess[cell] ?? NaN)
    if ((cell + 1) % steps !== 0 && !Number.isNaN(difference)) differences[known++] = difference
  }
  const seen = (deviation(differences.subarray(0, known)) || 0) / Math.SQRT2
  return believed === undefined ? seen : drawn(seen, known, believed)
}

/** Mean of the known from place `from` up to `to`; NaN where fewer than half are known. */
function meanOfMost(values: Float32Array, from: number, to: number): number {
  let [sum, known] = [0, 0]
  for (let at = from; at < to; at += 1) {
    const value = values[at] ?? NaN
    if (Number.isNaN(value)) continue
    sum += value
    known += 1
  }
  return known * 2 < to - from ? NaN : sum / known
}

/** By rank: of its blocks from one up to another. */
function means(values: Float32Array, count: number, from: number, to: number): Float64Array {
  const all = new Float64Array(values.length / count)
  for (let rank = 0; rank < all.length; rank += 1)
    all[rank] = meanOfMost(values, rank * count + from, rank * count + to)
  return all
}

/** More say no more of a spread. */
const MOST_HISTORY = 4096

/**
 * How the means of `span` blocks differed from `share` of those before them, of all ranks, but for the last ones, which are in
 * question.
 */
function changesBefore(excess: Float32Array, count: number, span: number, share: number): Float64Array {
  const pairs = Math.floor((count - span) / span) - 1
  const ranks = excess.length / count
  if (pairs < 1) return new Float64Array()
  const every = Math.max(1, Math.ceil((ranks * pairs) / MOST_HISTORY))
  const changes = new Float64Array(Math.ceil((ranks * pairs) / every))
  let known = 0
  for (let number = 0; number < ranks * pairs; number += every) {
    const first = Math.floor(number / pairs) * count + (count % span) + (number % pairs) * span
    let [one, other] = [0, 0]
    for (let block = first; block < first + span; block += 1) {
      one += excess[block] ?? NaN
      other += excess[block + span] ?? NaN
    }
    if (!Number.isNaN(other - one)) changes[known++] = (other - share * one) / span
  }
  return changes.subarray(0, known)
}

/**
 * How far a rank's own past says where it should be, from 0 to 1: no further than it is surer than what ranks that are alike
 * lie apart (the best linear prediction; James and Stein).
 */
function pastShare(before: Float64Array, error: number, apart: number, { lookAt }: Likeness): number {
  // Of cables a few are what all of them cross: they are no sample of those that are alike.
  if (lookAt === 'lower half') return 1
  const seen = spread(before, Math.hypot(apart, error))
  return seen > error ? 1 - (error / seen) ** 2 : 0
}

/**
 * By rank: how far it is above what it would have to exceed, and that. All blocks are held against the peers'; the last
 * one, two, four, … against the rank's own before.
 */
function clearest({ count, excess, aheadOf, scatter }: Blocks, likeness: Likeness) {
  const ranks = excess.length / Math.max(1, count)
  const best = { ratio: new Float64Array(ranks), threshold: new Float64Array(ranks) }
  const judge = (values: Float64Array, now: Float64Array, from: number, threshold: number) => {
    for (let rank = 0; rank < ranks; rank += 1) {
      const value = values[rank] ?? NaN
      // Who was fast and now is as the others are holds nobody back.
      const isClear = value > threshold && (now[rank] ?? NaN) > value / 2
      if (!isClear || value / threshold <= (best.ratio[rank] ?? 0)) continue
      if (!(aheadOf(rank, from, count) > AHEAD_SHARE * value)) continue
      best.ratio[rank] = value / threshold
      best.threshold[rank] = threshold
    }
  }
  const errorOf = (blocks: number) => (MEDIAN_ERROR * scatter) / Math.sqrt(blocks * BLOCK_STEPS)
  const all = means(excess, count, 0, count)
  const chip = Math.max(likeness.apart, likeness.apartOfScatter * scatter)
  const { lookAt, skew } = likeness
  const level = deviationsOf(ranks, LEVEL_CHANCE) * spread(all, Math.hypot(chip, errorOf(count)), lookAt, [], skew)
  judge(all, all, 0, Math.max(likeness.floors.level, level))
  const wander = Math.max(likeness.wander, likeness.wanderOfScatter * scatter)
  for (let span = 1; span < count; span *= 2) {
    const now = means(excess, count, count - span, count)
    const before = means(excess, count, 0, count - span)
    const past = pastShare(before, Math.hypot(wander, errorOf(count - span)), chip, likeness)
    const changed = new Float64Array(ranks)
    for (let rank = 0; rank < ranks; rank += 1) changed[rank] = (now[rank] ?? NaN) - past * (before[rank] ?? NaN)
    const errors = [wander, past * wander, errorOf(span), past * errorOf(count - span), (1 - past) * chip]
    const believed = Math.hypot(...errors)
    const history = changesBefore(excess, count, span, past)
    const sure = deviationsOf(ranks, CHANGE_CHANCE, ranks + history.length)
    const change = sure * spread(changed, believed, lookAt, history)
    judge(changed, now, count - span, Math.max(likeness.floors.change, change))
  }
  return best
}

/**
 * The step from which on the excess is there: where two levels, one before and one after, fit best. 0 where the first of
 * them is no lower.
 */
export function onset(excess: Float32Array, size: number): number {
  const values = excess.map(value => Math.min(Math.max(value, -size), 2 * size))
  const finite = values.filter(value => !Number.isNaN(value))
  const total = finite.reduce((sum, value) => sum + value, 0)
  let [sum, count, best, at] = [0, 0, 0, 0]
  for (let step = 0; step < values.length; step += 1) {
    const value = values[step] ?? NaN
    if (Number.isNaN(value)) continue
    const rest = finite.length - count
    const [before, after] = [sum / Math.max(1, count), (total - sum) / rest]
    const gain = ((count * rest) / finite.length) * (after - before) ** 2
    if (count > 0 && after > before && before < size / 2 && gain > best) [best, at] = [gain, step]
    sum += value
    count += 1
  }
  return at
}

const DRIFT_LEAST_STEPS = 24

/**
 * Drifting: of the time since it began, the last third is above the first by more than chance. Of a slope, two levels fit best
 * where it is half way up: from there on the first third has two thirds of what the last has.
 */
export function patternOf(excess: Float32Array, from: number): Pattern {
  const since = excess.subarray(from)
  if (since.length < DRIFT_LEAST_STEPS) return 'constant'
  const third = Math.floor(since.length / 3)
  const [first, last] = [median(since.subarray(0, third)), median(since.subarray(-third))]
  const isChance = last - first < (ERRORS * MEDIAN_ERROR * scatterOf(since, since.length)) / Math.sqrt(third / 2)
  const isMore = first < 0.75 * last && median(since.subarray(third, -third)) < 0.95 * last
  return isMore && !isChance ? 'drifting' : 'constant'
}

/** So many standard errors of a mean are no chance. */
const ERRORS = 4

function steady(matrix: Excesses, blocks: Blocks, likeness: Likeness): Straggler[] {
  const { ratio, threshold } = clearest(blocks, likeness)
  const { length } = matrix.steps
  return Array.from(ratio, (_, place) => place)
    .filter(place => (ratio[place] ?? 0) > 0)
    .map(place => {
      const own = matrix.excess.subarray(place * length, (place + 1) * length)
      const least = threshold[place] ?? NaN
      const begin = onset(own, (ratio[place] ?? NaN) * least)
      const rise = mean(own, begin) - mean(own, 0, begin)
      // A few steps before it say what was usual only where they are clearly otherwise.
      const isChance = begin < BLOCK_STEPS && rise < ERRORS * (blocks.scatter / Math.sqrt(begin))
      const from = isChance ? 0 : begin
      const excess = from === 0 ? mean(own) : rise
      const to = endOf(own.subarray(from), excess, blocks.scatter)
      const before = from === 0 ? 0 : mean(own, 0, from)
      // What is less slow now, and would be named for that alone, is not over.
      if (to !== undefined && !(median(own.subarray(from + to)) - before > least)) {
        const was = mean(own, from, from + to) - before
        return { place, pattern: 'past', from, to: from + to, share: 1, excess: was, threshold: least }
      }
      return { place, pattern: patternOf(own, from), from, share: 1, excess, threshold: least }
    })
}

/** Where it ended: as its beginning, seen backwards. Undefined where it goes on, or ended just now. */
function endOf(own: Float32Array, size: number, scatter: number): number | undefined {
  const after = onset(own.toReversed(), size)
  const end = own.length - after
  if (after < BLOCK_STEPS || !(mean(own, 0, end) - mean(own, end) > (ERRORS * scatter) / Math.sqrt(after)))
    return undefined
  return end
}

/** By rank: the median of its blocks. */
function usualOf({ count, excess }: Blocks, ranks: number): Float64Array {
  const usual = new Float64Array(ranks)
  for (let rank = 0; rank < ranks; rank += 1) usual[rank] = medianOf(excess, rank * count, (rank + 1) * count)
  return usual
}

/** Blocks in which it happened to come often do not make steady what is not there in most steps. */
function isThereMostly({ steps, excess }: Excesses, one: Straggler): boolean {
  const { place, from, to = steps.length, excess: size } = one
  const first = place * steps.length
  const before = from === 0 ? 0 : medianOf(excess, first, first + from)
  return medianOf(excess, first + from, first + to) - before > size / 2
}

/** Those of one window of steps, in the order of the ranks. Fewer than eight steps say nothing. */
export function stragglersOf(matrix: Excesses, likeness: Likeness = OF_RANKS): Straggler[] {
  const blocks = blocksOf(matrix, likeness.scatter)
  if (blocks.count === 0) return []
  const usual = usualOf(blocks, matrix.ranks.length)
  const often = comingAndGoingOf(matrix, { usual, scatter: blocks.scatter }, likeness.floors.intermittent)
  const found = new Map(often.map(one => [one.place, one]))
  for (const one of steady(matrix, blocks, likeness))
    if (!found.has(one.place) || isThereMostly(matrix, one)) found.set(one.place, one)
  return [...found.values()].sort((one, other) => one.place - other.place)
}
