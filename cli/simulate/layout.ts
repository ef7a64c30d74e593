/** Who is where: ranks, their coordinates and groups, and the switches that their traffic crosses. */
import { groupName, messageName } from '../../wire/group-name'

export interface FleetShape {
  readonly tensor: number
  readonly pipeline: number
  readonly data: number
  readonly gpusPerNode: number
  readonly nodesPerLeaf: number
  /** GPU i of every node of a pod is on rail switch i; otherwise all cards of a node are on its rack's leaf. */
  readonly rails: boolean
  /** Leaves below one spine; left out where one spine has all of them. What leaves a spine goes on over another. */
  readonly leavesPerSpine?: number | undefined
  /** The replicas share so many sets of experts among them, in turn; left out without experts. */
  readonly experts?: number | undefined
  readonly microBatches: number
}

export type Purpose = 'tensor' | 'data' | 'pipeline-forward' | 'pipeline-backward'

export interface Group {
  readonly name: string
  readonly purpose: Purpose
  /** Ascending; of a pipeline group the sender first. */
  readonly ranks: Int32Array
}

export interface Layout {
  readonly shape: FleetShape
  readonly worldSize: number
  readonly nodes: number
  readonly leaves: number
  /** By rank. */
  readonly tensorOf: Int32Array
  readonly dataOf: Int32Array
  readonly stageOf: Int32Array
  readonly nodeOf: Int32Array
  readonly leafOf: Int32Array
  /** By leaf; all 0 where there is one. */
  readonly spineOf: Int32Array
  readonly groups: readonly Group[]
}

const pad = (value: number, width: number) => String(value).padStart(width, '0')
export const nodeName = (node: number) => `node${pad(node, 4)}`
export const leafName = (leaf: number) => `leaf${pad(leaf, 3)}`
export const spineName = (spine: number) => `spine${pad(spine, 2)}`
export const cardName = (local: number) => `mlx5_${local}`

/** Megatron's order: tensor ranks lie side by side, then data, then pipeline. */
export function layoutOf(shape: FleetShape): Layout {
  const { tensor: T, data: D, pipeline: P, gpusPerNode, nodesPerLeaf, rails, leavesPerSpine = Infinity } = shape
  const worldSize = T * D * P
  const ranks = Array.from({ length: worldSize }, (_, rank) => rank)
  const nodeOf = Int32Array.from(ranks, rank => Math.floor(rank / gpusPerNode))
  const leafAt = (rank: number) => {
    const pod = Math.floor((nodeOf[rank] ?? 0) / nodesPerLeaf)
    return rails ? pod * gpusPerNode + (rank % gpusPerNode) : pod
  }
  const leafOf = Int32Array.from(ranks, leafAt)
  const leaves = leafOf.reduce((most, leaf) => Math.max(most, leaf), 0) + 1
  return {
    shape,
    worldSize,
    nodes: Math.ceil(worldSize / gpusPerNode),
    nodeOf,
    leafOf,
    leaves,
    spineOf: Int32Array.from({ length: leaves }, (_, leaf) => Math.floor(leaf / leavesPerSpine)),
    tensorOf: Int32Array.from(ranks, rank => rank % T),
    dataOf: Int32Array.from(ranks, rank => Math.floor(rank / T) % D),
    stageOf: Int32Array.from(ranks, rank => Math.floor(rank / (T * D))),
    groups: groupsOf(shape),
  }
}

function groupsOf({ tensor: T, data: D, pipeline: P }: FleetShape): Group[] {
  const rankAt = (t: number, d: number, p: number) => t + T * (d + D * p)
  const count = (length: number) => Array.from({ length }, (_, index) => index)
  const group = (purpose: Purpose, members: number[]): Group => ({
    purpose,
    ranks: Int32Array.from(members),
    name: purpose.startsWith('pipeline') ? messageName(members[0] ?? NaN, members[1] ?? NaN) : groupName(members),
  })
  const tensor = T > 1 ? count(P).flatMap(p => count(D).map(d => count(T).map(t => rankAt(t, d, p)))) : []
  const data = D > 1 ? count(P).flatMap(p => count(T).map(t => count(D).map(d => rankAt(t, d, p)))) : []
  const borders = count(P - 1).flatMap(p => count(D).flatMap(d => count(T).map(t => [t, d, p] as const)))
  return [
    ...tensor.map(members => group('tensor', members)),
    ...data.map(members => group('data', members)),
    ...borders.map(([t, d, p]) => group('pipeline-forward', [rankAt(t, d, p), rankAt(t, d, p + 1)])),
    ...borders.map(([t, d, p]) => group('pipeline-backward', [rankAt(t, d, p + 1), rankAt(t, d, p)])),
  ]
}

/** Links that a group's traffic crosses: its ring goes through its ranks in their order. */
export function linksOf({ nodeOf, leafOf, spineOf, shape }: Layout, { ranks }: Group): string[] {
  const links = new Set<string>()
  for (const [at, from] of ranks.entries()) {
    const to = ranks[(at + 1) % ranks.length] ?? from
    if (nodeOf[from] === nodeOf[to]) continue
    for (const end of [from, to]) links.add(`nic ${nodeName(nodeOf[end] ?? 0)} ${cardName(end % shape.gpusPerNode)}`)
    for (const end of [from, to]) links.add(`leaf ${leafName(leafOf[end] ?? 0)}`)
    if (leafOf[from] === leafOf[to]) continue
    for (const end of [from, to]) links.add(`uplink ${leafName(leafOf[end] ?? 0)}`)
    if (shape.leavesPerSpine === undefined) continue
    for (const end of [from, to]) links.add(`spine ${spineName(spineOf[leafOf[end] ?? 0] ?? 0)}`)
  }
  return [...links]
}
