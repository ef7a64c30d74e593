/**
 * Where nobody told the switches: all cards of a node as one, as they are mostly plugged into one switch. What is slow there
 * is far clearer in all of their groups together than in the few of a single card.
 */
import { grouped } from '../base/grouped'
import type { Link } from './fabric'

/** The unknown switch of each node with several cards. */
export function wholeNodes(links: readonly Link[]): Link[] {
  const cards = grouped(
    links.filter(({ kind, groups }) => kind === 'nic' && groups.length > 0),
    ({ node }) => node,
  )
  return [...cards].flatMap(([node, own]): Link[] => {
    if (node === undefined || own.length < 2) return []
    const groups = [...new Set(own.flatMap(card => card.groups))].sort((one, other) => one - other)
    return [{ kind: 'leaf', name: `leaf of ${node}`, node, groups }]
  })
}

/** What was picked, card by card. */
export function cardsOf(picked: readonly Link[], links: Iterable<Link>): Link[] {
  const nodes = new Set(picked.flatMap(({ kind, node }) => (kind === 'leaf' && node !== undefined ? [node] : [])))
  if (nodes.size === 0) return [...picked]
  const names = new Set(picked.map(({ name }) => name))
  return [...links].filter(
    ({ kind, node, name, groups }) => kind === 'nic' && groups.length > 0 && (names.has(name) || nodes.has(node ?? '')),
  )
}
