/**
 * The links that make groups slow: the smallest set that explains them. A ring is as slow as its slowest link, so a link is
 * innocent as soon as groups that cross it are as fast as others.
 */
import { grouped } from '../base/grouped'
import type { Fabric, Link } from './fabric'
import type { GroupMatrix } from './group-matrix'
import { isBesideWell } from './beside-well'
import { islandOf } from './islands'
import { median } from './statistics'
import type { Straggler } from './straggler'
import { Suspects, type Suspect } from './suspects'
import { cardsOf, wholeNodes } from './whole-nodes'

export interface SlowLink {
  /**
   * `one of` the links, more than one where the same groups cross all of them. Without a topology also what is `behind`
   * all of them, or `between` them and the rest.
   */
  readonly where: 'one of' | 'behind' | 'between'
  readonly links: readonly Link[]
  readonly slow: Straggler
  /** Numbers of the groups that are slow because of it. */
  readonly groups: readonly number[]
}

/** With more causes than this, the fabric is slow and not a link of it. */
const MOST_CAUSES = 8
/** So many of its groups may look healthy by chance. */
const HEALTHY_SHARE = 0.05
/** A group with less than this share of the link’s excess is not slowed by it. */
const HEALTHY_BELOW = 0.5
/** A group that is slower than the link by this factor has a reason of its own. */
const EXPLAINED_UP_TO = 1.6
const EXPLAINED_AND = 0.05

/** What a group is above the others in the steps in which the link is slow; NaN where nothing is known. */
function levelOf({ steps, excess }: GroupMatrix, group: number, slow: Straggler): number {
  const { from, to = steps.length, pattern, excess: size } = slow
  const own = excess.subarray(group * steps.length + from, group * steps.length + to)
  if (pattern !== 'intermittent') return median(own)
  // The mean over all steps, as the straggler’s own: but for the hiccups that none of them minds.
  const [sum, known] = own.reduce<[number, number]>(
    ([total, count], value) => (Number.isNaN(value) ? [total, count] : [total + value, count + 1]),
    [0, 0],
  )
  return known === 0 ? NaN : Math.min(sum / known, 2 * size)
}

const sizeOf = ({ pattern, excess }: Straggler) => (pattern === 'drifting' ? excess / 2 : excess)

type Cause = Pick<SlowLink, 'where' | 'links' | 'groups'>

interface Known {
  /** By name, whole nodes among them where the switches are not known. */
  readonly links: ReadonlyMap<string, Link>
  readonly explained: ReadonlySet<number>
  readonly isInferred: boolean
}

/** Which of the links may be why, once one is slow. */
function askedBeside(
  { link: { kind } }: Suspect,
  suspects: readonly Suspect[],
  { links, isInferred }: Known,
): readonly Link[] {
  // How slow it is and since when, one of them says: what shares its switch need not be as clear by itself.
  if (isInferred && kind !== 'nvlink') return [...links.values()].filter(other => other.kind !== 'nvlink')
  return suspects.flatMap(({ link: { name } }) => links.get(name) ?? [])
}

/**
 * The link that all slow groups of a kind have in common, as far as groups that are not slow do not clear it; with it the
 * links that the same groups cross. Where the switches are not known, what several have in common.
 */
function causeOf(
  matrix: GroupMatrix,
  suspect: Suspect,
  suspects: readonly Suspect[],
  known: Known,
): (Cause & { readonly picked: readonly Link[] }) | undefined {
  const { links, explained, isInferred } = known
  const { slow } = suspect
  const size = sizeOf(slow)
  const levels = new Map<number, number>()
  const level = (group: number) => {
    const own = levels.get(group) ?? levelOf(matrix, group, slow)
    levels.set(group, own)
    return own
  }
  const isHealthy = (group: number) => level(group) < HEALTHY_BELOW * size
  // Of every class: messages alone would not show that rings within a leaf are well.
  const isCleared = (link: Link) =>
    [...grouped(link.groups, group => matrix.classes[group]).values()].some(
      members => members.filter(isHealthy).length > HEALTHY_SHARE * members.length,
    )
  const possible = askedBeside(suspect, suspects, known).filter(link => !isCleared(link))
  const picked: Link[] = []
  const covered = new Set<number>()
  const isOpen = (group: number) => !isHealthy(group) && !explained.has(group) && !covered.has(group)
  do {
    const next = mostOf(possible, picked, covered, isOpen)
    if (next === undefined) break
    picked.push(next)
    for (const group of next.groups) if (isOpen(group)) covered.add(group)
  } while (isInferred)
  const [first] = picked
  if (first === undefined || !isBesideWell(matrix, picked, covered, isHealthy)) return undefined
  const bound = size * EXPLAINED_UP_TO + EXPLAINED_AND
  const groups = [...covered].filter(group => !(level(group) > bound))
  const cards = isInferred ? cardsOf(picked, links.values()) : picked
  if (cards.length > 1) return { where: 'behind', links: cards, groups, picked }
  const alike = [...links.values()].filter(
    ({ kind, groups: own }) => (!isInferred || kind === first.kind) && areSame(own, first.groups),
  )
  return { where: 'one of', links: alike, groups, picked }
}

const areSame = (one: readonly number[], other: readonly number[]) =>
  one.length === other.length && one.every((group, at) => group === other[at])

/**
 * The link with most groups that are open; of several, one on a node of which others are picked; then one that shares slow
 * groups with those: what is plugged into one switch works together, where of two ends of a message either could be why.
 */
function mostOf(
  possible: readonly Link[],
  picked: readonly Link[],
  covered: ReadonlySet<number>,
  isOpen: (group: number) => boolean,
) {
  const nodes = new Set(picked.map(({ node }) => node))
  let [best, most] = [undefined as Link | undefined, 0]
  for (const link of possible) {
    const open = link.groups.filter(isOpen).length
    const isShared = link.groups.some(group => covered.has(group))
    const count = open + (nodes.has(link.node) ? 0.5 : 0) + (isShared ? 0.25 : 0)
    if (open > 0 && count > most) [best, most] = [link, count]
  }
  return best
}

/** Of a class of which more than this crosses a link, too few are left to tell what is usual. */
const CROSSES_MOST = 0.75

/** The newest are looked at first: most groups are known there. */
function isKnown(excess: Float32Array, group: number, steps: number): boolean {
  for (let cell = (group + 1) * steps - 1; cell >= group * steps; cell -= 1)
    if (!Number.isNaN(excess[cell])) return true
  return false
}

/** Groups that are alike with others that do not cross the link: they alone can blame it or clear it. */
function comparable({ classes, excess, steps }: GroupMatrix, links: readonly Link[]): Link[] {
  const members = grouped(classes.keys(), group => classes[group])
  const sizes = new Map(Array.from(members, ([kind, all]) => [kind, all.length]))
  const smallest = Math.min(...sizes.values())
  const isCompared = classes.map((kind, group) => kind !== undefined && isKnown(excess, group, steps.length))
  return links.map(link => {
    // Of no class may it be crossed by more than there are in any.
    if (link.groups.length <= CROSSES_MOST * smallest)
      return link.groups.every(group => isCompared[group])
        ? link
        : { ...link, groups: link.groups.filter(group => isCompared[group]) }
    const few = [...grouped(link.groups, group => classes[group])].flatMap(([kind, own]) =>
      own.length > CROSSES_MOST * (sizes.get(kind) ?? 0) ? [] : own.filter(group => isCompared[group]),
    )
    return { ...link, groups: few }
  })
}

export function slowLinksOf(matrix: GroupMatrix, fabric: Fabric): SlowLink[] {
  const cables = comparable(matrix, fabric.links)
  const isInferred = fabric.nodesOf === undefined
  const links = isInferred ? [...cables, ...wholeNodes(cables)] : cables
  const explained = new Set<number>()
  const found: SlowLink[] = []
  const island = isInferred ? islandOf(matrix, cables) : undefined
  if (island !== undefined) found.push({ where: 'between', ...island })
  for (const group of island?.groups ?? []) explained.add(group)
  const byName = new Map(links.map(link => [link.name, link]))
  const suspects = new Suspects(matrix, links)
  while (found.length < MOST_CAUSES) {
    const cause = nextCause(matrix, suspects.without(explained), { links: byName, explained, isInferred })
    if (cause === undefined) break
    const at = isInferred ? found.findIndex(one => isPartOf(cause, one)) : -1
    const whole = found[at]
    if (whole === undefined) found.push(cause)
    else found[at] = joined(whole, cause)
    for (const group of cause.groups) explained.add(group)
  }
  // What crosses it as well, but has nothing to be held against, takes as much longer.
  const all = new Map(fabric.links.map(({ name, groups }) => [name, groups]))
  return found.map(one => {
    const [first] = one.links
    const compared = new Set(cables.find(({ name }) => name === first?.name)?.groups)
    const silent = (all.get(first?.name ?? '') ?? []).filter(group => !compared.has(group))
    return one.where === 'one of' ? { ...one, groups: [...one.groups, ...silent] } : one
  })
}

const joined = (one: SlowLink, other: SlowLink): SlowLink => ({
  ...one,
  links: [...new Map([...one.links, ...other.links].map(link => [link.name, link])).values()],
  groups: [...new Set([...one.groups, ...other.groups])],
})

/** Shares nodes with what was found before to have something in common: it is more of the same, not a thing of its own. */
function isPartOf(cause: SlowLink, { where, links }: SlowLink): boolean {
  if (where === 'one of') return false
  const nodes = new Set(links.map(({ node }) => node))
  return cause.where === 'one of'
    ? cause.links.every(({ node }) => nodes.has(node))
    : cause.links.some(({ node }) => nodes.has(node))
}

/** The clearest cause of what is not explained yet. */
function nextCause(matrix: GroupMatrix, suspects: readonly Suspect[], known: Known): SlowLink | undefined {
  for (const suspect of suspects) {
    const cause = causeOf(matrix, suspect, suspects, known)
    if (cause === undefined || cause.groups.length === 0) continue
    const { picked, ...found } = cause
    // A card behind a slow switch may have led there: how slow it is, the switch itself says best.
    const names = new Set([...picked, ...found.links].map(({ name }) => name))
    const own = suspects.find(({ link }) => names.has(link.name))
    return { ...found, slow: own?.slow ?? suspect.slow }
  }
  return undefined
}
