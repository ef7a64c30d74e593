/** What is tried: every kind of fault × size × noise × what is seen, on fleets of several shapes, all placed by the seed. */
import { seededRandom } from '../../../base/random'
import type { Fault } from '../../../cli/simulate/faults'
import type { FleetOptions } from '../../../cli/simulate/fleet'
import { USUAL_TRANSFERS } from '../../../cli/simulate/fleet'
import { leafName, linksOf, layoutOf, nodeName, type FleetShape, type Layout } from '../../../cli/simulate/layout'
import { NOISE_LEVELS, type NoiseLevel } from '../../../cli/simulate/noise'
import { ALL_SEEN, type Seen } from '../../fleet-window'

export const KINDS = ['rank', 'node', 'loader', 'intermittent', 'drifting', 'nic', 'leaf', 'uplink'] as const
export type Kind = (typeof KINDS)[number]
export const SIZES = [0.03, 0.05, 0.1, 0.3, 1] as const
export const isOfLinks = (kind: Kind) => kind === 'nic' || kind === 'leaf' || kind === 'uplink'

export interface Case {
  readonly seed: number
  readonly kind: Kind
  readonly size: number
  readonly noise: NoiseLevel
  readonly seen: Seen
  readonly shape: FleetShape
}

/** At least four leaves, and on rails four pods, so that no two uplinks carry the same groups. */
const SHAPES: readonly FleetShape[] = [
  { tensor: 4, pipeline: 2, data: 8, gpusPerNode: 8, nodesPerLeaf: 2, rails: false, microBatches: 8 },
  { tensor: 4, pipeline: 4, data: 8, gpusPerNode: 8, nodesPerLeaf: 4, rails: false, microBatches: 8 },
  { tensor: 8, pipeline: 2, data: 8, gpusPerNode: 8, nodesPerLeaf: 4, rails: false, microBatches: 8 },
  { tensor: 2, pipeline: 4, data: 16, gpusPerNode: 8, nodesPerLeaf: 4, rails: false, microBatches: 16 },
  { tensor: 8, pipeline: 2, data: 8, gpusPerNode: 8, nodesPerLeaf: 4, rails: true, microBatches: 8 },
]

const LOSSY = { missing: 0.02, lost: 0.05 } as const

/** All cases in an order in which every beginning of it is mixed. */
export function casesOf(count: number, seed = 1): Case[] {
  const all: Omit<Case, 'seed' | 'shape'>[] = []
  for (const kind of KINDS)
    for (const size of SIZES)
      for (const noise of NOISE_LEVELS)
        for (const hasTopology of [true, false])
          for (const loss of [{}, LOSSY]) all.push({ kind, size, noise, seen: { ...ALL_SEEN, ...loss, hasTopology } })
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, number) => {
    // A stride that has no factor in common with the number of combinations visits each before any comes again.
    const one = all[(number * 211) % all.length] ?? all[0]
    if (one === undefined) throw new Error('there is no case')
    const shape = SHAPES[Math.floor(random() * SHAPES.length)] ?? SHAPES[0]
    if (shape === undefined) throw new Error('there is no shape')
    const own = seed * 1_000_000 + number
    return { ...one, seed: own, shape, seen: { ...one.seen, seed: own } }
  })
}

/** Seconds of compute: with these a step takes some three seconds. */
const COMPUTE_SECONDS = 2
const CROSS_LEAF_RATIO = 1.2

export function fleetOptions({ shape, noise, seed }: Pick<Case, 'shape' | 'noise' | 'seed'>): FleetOptions {
  return {
    layout: layoutOf(shape),
    noise,
    seed,
    faults: [],
    computeSeconds: COMPUTE_SECONDS,
    transferRatio: USUAL_TRANSFERS,
    crossLeafRatio: CROSS_LEAF_RATIO,
  }
}

/** Groups of which all members tell: of the others nothing is known, as any member may have waited least. */
export const groupsThatTell = ({ groups }: Layout, isMissing: readonly boolean[]): Layout['groups'] =>
  groups.filter(({ ranks }) => !ranks.some(rank => isMissing[rank] === true))

/**
 * A rank that tells nothing cannot be named by what it tells: the fault is on one that does; that of a link on one that a
 * group crosses of which something is known.
 */
export function faultOf(one: Case, layout: Layout, isMissing: readonly boolean[], from: number): Fault {
  const random = seededRandom(one.seed + 17)
  const base = { ranks: [], links: [], size: one.size, from, to: Infinity, pattern: 'constant' } as const
  const pick = <T>(values: readonly T[]): T => {
    const value = values[Math.floor(random() * values.length)]
    if (value === undefined) throw new Error('there is nothing to pick from')
    return value
  }
  const rank = () => pick(isMissing.flatMap((missing, number) => (missing ? [] : [number])))
  switch (one.kind) {
    case 'rank':
      return { ...base, kind: 'compute', ranks: [rank()] }
    case 'node': {
      const node = layout.nodeOf[rank()]
      return {
        ...base,
        kind: 'compute',
        ranks: [...layout.nodeOf.keys()].filter(other => layout.nodeOf[other] === node),
      }
    }
    case 'loader':
      return { ...base, kind: 'data', ranks: [rank()] }
    case 'intermittent':
    case 'drifting':
      return { ...base, kind: 'compute', ranks: [rank()], pattern: one.kind }
    case 'nic':
    case 'leaf':
    case 'uplink': {
      const crossed = [...new Set(groupsThatTell(layout, isMissing).flatMap(group => linksOf(layout, group)))]
      return { ...base, kind: 'link', links: [pick(crossed.filter(name => name.startsWith(`${one.kind} `)))] }
    }
  }
}

/** Cards by switch, as they are called where nobody told the topology: `node0003 5`. */
export function cardsBySwitch({ leafOf, nodeOf, shape }: Layout): Map<string, Set<string>> {
  const cards = new Map<string, Set<string>>()
  for (const [rank, leaf] of leafOf.entries()) {
    const own = cards.get(leafName(leaf)) ?? new Set()
    cards.set(leafName(leaf), own.add(`${nodeName(nodeOf[rank] ?? 0)} ${rank % shape.gpusPerNode}`))
  }
  return cards
}
