/**
 * Which links each group's traffic crosses. A ring goes through its ranks in their order. Where nobody told the topology,
 * each rank is held to have a card of its own, and what lies behind the cards is left open.
 */
import type { RecordOf } from '../wire/records'
import type { DetectorWindow, GroupFacts } from './detector'

export type LinkKind = 'nic' | 'leaf' | 'uplink' | 'nvlink'

export interface Link {
  readonly kind: LinkKind
  /** `nic NODE CARD`, `leaf SWITCH`, `uplink SWITCH` (from it to others), `nvlink NODE` (all within the node). */
  readonly name: string
  /** The node that it is of; undefined of a switch. */
  readonly node: string | undefined
  /** Of a NIC: which of the node’s. */
  readonly card?: string | undefined
  /** Numbers of the groups that cross it. */
  readonly groups: readonly number[]
}

export interface Fabric {
  readonly links: readonly Link[]
  /** By group how far its traffic goes: groups of one span are alike. Undefined where a member’s node is not known. */
  readonly spans: readonly ('node' | 'leaf' | 'fabric' | undefined)[]
  /** Nodes by switch; undefined where nobody told the topology. */
  readonly nodesOf: ReadonlyMap<string, ReadonlySet<string>> | undefined
}

interface Card {
  readonly name: string
  /** Undefined: not known. */
  readonly leaf: string | undefined
}

type Cables = readonly RecordOf<'topology'>[]

/** Leaf cables by node, cards in their natural order. */
function cardsOf(topology: Cables): Map<string, { device: string; leaf: string }[]> {
  const cards = new Map<string, { device: string; leaf: string }[]>()
  for (const { node, device = '', switch: leaf, tier } of topology) {
    if (node === undefined || leaf === undefined || (tier !== undefined && tier !== 'leaf')) continue
    const own = cards.get(node) ?? []
    if (!own.some(card => card.device === device && card.leaf === leaf)) own.push({ device, leaf })
    cards.set(node, own)
  }
  for (const own of cards.values())
    own.sort((one, other) => one.device.localeCompare(other.device, 'en', { numeric: true }))
  return cards
}

/** The rank on its node, as it said, or by the order of the ranks there. */
function localsOf(places: NonNullable<DetectorWindow['places']>) {
  const counts = new Map<string, number>()
  const locals = new Map<number, number>()
  for (const [rank, { node, local }] of [...places].sort(([one], [other]) => one - other)) {
    const own = local ?? counts.get(node) ?? 0
    locals.set(rank, own)
    counts.set(node, Math.max(counts.get(node) ?? 0, own + 1))
  }
  return { locals, counts }
}

export function fabricOf(
  groups: readonly GroupFacts[],
  places: NonNullable<DetectorWindow['places']>,
  topology: Cables = [],
): Fabric {
  const cards = cardsOf(topology)
  const { locals, counts } = localsOf(places)
  // Half a topology would make the known switches look worse than the unknown ones.
  const isKnown = cards.size > 0 && [...counts.keys()].every(node => cards.has(node))
  const cardOf = (rank: number, node: string): Card => {
    const own = isKnown ? (cards.get(node) ?? []) : []
    const local = locals.get(rank) ?? 0
    const card = own[Math.floor((local * own.length) / Math.max(1, counts.get(node) ?? 1))] ?? own[0]
    return card === undefined ? { name: String(local), leaf: undefined } : { name: card.device, leaf: card.leaf }
  }
  const links = new Map<string, Omit<Link, 'groups'> & { groups: number[] }>()
  const nodesOf = new Map<string, Set<string>>()
  const spans = groups.map(({ ranks }, number) => {
    const at = ranks.map(rank => ({ rank, node: places.get(rank)?.node }))
    const crossed = new Map<string, Omit<Link, 'groups'>>()
    const cross = (kind: LinkKind, own: string, node?: string, card?: string) => {
      const name = [kind, own, card].filter(Boolean).join(' ')
      crossed.set(name, { kind, node, card, name })
    }
    let span = 'node' as 'node' | 'leaf' | 'fabric'
    for (const [index, from] of at.entries()) {
      const to = at[(index + 1) % at.length] ?? from
      if (from.node === undefined || to.node === undefined) return undefined
      if (from.node === to.node) continue
      const ends = [cardOf(from.rank, from.node), cardOf(to.rank, to.node)] as const
      cross('nic', from.node, from.node, ends[0].name)
      cross('nic', to.node, to.node, ends[1].name)
      const isFar = ends[0].leaf !== ends[1].leaf
      for (const { leaf } of ends) {
        if (leaf === undefined) continue
        cross('leaf', leaf)
        if (isFar) cross('uplink', leaf)
      }
      span = isFar || span === 'fabric' ? 'fabric' : 'leaf'
    }
    if (span === 'node' && at[0]?.node !== undefined) cross('nvlink', at[0].node, at[0].node)
    for (const [name, link] of crossed) {
      const known = links.get(name) ?? { ...link, groups: [] }
      known.groups.push(number)
      links.set(name, known)
    }
    return span
  })
  if (isKnown)
    for (const [node, own] of cards)
      for (const { leaf } of own) nodesOf.set(leaf, (nodesOf.get(leaf) ?? new Set()).add(node))
  return { links: [...links.values()], spans, nodesOf: isKnown ? nodesOf : undefined }
}
