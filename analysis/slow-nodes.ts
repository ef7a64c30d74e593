/**
 * Whole nodes that are slow: what each of its ranks is slow by may be too little to be told from what chips differ by, and
 * still all of them together are not chance.
 */
import { grouped } from '../base/grouped'
import type { DetectorWindow } from './detector'
import type { RankMatrix } from './rank-matrix'
import { mean, median, medianInPlace } from './statistics'
import type { Straggler } from './straggler'
import { stragglersOf, type Likeness } from './stragglers'

/** A node with fewer ranks is its rank. */
export const NODE_LEAST = 2

/**
 * Nodes differ by less than their chips do; a rank that wanders takes the others of its node along but little. Where steps
 * scatter, the median of a node hides as much of that as of what its ranks lie apart: the shares are those of ranks.
 */
const OF_NODES: Likeness = {
  apart: 0.005,
  apartOfScatter: 0.33,
  wander: 0.002,
  wanderOfScatter: 0.2,
  lookAt: 'all',
  floors: { level: 0.02, change: 0.015, intermittent: 0.005 },
}
/** Each of its ranks must be slow by so much of what the node is. */
const EACH = 0.5

/** Rank numbers of the matrix by node; ranks that nobody knows where they run are left out. */
export function ranksByNode({ ranks }: RankMatrix, places: DetectorWindow['places']): Map<string, number[]> {
  const nodes = grouped(ranks.keys(), place => places?.get(ranks[place] ?? NaN)?.node)
  return new Map([...nodes].flatMap(([node, own]) => (node === undefined ? [] : [[node, own]])))
}

/** Those of all ranks of the nodes that are slow. */
export function slowNodesOf(matrix: RankMatrix, byNode: ReadonlyMap<string, readonly number[]>): Straggler[] {
  const { steps } = matrix
  const nodes = [...byNode.values()].filter(own => own.length >= NODE_LEAST)
  // Nodes are held against each other.
  if (nodes.length < 3) return []
  const excess = middles(matrix.excess, nodes, steps.length)
  const ahead = (cell: number) => {
    const step = cell % steps.length
    const own = nodes[(cell - step) / steps.length] ?? []
    return median(own.map(place => matrix.ahead(place * steps.length + step)))
  }
  const ranks = Float64Array.from(nodes.keys())
  return stragglersOf({ ranks, steps, excess, ahead }, OF_NODES).flatMap(slow => {
    const own = (nodes[slow.place] ?? []).map(place => {
      const first = place * steps.length
      const since = matrix.excess.subarray(first + slow.from, first + (slow.to ?? steps.length))
      // A median says nothing of what is there in a few steps.
      return { ...slow, place, excess: slow.pattern === 'intermittent' ? mean(since) : median(since) }
    })
    return own.every(one => one.excess > EACH * slow.excess) ? own : []
  })
}

/** By node and step: the median of its ranks. */
function middles(column: Float32Array, nodes: readonly (readonly number[])[], steps: number): Float32Array {
  const result = new Float32Array(nodes.length * steps)
  const values = new Float64Array(nodes.reduce((most, own) => Math.max(most, own.length), 0))
  for (const [node, own] of nodes.entries())
    for (let step = 0; step < steps; step += 1) {
      let known = 0
      for (let member = 0; member < own.length; member += 1) {
        const value = column[(own[member] ?? 0) * steps + step] ?? NaN
        if (!Number.isNaN(value)) values[known++] = value
      }
      result[node * steps + step] = medianInPlace(values, known)
    }
  return result
}
