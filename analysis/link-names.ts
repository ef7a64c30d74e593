/** Links in words: what they are called, and what to do about one that is slow. */
import { capital } from '../base/capital'
import type { Link, LinkKind } from './fabric'

const NAMES: Readonly<Record<LinkKind, (own: string) => string>> = {
  nic: own => `NIC ${own}`,
  leaf: own => `switch ${own}`,
  uplink: own => `uplink of ${own}`,
  spine: own => `spine ${own}`,
  nvlink: own => `NVLink of ${own}`,
}

/** More than this is written as a number of them. */
const LISTED = 4

export function listed(names: readonly string[], last: 'and' | 'or', what: string): string {
  if (names.length > LISTED) return `${names.length} ${what}`
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1) ?? ''}`
}

export const nodesOf = (links: readonly Link[]) => [...new Set(links.flatMap(({ node }) => node ?? []))].sort()

/** Of whom one is meant: `Switch leaf1 or uplink of leaf1`. */
export function oneOf(links: readonly Link[]): string {
  const names = links.map(({ kind, name }) => NAMES[kind](name.slice(kind.length + 1)))
  return capital(listed(names, 'or', 'links, one of which'))
}

/** `between`: the way between the nodes of the links and the others; else one of the links. */
export function blameTitle({ where, links }: { where: 'one of' | 'between'; links: readonly Link[] }): string {
  return where === 'between'
    ? `The way between ${listed(nodesOf(links), 'and', 'nodes')} and the others is slow`
    : `${oneOf(links)} is slow`
}

export const NEXT: Readonly<Record<LinkKind | 'behind' | 'between', string>> = {
  nic: 'Look at the card’s link speed, its error counters and its cable; then at the port of the switch.',
  leaf: 'Look at the switch: port errors, pause frames, temperature, what else runs over it.',
  uplink: 'Look at the uplink’s ports: a link that is down or slower leaves less for all behind it.',
  spine: 'Look at the spine: ports that are down or slower, errors, and how traffic is spread over its links.',
  nvlink: 'Look at the node’s NVLink state and errors: nvidia-smi nvlink -s and -e.',
  behind: 'Look at the switch that these nodes share. Tell Plumbline the topology, and it names it.',
  between: 'Look at the uplink of the switch that these nodes share. Tell Plumbline the topology, and it names it.',
}
