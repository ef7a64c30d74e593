/**
 * Where nobody told the topology: cards that only slow groups join to the rest. What is well within them and slow out of
 * them is the way between, an uplink or a spine.
 */
import { grouped } from '../base/grouped'
import { Union } from '../base/union'
import { isBesideWell } from './beside-well'
import type { Link } from './fabric'
import type { GroupMatrix } from './group-matrix'
import { deviation } from './spread'
import { median, MEDIAN_ERROR } from './statistics'
import type { Straggler } from './straggler'
import { onset, patternOf, scatterOf } from './stragglers'

export interface Island {
  /** Cards that are cut off. */
  readonly links: readonly Link[]
  readonly slow: Straggler
  /** Numbers of the groups that join them to the rest. */
  readonly groups: readonly number[]
}

/** Latest steps that are looked at. */
const STEPS = 32
/**
 * A group is slow from so much on, and so many deviations above the fastest quarter. They lie nearer together than
 * all of them, but more may be slow than not.
 */
const SLOW_FROM = 0.06
const USUAL_SHARE = 0.25
const DEVIATIONS = 11
/** And so many standard errors of its own median. */
const ERRORS = 4
/** Fewer slow groups are chance, or a card. */
const LEAST_GROUPS = 4

export function islandOf(matrix: GroupMatrix, links: readonly Link[]): Island | undefined {
  const { length } = matrix.steps
  const cards = links.filter(({ kind }) => kind === 'nic')
  const crossing = [...new Set(cards.flatMap(({ groups }) => groups))]
  const from = Math.max(0, length - STEPS)
  const levels = new Map(
    crossing.map(group => [group, median(matrix.excess.subarray(group * length + from, (group + 1) * length))]),
  )
  const error = (MEDIAN_ERROR * scatterOf(matrix.excess, length)) / Math.sqrt(Math.min(STEPS, length))
  const clear = slowOf(levels, error)
  if (clear.size < LEAST_GROUPS) return undefined
  const slow = withAlike(matrix, crossing, clear)
  const cut = cutOff(cards, slow)
  // What cuts off most of all is not a switch of theirs.
  if (cut.length === 0 || cut.length * 2 > cards.length) return undefined
  const groups = [...new Set(cut.flatMap(card => card.groups))].filter(group => slow.has(group))
  // Where nothing is well among them either, it is what they have in common that is slow.
  if (groups.length < LEAST_GROUPS || !cut.some(card => card.groups.some(group => !slow.has(group)))) return undefined
  if (!isBesideWell(matrix, cut, groups, group => !slow.has(group))) return undefined
  const excess = middleOf(matrix, groups)
  const size = median(groups.map(group => levels.get(group) ?? NaN))
  const begin = onset(excess, size)
  const pattern = patternOf(excess, begin)
  return {
    links: cut,
    groups,
    slow: { place: 0, pattern, from: begin, excess: size, share: 1, threshold: SLOW_FROM },
  }
}

/** A group with less than this share of what the slow ones have is well. */
const WELL_BELOW = 0.5

/** Where some are clear, all steps since they are slow say which others are: a threshold in the midst of them would not. */
function withAlike(matrix: GroupMatrix, crossing: readonly number[], clear: ReadonlySet<number>): Set<number> {
  const { length } = matrix.steps
  const middle = middleOf(matrix, [...clear])
  const begin = onset(middle, median(middle.subarray(-STEPS)))
  const levels = crossing.map(group => median(matrix.excess.subarray(group * length + begin, (group + 1) * length)))
  const size = median(crossing.flatMap((group, at) => (clear.has(group) ? (levels[at] ?? NaN) : [])))
  return new Set(crossing.filter((_, at) => (levels[at] ?? NaN) > WELL_BELOW * size))
}

function slowOf(levels: ReadonlyMap<number, number>, error: number): Set<number> {
  const ascending = [...levels.values()].filter(Number.isFinite).sort((one, other) => one - other)
  const lower = ascending.slice(0, Math.ceil(USUAL_SHARE * ascending.length))
  const threshold = Math.max(SLOW_FROM, ERRORS * error, (lower.at(-1) ?? 0) + DEVIATIONS * deviation(lower))
  return new Set([...levels].filter(([, level]) => level > threshold).map(([group]) => group))
}

/** Cards that groups that are well join among themselves, islands, as few of them as have a part in all slow groups. */
function cutOff(cards: readonly Link[], slow: ReadonlySet<number>): Link[] {
  const union = new Union(cards.length)
  const first = new Map<number, number>()
  for (const [card, { groups }] of cards.entries())
    for (const group of groups) {
      if (slow.has(group)) continue
      const other = first.get(group)
      if (other === undefined) first.set(group, card)
      else union.join(card, other)
    }
  const islands = Array.from(grouped(cards.keys(), card => union.root(card)).values(), members => {
    const own = members.flatMap(number => cards[number] ?? [])
    const all = new Set(own.flatMap(card => card.groups))
    const groups = new Set([...all].filter(group => slow.has(group)))
    return { cards: own, groups, share: groups.size / all.size }
  }).sort((one, other) => other.share - one.share || other.groups.size - one.groups.size)
  const left = new Set(slow)
  const picked: Link[] = []
  for (const island of islands) {
    const own = [...island.groups].filter(group => left.has(group))
    if (own.length * 2 <= island.groups.size) continue
    picked.push(...island.cards)
    for (const group of own) left.delete(group)
  }
  return picked
}

/** By step: the median of the groups. */
function middleOf({ steps, excess }: GroupMatrix, groups: readonly number[]): Float32Array {
  return Float32Array.from(steps, (_, step) => median(groups.map(group => excess[group * steps.length + step] ?? NaN)))
}
