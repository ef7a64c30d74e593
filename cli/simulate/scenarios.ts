/** Named faults, each placed by the seed. */
import { registry } from '../../base/registry'
import type { Fault } from './faults'
import { leafName, linksOf, nodeName, type Layout } from './layout'

export interface Setting {
  readonly layout: Layout
  readonly size: number
  /** The step at which it begins. */
  readonly from: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

export interface Scenario {
  readonly name: string
  readonly help: string
  faults(setting: Setting): Fault[]
}

const pick = <T>(values: readonly T[], random: () => number): T | undefined =>
  values[Math.floor(random() * values.length)]

const faultOf = ({ size, from }: Setting, change: Partial<Fault>): Fault => ({
  kind: 'compute',
  ranks: [],
  links: [],
  size,
  from,
  to: Infinity,
  pattern: 'constant',
  ...change,
})

const oneRank = (change: Partial<Fault>) => (setting: Setting) => {
  const rank = Math.floor(setting.random() * setting.layout.worldSize)
  return [faultOf(setting, { ranks: [rank], ...change })]
}

const oneLink = (kind: 'nic' | 'leaf' | 'uplink') => (setting: Setting) => {
  const { layout, random } = setting
  const crossed = new Set(layout.groups.flatMap(group => linksOf(layout, group)))
  const link = pick(
    [...crossed].filter(name => name.startsWith(`${kind} `)),
    random,
  )
  return link === undefined ? [] : [faultOf(setting, { kind: 'link', links: [link] })]
}

const ranksOn = ({ nodeOf }: Layout, node: number) => [...nodeOf.keys()].filter(rank => nodeOf[rank] === node)

export const scenarios = registry<Scenario>('scenario', [
  { name: 'healthy', help: 'nothing is wrong', faults: () => [] },
  { name: 'slow-rank', help: 'one GPU computes slower', faults: oneRank({}) },
  { name: 'intermittent-rank', help: 'one GPU now and then', faults: oneRank({ pattern: 'intermittent' }) },
  { name: 'drifting-rank', help: 'one GPU gets slower step by step', faults: oneRank({ pattern: 'drifting' }) },
  { name: 'slow-loader', help: 'one rank waits for its data', faults: oneRank({ kind: 'data' }) },
  {
    name: 'slow-node',
    help: 'all GPUs of a node compute slower',
    faults: setting => {
      const node = Math.floor(setting.random() * setting.layout.nodes)
      return [faultOf(setting, { ranks: ranksOn(setting.layout, node) })]
    },
  },
  { name: 'slow-nic', help: 'what one card carries takes longer', faults: oneLink('nic') },
  { name: 'slow-switch', help: 'what one leaf carries takes longer', faults: oneLink('leaf') },
  { name: 'slow-uplink', help: 'what leaves one leaf takes longer', faults: oneLink('uplink') },
  {
    name: 'rank-and-switch',
    help: 'a slow GPU and a slow leaf together',
    faults: setting => [...oneRank({})(setting), ...oneLink('leaf')(setting)],
  },
])

/** For people: what was done to the fleet. */
export function describe({ kind, ranks, links, size, from, pattern }: Fault, { nodeOf, leafOf }: Layout): string {
  const [first = 0] = ranks
  const where = ranks.length === 1 ? ` on ${nodeName(nodeOf[first] ?? 0)}, ${leafName(leafOf[first] ?? 0)}` : ''
  const who = kind === 'link' ? links.join(', ') : `rank ${ranks.join()}${where}`
  return `${who}: ${kind} ${Math.round(size * 100)} % longer from step ${from}, ${pattern}`
}
