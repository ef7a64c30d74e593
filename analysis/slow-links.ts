/**
 * The links that make groups slow: the smallest set that explains them. A ring is as slow as its slowest link, so a link is
 * innocent as soon as groups that cross it are as fast as others.
 */
import type { Fabric, Link } from './fabric'
import type { GroupMatrix } from './group-matrix'
import { median } from './statistics'
import { stragglersOf, type Straggler } from './stragglers'

export interface SlowLink {
  /** One of them; more where the same groups cross all of them. */
  readonly candidates: readonly Link[]
  /** Without a topology: what several slow links of these nodes share. */
  readonly isInferred: boolean
  readonly slow: Straggler
  /** Numbers of the groups that are slow because of it. */
  readonly groups: readonly number[]
}

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

/** Links nearly all of whose groups are slow. */
function suspectsOf(matrix: GroupMatrix, links: readonly Link[]): Suspect[] {
  const excess = linkExcess(matrix, links)
  const numbers = Float64Array.from(links.keys())
  return stragglersOf({ ranks: numbers, steps: matrix.steps, excess, ahead: excess }).flatMap(slow => {
    const link = links[slow.place]
    if (link === undefined) return []
    const levels = sampleOf(link.groups)
      .map(group => levelOf(matrix, group, slow))
      .filter(level => !Number.isNaN(level))
    const healthy = levels.filter(level => level < HEALTHY_BELOW * sizeOf(slow)).length
    return healthy <= HEALTHY_SHARE * levels.length ? [{ link, slow }] : []
  })
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
  const suspects = suspectsOf(matrix, links)
  const open = new Set(suspects.flatMap(({ link }) => link.groups))
  const found: SlowLink[] = []
  for (;;) {
    const covers = suspects.map(suspect => suspect.link.groups.filter(group => open.has(group)))
    const most = covers.reduce((best, own) => Math.max(best, own.length), 0)
    const best = covers.findIndex(own => own.length === most)
    const [suspect, own] = [suspects[best], covers[best]]
    if (suspect === undefined || own === undefined || most * 2 <= suspect.link.groups.length || most === 0) break
    const same = suspects.filter(
      (_, index) => covers[index]?.length === most && covers[index].every((group, at) => group === own[at]),
    )
    const bound = sizeOf(suspect.slow) * EXPLAINED_UP_TO + EXPLAINED_AND
    const explained = own.filter(group => !(levelOf(matrix, group, suspect.slow) > bound))
    if (explained.length === 0) break
    found.push({
      candidates: same.map(({ link }) => link),
      slow: suspect.slow,
      groups: explained,
      isInferred: fabric.nodesOf === undefined,
    })
    for (const group of explained) open.delete(group)
  }
  return found
}
