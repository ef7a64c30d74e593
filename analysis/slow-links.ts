/**
 * The links that make groups slow: the smallest set that explains them. A ring is as slow as its slowest link, so a link is
 * innocent as soon as groups that cross it are as fast as others.
 */
import { grouped } from '../base/grouped'
import type { Fabric, Link } from './fabric'
import type { GroupMatrix } from './group-matrix'
import { median } from './statistics'
import { stragglersOf, type Likeness, type Straggler } from './stragglers'

export interface SlowLink {
  /** One of them; more where the same groups cross all of them. */
  readonly candidates: readonly Link[]
  /** Without a topology: what several slow links of these nodes share. */
  readonly isInferred: boolean
  readonly slow: Straggler
  /** Numbers of the groups that are slow because of it. */
  readonly groups: readonly number[]
}

/** Cables that are alike carry alike, however much single transfers scatter. */
const OF_LINKS: Likeness = { apart: 0.01, apartOfScatter: 0, wander: 0.005, wanderOfScatter: 0.1, lookAt: 'lower half' }
/** Groups of a link that are looked at: more do not make the median surer. */
const SAMPLE = 48
/** So many of its groups may look healthy by chance. */
const HEALTHY_SHARE = 0.05
/** A group with less than this share of the link’s excess is not slowed by it. */
const HEALTHY_BELOW = 0.5
/** A group that is slower than the link by this factor has a reason of its own. */
const EXPLAINED_UP_TO = 1.6
const EXPLAINED_AND = 0.05

interface Suspect {
  readonly link: Link
  readonly slow: Straggler
}

function sampleOf(groups: readonly number[]): readonly number[] {
  if (groups.length <= SAMPLE) return groups
  return Array.from({ length: SAMPLE }, (_, index) => groups[Math.floor((index * groups.length) / SAMPLE)] ?? 0)
}

/** By link and step: the median of the groups that cross it. */
function linkExcess({ steps, excess }: GroupMatrix, links: readonly Link[]): Float64Array {
  const column = new Float64Array(links.length * steps.length).fill(NaN)
  for (const [number, link] of links.entries()) {
    const sample = sampleOf(link.groups)
    const values = new Float64Array(sample.length)
    for (let step = 0; step < steps.length; step += 1) {
      let known = 0
      for (const group of sample) {
        const value = excess[group * steps.length + step] ?? NaN
        if (!Number.isNaN(value)) values[known++] = value
      }
      const sorted = values.subarray(0, known).sort()
      column[number * steps.length + step] = ((sorted[(known - 1) >> 1] ?? NaN) + (sorted[known >> 1] ?? NaN)) / 2
    }
  }
  return column
}

/** What a group is above the others in the steps in which the link is slow; NaN where nothing is known. */
function levelOf({ steps, excess }: GroupMatrix, group: number, { from, pattern, excess: size }: Straggler): number {
  const own = excess.subarray(group * steps.length + from, (group + 1) * steps.length)
  if (pattern !== 'intermittent') return median(own)
  // The mean over all steps, as the straggler’s own: but for the hiccups that none of them minds.
  const [sum, known] = own.reduce<[number, number]>(
    ([total, count], value) => (Number.isNaN(value) ? [total, count] : [total + value, count + 1]),
    [0, 0],
  )
  return known === 0 ? NaN : Math.min(sum / known, 2 * size)
}

const sizeOf = ({ pattern, excess }: Straggler) => (pattern === 'drifting' ? excess / 2 : excess)

/** Links that are alike: of one kind, and crossed by about as many groups, whose median scatters alike. */
const likenessOf = ({ name, groups }: Link) => `${name.split(' ', 1).join()} ${Math.round(Math.log2(groups.length))}`

/** Links with a median that is too high, the clearest first. */
function suspectsOf(matrix: GroupMatrix, links: readonly Link[]): Suspect[] {
  return [...grouped(links, likenessOf).values()]
    .flatMap(alike => {
      const excess = linkExcess(matrix, alike)
      const ranks = Float64Array.from(alike.keys())
      return stragglersOf({ ranks, steps: matrix.steps, excess, ahead: excess }, OF_LINKS).flatMap(slow => {
        const link = alike[slow.place]
        return link === undefined ? [] : [{ link, slow }]
      })
    })
    .sort((one, other) => other.slow.excess / other.slow.threshold - one.slow.excess / one.slow.threshold)
}

/** Links that all slow groups of one kind have in common, as far as groups that are not slow do not clear them. */
function causeOf(matrix: GroupMatrix, links: readonly Link[], slow: Straggler, explained: ReadonlySet<number>) {
  const size = sizeOf(slow)
  const levels = matrix.groups.map((_, group) => levelOf(matrix, group, slow))
  const isHealthy = (group: number) => (levels[group] ?? NaN) < HEALTHY_BELOW * size
  const covers = links.flatMap(link => {
    const healthy = [...grouped(link.groups, group => matrix.classes[group]).values()].map(
      members => members.filter(isHealthy).length / members.length,
    )
    // Of every class: messages alone would not show that rings within a leaf are well.
    if (healthy.some(share => share > HEALTHY_SHARE)) return []
    return [{ link, groups: link.groups.filter(group => !isHealthy(group) && !explained.has(group)) }]
  })
  const most = covers.reduce((best, { groups }) => Math.max(best, groups.length), 0)
  const first = covers.find(({ groups }) => groups.length === most)
  if (first === undefined || most === 0) return undefined
  const same = covers.filter(
    ({ groups }) => groups.length === most && groups.every((group, at) => group === first.groups[at]),
  )
  const bound = size * EXPLAINED_UP_TO + EXPLAINED_AND
  return {
    candidates: same.map(({ link }) => link),
    groups: first.groups.filter(group => !((levels[group] ?? NaN) > bound)),
  }
}

export function slowLinksOf(matrix: GroupMatrix, fabric: Fabric): SlowLink[] {
  const { length } = matrix.steps
  // A group that is compared with none can neither blame a link nor clear it.
  const isCompared = matrix.groups.map(
    (_, group) => !matrix.excess.subarray(group * length, (group + 1) * length).every(Number.isNaN),
  )
  const links = fabric.links
    .map(link => ({ ...link, groups: link.groups.filter(group => isCompared[group]) }))
    .filter(link => link.groups.length > 0)
  const explained = new Set<number>()
  const found: SlowLink[] = []
  for (const { link, slow } of suspectsOf(matrix, links)) {
    const open = link.groups.filter(group => !explained.has(group))
    if (open.length * 2 <= link.groups.length) continue
    const cause = causeOf(matrix, links, slow, explained)
    if (cause === undefined || cause.groups.length === 0) continue
    found.push({ ...cause, slow, isInferred: fabric.nodesOf === undefined })
    for (const group of cause.groups) explained.add(group)
  }
  return found
}
