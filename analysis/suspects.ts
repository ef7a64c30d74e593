/** Links over which transfers take longer than over others that are alike: what is asked about before anything is blamed. */
import { grouped } from '../base/grouped'
import type { Link, LinkKind } from './fabric'
import type { GroupMatrix } from './group-matrix'
import { sampleOf } from './sample'
import { medianInPlace } from './statistics'
import type { Straggler } from './straggler'
import { scatterOf, stragglersOf, type Likeness } from './stragglers'

export interface Suspect {
  readonly link: Link
  readonly slow: Straggler
}

/**
 * Of many cables that are alike one is always a few percent off, and more where single transfers scatter much; one that is
 * faster is hidden behind the slowest of its groups, one that is slower is not (of the greater of two normal values the lower
 * half lies 0.8 times as far apart as the values themselves). Within a node, what ranks wait for each other is more than what
 * they send.
 */
const OF_LINKS = {
  apart: 0.01,
  apartOfScatter: 0,
  wander: 0.005,
  wanderOfScatter: 0.1,
  lookAt: 'lower half',
  skew: 1.25,
} as const
const LIKENESS: Readonly<Record<LinkKind, Likeness>> = {
  nic: { ...OF_LINKS, floors: { level: 0.03, change: 0.02, intermittent: 0.02 } },
  leaf: { ...OF_LINKS, wander: 0.003, floors: { level: 0.025, change: 0.02, intermittent: 0.02 } },
  uplink: { ...OF_LINKS, wander: 0.003, floors: { level: 0.025, change: 0.02, intermittent: 0.02 } },
  spine: { ...OF_LINKS, wander: 0.003, floors: { level: 0.025, change: 0.02, intermittent: 0.02 } },
  nvlink: { ...OF_LINKS, apart: 0.1, wander: 0.1, floors: { level: 0.5, change: 0.5, intermittent: 0.5 } },
}
/** How far links are apart for good, of what one group's transfers scatter: the median of many groups hides that. */
const APART_OF_GROUPS = 0.25
/** Groups of a link that are looked at: more do not make the median surer. */
const SAMPLE = 48

/** Links that are alike: of one kind, and crossed by about as many groups, whose median scatters alike. */
const likenessOf = ({ kind, groups }: Link) => `${kind} ${Math.round(Math.log2(groups.length))}`

/** But for uplinks that the same groups cross as their leaf: they are what it is. */
function distinct(links: readonly Link[]): readonly Link[] {
  const leaves = new Map(links.flatMap(({ kind, name, groups }) => (kind === 'leaf' ? [[name, groups]] : [])))
  return links.filter(({ kind, name, groups }) => {
    const others = kind === 'uplink' ? leaves.get(name.replace(/^uplink/, 'leaf')) : undefined
    return others?.length !== groups.length || groups.some((group, at) => group !== others[at])
  })
}

interface Open {
  /** With those of its groups that are not explained. */
  readonly link: Link
  /** How many groups cross it in all. */
  readonly all: number
}

interface LinkClass {
  readonly alike: readonly Link[]
  /** By link and step: the median of the groups that cross it. */
  readonly excess: Float32Array
  readonly suspects: readonly Suspect[]
}

/** A class of which no more than this share changes is what it was: medians do not mind. */
const FEW_CHANGED = 0.02

/** Asked again and again as more and more groups are explained: a class of links that this does not touch is not looked at anew. */
export class Suspects {
  private open: readonly Open[]
  private classes = new Map<string, LinkClass>()
  /** Of a step: what the groups of a link are; and where their rows begin. */
  private readonly values = new Float64Array(SAMPLE)
  private readonly rows = new Int32Array(SAMPLE)
  /** Of single groups. */
  private readonly scatter: number

  constructor(
    private readonly matrix: GroupMatrix,
    links: readonly Link[],
  ) {
    this.scatter = scatterOf(matrix.excess, matrix.steps.length)
    this.open = distinct(links).map(link => ({ link, all: link.groups.length }))
  }

  /** Links with a median that is too high, the clearest first; one most of whose groups are explained says nothing. */
  without(explained: ReadonlySet<number>): Suspect[] {
    if (explained.size > 0)
      this.open = this.open
        .map(({ link, all }) => ({ link: withoutGroups(link, explained), all }))
        .filter(({ link, all }) => link.groups.length * 2 > all)
    const alike = grouped(
      this.open.map(({ link }) => link),
      likenessOf,
    )
    this.classes = new Map(Array.from(alike, ([name, links]) => [name, this.lookAt(name, links)]))
    return [...this.classes.values()]
      .flatMap(({ suspects }) => suspects)
      .sort((one, other) => other.slow.excess / other.slow.threshold - one.slow.excess / one.slow.threshold)
  }

  private lookAt(name: string, alike: readonly Link[]): LinkClass {
    const before = this.classes.get(name)
    if (before !== undefined) {
      const now = new Set(alike)
      const names = new Set(alike.map(({ name }) => name))
      const suspects = before.suspects.filter(({ link }) => now.has(link))
      const isOtherwise = before.suspects.some(({ link }) => names.has(link.name) && !now.has(link))
      const gone = before.alike.reduce((count, link) => count + Number(!now.has(link)), 0)
      const changed = Math.max(gone, alike.length - before.alike.length + gone)
      if (!isOtherwise && changed <= FEW_CHANGED * before.alike.length) return { ...before, suspects }
    }
    const { steps } = this.matrix
    const { length } = steps
    const places = new Map(before?.alike.map((link, place) => [link, place]))
    const excess = new Float32Array(alike.length * length)
    for (const [number, link] of alike.entries()) {
      const place = places.get(link)
      if (before === undefined || place === undefined) this.fill(excess, number * length, link.groups)
      else excess.set(before.excess.subarray(place * length, (place + 1) * length), number * length)
    }
    const ranks = Float64Array.from(alike.keys())
    const own = LIKENESS[alike[0]?.kind ?? 'nic']
    const crossing = Math.min(SAMPLE, Math.max(1, alike[0]?.groups.length ?? 1))
    const apart = Math.max(own.apart, APART_OF_GROUPS * this.scatter)
    const likeness = { ...own, apart, scatter: this.scatter / Math.sqrt(crossing) }
    const slow = stragglersOf({ ranks, steps, excess, ahead: cell => excess[cell] ?? NaN }, likeness)
    const suspects = slow.flatMap(one => {
      const link = alike[one.place]
      return link === undefined ? [] : [{ link, slow: one }]
    })
    return { alike, excess, suspects }
  }

  /** By step, from place `at` on: the median of the groups that cross a link. */
  private fill(column: Float32Array, at: number, groups: readonly number[]): void {
    const { excess } = this.matrix
    const { length } = this.matrix.steps
    const { values, rows } = this
    const sample = sampleOf(groups, SAMPLE)
    for (let place = 0; place < sample.length; place += 1) rows[place] = (sample[place] ?? 0) * length
    for (let step = 0; step < length; step += 1) {
      let known = 0
      for (let place = 0; place < sample.length; place += 1) {
        const value = excess[(rows[place] ?? 0) + step] ?? NaN
        if (!Number.isNaN(value)) values[known++] = value
      }
      column[at + step] = medianInPlace(values, known)
    }
  }
}

/** The link itself where none of its groups is among them. */
function withoutGroups(link: Link, explained: ReadonlySet<number>): Link {
  const groups = link.groups.filter(group => !explained.has(group))
  return groups.length === link.groups.length ? link : { ...link, groups }
}
