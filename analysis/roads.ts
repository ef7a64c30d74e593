/**
 * The smallest set of links that explains which ways between nodes are slow. A link carries each way by itself, and a way is
 * innocent as soon as something that is well goes it.
 */
import type { RecordOf } from '../wire/records'
import { fabricOf, type Link } from './fabric'
import { grouped } from '../base/grouped'

export interface Way {
  readonly from: string
  readonly to: string
}

export interface Blame {
  /** `one of` the links; without a topology the way `between` the nodes and the others. */
  readonly where: 'one of' | 'between'
  readonly links: readonly Link[]
  /** What is slow because of it. */
  readonly slow: readonly Way[]
}

type Cables = readonly RecordOf<'topology'>[]

/** Which switch each node is on, its span with others, and what lies between two. */
export class Roads {
  private readonly nodes: readonly string[]
  private readonly fabric
  readonly isInferred: boolean

  constructor(
    private readonly ways: readonly Way[],
    topology: Cables | undefined,
  ) {
    this.nodes = [...new Set(ways.flatMap(({ from, to }) => [from, to]))].sort()
    const number = new Map(this.nodes.map((node, index) => [node, index]))
    const places = new Map(this.nodes.map((node, index) => [index, { node, local: 0 }]))
    const groups = ways.map(({ from, to }) => ({
      name: `${from}>${to}`,
      operation: 'flow',
      ranks: [number.get(from) ?? -1, number.get(to) ?? -1],
      bytes: NaN,
    }))
    const fabric = fabricOf(groups, places, topology)
    this.isInferred = fabric.nodesOf === undefined
    // Which of a node’s cards an address is on, nobody told: they are one.
    const named = fabric.links.map(link =>
      this.isInferred && link.kind === 'nic' ? { ...link, name: `nic ${link.node ?? ''}`, card: undefined } : link,
    )
    this.fabric = { ...fabric, links: named }
  }

  spanOf(way: Way): ReturnType<typeof fabricOf>['spans'][number] {
    return this.fabric.spans[this.ways.indexOf(way)]
  }

  /** Slow ones among the ways, blamed on as few links as explain them. */
  blame(slow: readonly Way[]): Blame[] {
    const isSlow = new Set(slow)
    const cleared = new Set<string>()
    for (const link of this.fabric.links)
      for (const way of this.waysOf(link))
        if (!isSlow.has(way)) for (const side of this.sidesOf(link, way)) cleared.add(side)
    const suspects = this.fabric.links
      .map(link => ({
        link,
        ways: this.waysOf(link).filter(way =>
          this.sidesOf(link, way).some(side => isSlow.has(way) && !cleared.has(side)),
        ),
      }))
      .filter(({ ways }) => ways.length > 0)
    if (this.isInferred) return this.betweenIslands(slow, suspects)
    return this.cover(slow, suspects)
  }

  private cover(slow: readonly Way[], suspects: readonly { link: Link; ways: readonly Way[] }[]): Blame[] {
    const found: Blame[] = []
    let open = new Set(slow)
    while (open.size > 0) {
      const counts = suspects.map(({ link, ways }) => ({ link, own: ways.filter(way => open.has(way)) }))
      const most = Math.max(0, ...counts.map(({ own }) => own.length))
      const first = counts.find(({ own }) => own.length === most)
      if (first === undefined || most === 0) break
      const key = nameOf(first.own)
      found.push({
        where: 'one of',
        links: counts.filter(({ own }) => nameOf(own) === key).map(({ link }) => link),
        slow: first.own,
      })
      open = new Set([...open].filter(way => !first.own.includes(way)))
    }
    return found
  }

  /** Nodes that ways that are well join are an island; the smallest ones that touch all slow ways are cut off. */
  private betweenIslands(slow: readonly Way[], suspects: readonly { link: Link; ways: readonly Way[] }[]): Blame[] {
    const islandOf = islands(
      this.nodes,
      this.ways.filter(way => !slow.includes(way)),
    )
    const members = [...grouped(this.nodes, node => islandOf.get(node)).values()].sort(
      (one, other) => one.length - other.length,
    )
    const largest = members.at(-1)
    for (const island of members) {
      if (island === largest && members.length > 1) continue
      const touches = (way: Way) => island.includes(way.from) !== island.includes(way.to)
      if (!slow.every(touches)) continue
      const cards = this.fabric.links.filter(({ kind, node }) => kind === 'nic' && island.includes(node ?? ''))
      return [{ where: island.length === 1 ? 'one of' : 'between', links: cards, slow }]
    }
    return this.cover(slow, suspects)
  }

  private waysOf({ groups }: Link): Way[] {
    return groups.flatMap(group => this.ways[group] ?? [])
  }

  /** Which of its sides a way goes through: a card sends and receives, an uplink leads up and down. */
  private sidesOf(link: Link, { from, to }: Way): string[] {
    if (link.kind === 'nic')
      return link.node === from ? [`${link.name} out`] : link.node === to ? [`${link.name} in`] : []
    if (link.kind === 'uplink') {
      const nodes = this.fabric.nodesOf?.get(link.name.slice('uplink '.length))
      return [nodes?.has(from) === true ? `${link.name} up` : `${link.name} down`]
    }
    return [link.name]
  }
}

const nameOf = (ways: readonly Way[]) => ways.map(({ from, to }) => `${from}>${to}`).join()

function islands(nodes: readonly string[], joined: readonly Way[]): Map<string, string> {
  const islandOf = new Map(nodes.map(node => [node, node]))
  for (const { from, to } of joined) {
    const [one, other] = [islandOf.get(from) ?? from, islandOf.get(to) ?? to]
    for (const [node, island] of islandOf) if (island === other) islandOf.set(node, one)
  }
  return islandOf
}
