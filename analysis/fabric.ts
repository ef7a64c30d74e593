/**
 * Which links each group's traffic crosses. A ring goes through its ranks in their order. Where nobody told the topology,
 * each rank is held to have a card of its own, and what lies behind the cards is left open.
 */
import type { RecordOf } from '../wire/records'
import type { DetectorWindow, GroupFacts } from './detector'

export type LinkKind = 'nic' | 'leaf' | 'uplink' | 'spine' | 'nvlink'

export interface Link {
  readonly kind: LinkKind
  /** `nic NODE CARD`, `leaf SWITCH`, `uplink SWITCH` (from it to others), `spine SWITCH`, `nvlink NODE` (all within the node). */
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

/** Made once: making one takes longer than many comparisons. */
const collator = new Intl.Collator('en', { numeric: true })
/** Names that are equally long need no collator, which takes a thousand times as long. */
const natural = (one: string, other: string) =>
  one.length === other.length ? (one < other ? -1 : Number(one > other)) : collator.compare(one, other)

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
  for (const own of cards.values()) own.sort((one, other) => natural(one.device, other.device))
  return cards
}

/** The spine above each leaf; of a leaf with several of them nobody knows which one a message takes. */
function spinesOf(topology: Cables): Map<string, string> {
  const above = new Map<string, Set<string>>()
  for (const { below, switch: spine, tier } of topology)
    if (below !== undefined && spine !== undefined && (tier === undefined || tier === 'spine'))
      above.set(below, (above.get(below) ?? new Set()).add(spine))
  return new Map([...above].flatMap(([leaf, [spine, ...more]]) => (spine && more.length === 0 ? [[leaf, spine]] : [])))
}

/** The rank on its node, as it said, or by the order of the ranks there. */
function localsOf(places: NonNullable<DetectorWindow['places']>) {
  const counts = new Map<string, number>()
  const locals = new Map<number, number>()
  for (const rank of Float64Array.from(places.keys()).sort()) {
    const place = places.get(rank)
    if (place === undefined) continue
    const count = counts.get(place.node) ?? 0
    const own = place.local ?? count
    locals.set(rank, own)
    if (own >= count) counts.set(place.node, own + 1)
  }
  return { locals, counts }
}

type Crossed = Omit<Link, 'groups'> & { readonly groups: number[] }

/** Where a rank's traffic leaves its node. */
interface End {
  readonly node: string
  readonly leafName: string | undefined
  readonly nic: Crossed
  readonly leaf: Crossed | undefined
  readonly uplink: Crossed | undefined
  readonly spine: Crossed | undefined
}

type LinkFinder = (kind: LinkKind, own: string, node?: string, card?: string) => Crossed

/** Each link once, in the order in which they are first asked for. */
function linkFinder(links: Crossed[]): LinkFinder {
  const known = new Map<string, Crossed>()
  return (kind, own, node, card) => {
    const name = card ? `${kind} ${own} ${card}` : `${kind} ${own}`
    const before = known.get(name)
    if (before !== undefined) return before
    const link = { kind, node, card, name, groups: [] }
    known.set(name, link)
    links.push(link)
    return link
  }
}

function endAt(node: string, { name, leaf }: Card, spine: string | undefined, linkOf: LinkFinder): End {
  return {
    node,
    leafName: leaf,
    nic: linkOf('nic', node, node, name),
    leaf: leaf === undefined ? undefined : linkOf('leaf', leaf),
    uplink: leaf === undefined ? undefined : linkOf('uplink', leaf),
    spine: spine === undefined ? undefined : linkOf('spine', spine),
  }
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
  const spines = isKnown ? spinesOf(topology) : new Map<string, string>()
  const links: Crossed[] = []
  const linkOf = linkFinder(links)
  // A rank is in many groups: its links are looked up once.
  const ends = new Map<number, End | undefined>()
  const endOf = (rank: number): End | undefined => {
    const known = ends.get(rank)
    if (known !== undefined || ends.has(rank)) return known
    const node = places.get(rank)?.node
    const card = node === undefined ? undefined : cardOf(rank, node)
    const end =
      node === undefined || card === undefined ? undefined : endAt(node, card, spines.get(card.leaf ?? ''), linkOf)
    ends.set(rank, end)
    return end
  }
  const spans = groups.map(({ ranks }, number) => {
    const at = ranks.map(endOf)
    if (at.includes(undefined)) return undefined
    const cross = (link: Crossed | undefined) => {
      if (link !== undefined && link.groups.at(-1) !== number) link.groups.push(number)
    }
    let span = 'node' as 'node' | 'leaf' | 'fabric'
    for (let index = 0; index < at.length; index += 1) {
      const from = at[index]
      const to = at[(index + 1) % at.length]
      if (from === undefined || to === undefined || from.node === to.node) continue
      const isFar = from.leafName !== to.leafName
      cross(from.nic)
      cross(from.leaf)
      cross(to.nic)
      cross(to.leaf)
      if (isFar) {
        cross(from.uplink)
        cross(from.spine)
        cross(to.uplink)
        cross(to.spine)
      }
      span = isFar || span === 'fabric' ? 'fabric' : 'leaf'
    }
    const [first] = at
    if (span === 'node' && first !== undefined) cross(linkOf('nvlink', first.node, first.node))
    return span
  })
  const nodesOf = new Map<string, Set<string>>()
  if (isKnown)
    for (const [node, own] of cards)
      for (const { leaf } of own) nodesOf.set(leaf, (nodesOf.get(leaf) ?? new Set()).add(node))
  return { links: links.filter(link => link.groups.length > 0), spans, nodesOf: isKnown ? nodesOf : undefined }
}
