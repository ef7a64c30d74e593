/** Links of simulated fleets, with and without a topology, and by hand what crosses what. */
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../analysis/diagnosis'
import { fabricOf } from '../../analysis/fabric'
import { groupMatrix } from '../../analysis/group-matrix'
import type { Fault } from '../../cli/simulate/faults'
import { Fleet, USUAL_TRANSFERS } from '../../cli/simulate/fleet'
import { layoutOf, linksOf, type FleetShape } from '../../cli/simulate/layout'
import { usualNoise } from '../../cli/simulate/noise'
import { groupName, ranksOfGroup } from '../../wire/group-name'
import { ALL_SEEN, FleetWindow, type Seen } from '../fleet-window'

const RACKS: FleetShape = {
  tensor: 4,
  pipeline: 4,
  data: 8,
  gpusPerNode: 8,
  nodesPerLeaf: 4,
  rails: false,
  microBatches: 8,
}
/** Four leaves of one node below each spine. */
const PODS: FleetShape = { ...RACKS, nodesPerLeaf: 1, leavesPerSpine: 4 }
const RAILS: FleetShape = { ...RACKS, tensor: 8, pipeline: 2, data: 16, nodesPerLeaf: 8, rails: true }

const slow = (link: string, size = 0.3): Fault => ({
  kind: 'link',
  ranks: [],
  links: [link],
  size,
  from: 1,
  to: Infinity,
  pattern: 'constant',
})

function fleetOf(shape: FleetShape, faults: readonly Fault[], seed: number): Fleet {
  return new Fleet({
    layout: layoutOf(shape),
    noise: usualNoise,
    faults,
    seed,
    computeSeconds: 2,
    transferRatio: USUAL_TRANSFERS,
    crossLeafRatio: 1.2,
  })
}

function look(shape: FleetShape, faults: readonly Fault[], { seed, ...seen }: Partial<Seen> = {}) {
  const fleet = fleetOf(shape, faults, seed ?? 1)
  const window = new FleetWindow(fleet, { ...ALL_SEEN, ...seen })
  for (let step = 0; step < 64; step += 1) window.push(fleet.next())
  const diagnosis = diagnose(window.window())
  if (diagnosis === undefined) throw new Error('ranks are not compared')
  return diagnosis
}

const names = ({ slowLinks }: ReturnType<typeof look>) => slowLinks.map(({ links }) => links.map(({ name }) => name))

describe('slow links', () => {
  it.each([
    ['nic node0005 mlx5_3', RACKS],
    ['leaf leaf002', RACKS],
    ['uplink leaf001', RACKS],
    ['spine spine01', PODS],
    ['nic node0017 mlx5_6', RAILS],
    ['leaf leaf011', RAILS],
  ])('%s is the smallest that explains what is slow', (link, shape) => {
    for (const seed of [1, 2, 3]) {
      const found = look(shape, [slow(link)], { seed })
      expect(found.slowLinks).toHaveLength(1)
      // All that crosses a rail’s leaf here crosses its uplink as well.
      expect(names(found)[0]).toContain(link)
      expect(found.slowLinks[0]?.slow.excess).toBeGreaterThan(0.2)
      expect(found.slowLinks[0]?.slow.excess).toBeLessThan(0.4)
      expect(found.slowRanks).toEqual([])
    }
  })

  it('nothing is slow in a healthy fleet, with a topology or without', () => {
    for (const seed of [1, 2, 3, 4])
      for (const shape of [RACKS, RAILS])
        for (const hasTopology of [true, false])
          expect(look(shape, [], { seed, hasTopology }).slowLinks, `seed ${seed}`).toEqual([])
  })

  it('all of a small fabric from a step on are no link’s doing', () => {
    const shape = { ...RACKS, tensor: 2, pipeline: 2, nodesPerLeaf: 2 }
    const { layout } = fleetOf(shape, [], 1)
    const links = [...new Set(layout.groups.flatMap(group => linksOf(layout, group)))]
    const fault = { ...slow('all', 3), links, from: 40 }
    for (const hasTopology of [true, false]) expect(names(look(shape, [fault], { hasTopology }))).toEqual([])
  })

  it('two at a time are told apart', () => {
    const found = names(look(RACKS, [slow('leaf leaf003'), slow('nic node0002 mlx5_1', 1)]))
    expect(found).toHaveLength(2)
    expect(found.flat()).toEqual(expect.arrayContaining(['leaf leaf003', 'nic node0002 mlx5_1']))
  })

  it('without a topology the nodes of a slow switch are what is behind or between', () => {
    const nodes = (link: string) => {
      const [first, ...more] = look(RACKS, [slow(link)], { hasTopology: false }).slowLinks
      expect(more).toEqual([])
      return [first?.where, [...new Set(first?.links.map(({ node }) => node))].sort()]
    }
    const rack = ['node0008', 'node0009', 'node0010', 'node0011']
    expect(nodes('leaf leaf002')).toEqual(['behind', rack])
    expect(nodes('uplink leaf002')).toEqual(['between', rack])
  })

  it('of the two ends of a message the one is why that works with others that are slow', () => {
    const shape = { ...RAILS, data: 8, nodesPerLeaf: 4 }
    const fleet = fleetOf(shape, [slow('uplink leaf016', 1)], 1)
    // Of the ring of the first stage nothing is known: it cannot clear the senders. Nor is anything of what node0008 gets.
    const window = new FleetWindow(fleet, { ...ALL_SEEN, hasTopology: false, silent: [0] })
    for (let step = 0; step < 64; step += 1) window.push(fleet.next())
    const [found] = diagnose(window.window())?.slowLinks ?? []
    expect(found?.links.map(({ name }) => name).sort()).toEqual(
      ['node0009', 'node0010', 'node0011'].map(node => `nic ${node} 0`),
    )
  })

  it('ranks that tell nothing leave the rest as clear', () => {
    const found = look(RACKS, [slow('leaf leaf002')], { missing: 0.02, lost: 0.05 })
    expect(names(found)).toEqual([['leaf leaf002']])
  })

  it('costs what the fleet would be faster by', () => {
    const [broken, healthy] = [fleetOf(RACKS, [slow('leaf leaf000')], 5), fleetOf(RACKS, [], 5)]
    const window = new FleetWindow(broken)
    const ends = { broken: 0, healthy: 0 }
    for (let step = 0; step < 64; step += 1) {
      const now = broken.next()
      window.push(now)
      ends.broken = Math.max(...now.end)
      ends.healthy = Math.max(...healthy.next().end)
    }
    const cost = diagnose(window.window())?.slowLinks[0]?.cost ?? NaN
    expect(cost / ((ends.broken - ends.healthy) / 64)).toBeCloseTo(1, 0.9)
  })
})

describe('the fabric', () => {
  const group = (name: string) => ({ name, operation: 'all-reduce', ranks: ranksOfGroup(name) ?? [], bytes: NaN })
  const places = new Map(Array.from({ length: 8 }, (_, rank) => [rank, { node: `n${rank >> 1}` }]))
  const cable = (node: string, leaf: string) => ({
    kind: 'topology' as const,
    time: 0,
    node,
    device: 'eth0',
    switch: leaf,
  })
  const cables = [cable('n0', 'a'), cable('n1', 'a'), cable('n2', 'b'), cable('n3', 'b')]
  const crossing = (name: string, topology = cables) =>
    fabricOf([group(name)], places, topology)
      .links.map(link => link.name)
      .sort()

  it('a ring goes through its ranks in their order, and back to the first', () => {
    expect(crossing('0-1')).toEqual(['nvlink n0'])
    expect(crossing('0-2')).toEqual(['leaf a', 'nic n0 eth0', 'nic n1 eth0'])
    expect(crossing('0,4')).toEqual(['leaf a', 'leaf b', 'nic n0 eth0', 'nic n2 eth0', 'uplink a', 'uplink b'])
    expect(crossing(groupName([0, 1, 2, 3]))).toEqual(['leaf a', 'nic n0 eth0', 'nic n1 eth0'])
  })

  it('half a topology is none', () => {
    expect(crossing('0,4', cables.slice(0, 3))).toEqual(['nic n0 0', 'nic n2 0'])
    expect(fabricOf([group('0,4')], places, cables.slice(0, 3)).nodesOf).toBeUndefined()
  })

  it('a group of which a member runs nobody knows where crosses nothing that is known', () => {
    const { links, spans } = fabricOf([group('0,9')], places, cables)
    expect(links).toEqual([])
    expect(spans).toEqual([undefined])
  })
})

describe('groups × steps', () => {
  it('only those of one class are held against each other; what is absent stays absent', () => {
    const groups = [0, 1, 2].map(rank => ({ name: `${rank}`, operation: 'x', ranks: [rank], bytes: 1 }))
    const matrix = groupMatrix(
      { groups, group: [0, 1, 2, 0, 1, 7], step: [1, 1, 1, 2, 2, 2], seconds: [1, 2, 9, 1, NaN, 3] },
      Float64Array.from([1, 2]),
      (_, number) => (number === 2 ? 'other' : 'same'),
    )
    expect(Array.from(matrix?.excess ?? [])).toEqual([0, 0, 1, NaN, NaN, NaN])
    expect(Array.from(matrix?.seconds ?? [])).toEqual([1, 1, 2, NaN, 9, NaN])
  })
})
