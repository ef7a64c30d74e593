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
  /** Of its faults where nobody says another. */
  readonly size?: number
  faults(setting: Setting): Fault[]
}

/** Of a fault that is not of links. */
export const USUAL_SIZE = 0.3
/** One lane of four is left: less hardly costs a job that hides what it sends. */
const QUARTER_SPEED = 3

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

const oneLink = (kind: 'nic' | 'leaf' | 'uplink' | 'spine', change: Partial<Fault>) => (setting: Setting) => {
  const { layout, random } = setting
  const crossed = new Set(layout.groups.flatMap(group => linksOf(layout, group)))
  const link = pick(
    [...crossed].filter(name => name.startsWith(`${kind} `)),
    random,
  )
  return link === undefined ? [] : [faultOf(setting, { kind: 'link', links: [link], ...change })]
}

const ranksOn = ({ nodeOf }: Layout, node: number) => [...nodeOf.keys()].filter(rank => nodeOf[rank] === node)

const several = (setting: Setting, count: number) => {
  const { layout, random } = setting
  const ranks = new Set<number>()
  while (ranks.size < Math.min(count, layout.worldSize)) ranks.add(Math.floor(random() * layout.worldSize))
  return [...ranks]
}

/** All ranks of the node of one that is drawn. */
const oneNode = (change: Partial<Fault>) => (setting: Setting) => {
  const node = Math.floor(setting.random() * setting.layout.nodes)
  return [faultOf(setting, { ranks: ranksOn(setting.layout, node), ...change })]
}

const everyLink = (setting: Setting) => {
  const crossed = new Set(setting.layout.groups.flatMap(group => linksOf(setting.layout, group)))
  return [faultOf(setting, { kind: 'link', links: [...crossed] })]
}

export const scenarios = registry<Scenario>('scenario', [
  { name: 'healthy', help: 'nothing is wrong', faults: () => [] },
  { name: 'slow-rank', help: 'one GPU computes slower, nobody knows why', faults: oneRank({}) },
  {
    name: 'several-ranks',
    help: 'three GPUs compute slower',
    faults: setting => several(setting, 3).map(rank => faultOf(setting, { ranks: [rank] })),
  },
  { name: 'slow-node', help: 'all GPUs of a node compute slower', faults: oneNode({}) },
  {
    name: 'start-up',
    help: 'one GPU computes slower in the first steps only',
    faults: setting => oneRank({ from: 1, to: setting.from })(setting),
  },
  {
    name: 'thermal',
    help: 'one GPU heats up and gets slower step by step',
    faults: oneRank({ pattern: 'drifting', shows: 'thermal' }),
  },
  { name: 'power-cap', help: 'one GPU has a lower power cap', faults: oneRank({ shows: 'power-cap' }) },
  {
    name: 'pcie-downgrade',
    help: 'one GPU’s PCIe link has a quarter of its lanes',
    faults: oneRank({ kind: 'data', shows: 'pcie' }),
  },
  {
    name: 'ecc',
    help: 'one GPU corrects and remaps its memory',
    faults: oneRank({ pattern: 'intermittent', shows: 'ecc' }),
  },
  { name: 'neighbour', help: 'another process computes on one GPU', faults: oneRank({ shows: 'neighbour' }) },
  {
    name: 'intermittent-rank',
    help: 'one rank now and then, as garbage collection does',
    faults: oneRank({ pattern: 'intermittent' }),
  },
  {
    name: 'cpu-steal',
    help: 'a node’s processors are given to others now and then',
    faults: oneNode({ pattern: 'intermittent', shows: 'steal' }),
  },
  { name: 'busy-host', help: 'another job uses a node’s processors', faults: oneNode({ shows: 'busy-host' }) },
  { name: 'slow-loader', help: 'one rank waits for its data', faults: oneRank({ kind: 'data' }) },
  {
    name: 'slow-storage',
    help: 'a node’s ranks wait for storage',
    faults: oneNode({ kind: 'data', shows: 'storage' }),
  },
  {
    name: 'page-cache',
    help: 'a node’s page cache is too small: now and then its ranks’ data is read anew',
    faults: oneNode({ kind: 'data', pattern: 'intermittent', shows: 'storage' }),
  },
  {
    name: 'data-skew',
    help: 'long sequences make now this replica slow and now that',
    faults: setting => [faultOf(setting, { kind: 'skew' })],
  },
  {
    name: 'uneven-stages',
    help: 'the middle pipeline stages have more layers: no rank is to blame',
    faults: setting => [faultOf(setting, { ranks: stageRanks(setting.layout), from: 1 })],
  },
  {
    name: 'hot-experts',
    help: 'one set of experts has more to do (with --experts): no rank is to blame',
    faults: setting => [faultOf(setting, { ranks: expertRanks(setting.layout), from: 1 })],
  },
  {
    name: 'hang',
    help: 'one rank never comes to a collective, and the run stands still',
    faults: oneRank({ kind: 'hang' }),
  },
  {
    name: 'slow-nic',
    help: 'what one card carries takes longer, and it counts errors',
    size: QUARTER_SPEED,
    faults: oneLink('nic', { shows: 'link-errors' }),
  },
  {
    name: 'nic-downgrade',
    help: 'one card’s link came up slower',
    size: QUARTER_SPEED,
    faults: oneLink('nic', { shows: 'link-speed' }),
  },
  { name: 'slow-switch', help: 'what one leaf carries takes longer', size: QUARTER_SPEED, faults: oneLink('leaf', {}) },
  {
    name: 'slow-uplink',
    help: 'what leaves one leaf takes longer',
    size: QUARTER_SPEED,
    faults: oneLink('uplink', {}),
  },
  {
    name: 'slow-spine',
    help: 'what goes over one spine takes longer (with --leaves-per-spine)',
    size: QUARTER_SPEED,
    faults: oneLink('spine', {}),
  },
  {
    name: 'slow-fabric',
    help: 'all links are slow alike: no link is to blame',
    size: QUARTER_SPEED,
    faults: everyLink,
  },
  {
    name: 'rank-and-switch',
    help: 'a slow GPU and a slow leaf together',
    faults: setting => [...oneRank({})(setting), ...oneLink('leaf', {})(setting)],
  },
])

/** Of the stages that are neither first nor last; of two the first. */
const stageRanks = ({ shape, stageOf }: Layout) => {
  const isMiddle = (stage: number) => (shape.pipeline > 2 ? stage > 0 && stage < shape.pipeline - 1 : stage === 0)
  return [...stageOf.keys()].filter(rank => isMiddle(stageOf[rank] ?? 0))
}

/** All that have the first set of experts. */
const expertRanks = ({ shape: { experts = 1 }, dataOf }: Layout) =>
  experts < 2 ? [] : [...dataOf.keys()].filter(rank => (dataOf[rank] ?? 0) % experts === 0)

/** More names than this are a number. */
const LISTED = 8

/** For people: what was done to the fleet. */
export function describe(
  { kind, ranks, links, size, from, to, pattern, shows }: Fault,
  { nodeOf, leafOf }: Layout,
): string {
  const [first = 0] = ranks
  const where = ranks.length === 1 ? ` on ${nodeName(nodeOf[first] ?? 0)}, ${leafName(leafOf[first] ?? 0)}` : ''
  const listed = (what: string, names: readonly unknown[]) =>
    names.length > LISTED ? `${names.length} ${what}s` : `${what} ${names.join(', ')}`
  const who =
    kind === 'skew' ? 'replicas in turn' : kind === 'link' ? listed('link', links) : `${listed('rank', ranks)}${where}`
  if (kind === 'hang') return `${who}: never comes to step ${from}`
  const until = to === Infinity ? '' : ` to ${to}`
  const signs = shows === undefined ? '' : `; seen as ${shows}`
  return `${who}: ${kind} ${Math.round(size * 100)} % longer from step ${from}${until}, ${pattern}${signs}`
}
