/** What the page draws of a run's fabric: the same window and the same comparisons as the detectors'. */
import { grouped } from '../base/grouped'
import { findGpu } from '../math/gpus'
import type { FabricPicture } from '../wire/fabric-picture'
import type { DetectorWindow, GroupFacts } from './detector'
import { diagnose, type Diagnosis } from './diagnosis'
import { fabricOf } from './fabric'
import { pathsOf, RECENT, type Path } from './paths'
import { Roads } from './roads'
import { extent, known, median } from './statistics'

/** More rows than this nobody reads. */
const MOST_ROWS = 300

const orNull = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? value : null)

/** Of NCCL’s bus bandwidth over bytes by time: what each link carries, whatever the number of ranks. */
function busFactor({ operation, ranks }: GroupFacts): number {
  const others = (ranks.length - 1) / ranks.length
  if (operation === 'all-reduce') return 2 * others
  return ['all-gather', 'reduce-scatter', 'all-to-all'].includes(operation) ? others : 1
}

function ranksOf(
  { places, coordinates, ranks }: DetectorWindow,
  diagnosis: Diagnosis | undefined,
): FabricPicture['ranks'] {
  const seen = new Set([...Array.from(ranks.rank).filter(Number.isInteger), ...(places?.keys() ?? [])])
  const all = [...seen].sort((one, other) => one - other)
  const number = new Map(Array.from(diagnosis?.matrix.ranks ?? [], (rank, place) => [rank, place]))
  const length = diagnosis?.matrix.steps.length ?? 0
  const plan = diagnosis?.roles.plan?.coordinates ?? coordinates
  return {
    rank: all,
    node: all.map(rank => places?.get(rank)?.node ?? null),
    stage: all.map(rank => plan?.get(rank)?.pipeline ?? null),
    excess: all.map(rank => {
      const place = number.get(rank)
      if (place === undefined || diagnosis === undefined) return null
      return orNull(
        median(
          diagnosis.matrix.excess.subarray(
            Math.max(place * length, (place + 1) * length - RECENT),
            (place + 1) * length,
          ),
        ),
      )
    }),
  }
}

function groupsOf(window: DetectorWindow, { groups, fabric }: Diagnosis): FabricPicture['groups'] {
  if (groups === undefined) return []
  const { length } = groups.steps
  const most = carriedAtMost(window)
  const cardsOf = cardCounter(window)
  const recent = (column: Float32Array, number: number) =>
    median(column.subarray(Math.max(number * length, (number + 1) * length - RECENT), (number + 1) * length))
  return groups.groups
    .map((group, number) => {
      const seconds = recent(groups.seconds, number)
      const bus = (group.bytes * busFactor(group)) / seconds
      const span = fabric?.spans[number]
      return {
        name: group.name,
        operation: group.operation,
        ranks: group.ranks.length,
        span: span ?? null,
        bytes: orNull(group.bytes),
        seconds: orNull(seconds),
        busBytesPerSecond: orNull(bus),
        peerBusBytesPerSecond: orNull(bus * (1 + recent(groups.excess, number))),
        predictedBusBytesPerSecond: orNull(span === 'node' ? most.within : (most.between ?? NaN) * cardsOf(group)),
      }
    })
    .sort((one, other) => (other.seconds ?? 0) - (one.seconds ?? 0))
    .slice(0, MOST_ROWS)
}

/** Through how many cards a group leaves a node at once: a ring goes round once for each of its ranks there. */
function cardCounter({ places, topology = [] }: DetectorWindow): (group: GroupFacts) => number {
  const cards = new Map<string, Set<string>>()
  for (const { node, device } of topology)
    if (node !== undefined && device !== undefined) cards.set(node, (cards.get(node) ?? new Set()).add(device))
  return ({ ranks }) => {
    const byNode = grouped(ranks, rank => places?.get(rank)?.node)
    const counts = Array.from(byNode, ([node, own]) => Math.min(own.length, cards.get(node ?? '')?.size ?? 1))
    return Math.max(1, Math.min(...counts))
  }
}

/** Bytes by the time in which they were on their way. */
const speedOf = ({ pace }: Path) => 1 / median(pace.subarray(-RECENT))

/** What the faster ones reach: of three ways two may be slow. */
function fasterOf(speeds: readonly number[]): number {
  const ascending = known(speeds).sort((one, other) => one - other)
  return ascending[Math.ceil(0.75 * (ascending.length - 1))] ?? NaN
}

function pathRows(window: DetectorWindow): FabricPicture['paths'] {
  const all = pathsOf(window)
  if (all === undefined) return []
  const roads = new Roads(all.paths, window.topology)
  const rows = all.paths.map(path => ({ path, span: roads.spanOf(path), speed: speedOf(path) }))
  const usual = new Map(
    Array.from(
      grouped(rows, ({ span }) => span),
      ([span, alike]) => [span, fasterOf(alike.map(({ speed }) => speed))],
    ),
  )
  return rows
    .map(({ path, span, speed }) => ({
      from: path.from,
      to: path.to,
      span: span ?? null,
      bytes: orNull(median(path.bytes.subarray(-RECENT))),
      busySeconds: orNull(median(path.busySeconds.subarray(-RECENT))),
      bytesPerSecond: orNull(speed),
      peerBytesPerSecond: orNull(usual.get(span)),
    }))
    .sort((one, other) => (other.busySeconds ?? 0) - (one.busySeconds ?? 0))
    .slice(0, MOST_ROWS)
}

function nodesOf({ places, topology }: DetectorWindow): Pick<FabricPicture, 'nodes' | 'isInferred'> {
  const names = [...new Set(Array.from(places?.values() ?? [], ({ node }) => node))]
  names.sort((one, other) => one.localeCompare(other, 'en', { numeric: true }))
  const { nodesOf: known } = fabricOf([], places ?? new Map(), topology)
  const switches = new Map(names.map(node => [node, [] as string[]]))
  for (const [name, members] of known ?? []) for (const node of members) switches.get(node)?.push(name)
  return { isInferred: known === undefined, nodes: names.map(node => ({ node, switches: switches.get(node) ?? [] })) }
}

/** Of the cables between nodes and leaves, the median. */
function cableSpeed({ topology = [] }: DetectorWindow): number {
  const leaves = topology.filter(({ node, tier }) => node !== undefined && (tier === undefined || tier === 'leaf'))
  return median(leaves.map(({ rateBitsPerSecond = NaN }) => rateBitsPerSecond)) / 8
}

/** Bytes per second that a rank’s links carry at most, within its node and between nodes; undefined where nobody told. */
function carriedAtMost(window: DetectorWindow) {
  const name = window.config?.hardware?.gpu
  return { within: name === undefined ? undefined : findGpu(name)?.linkBytesPerSecond, between: cableSpeed(window) }
}

export function fabricPictureOf(window: DetectorWindow): FabricPicture {
  const diagnosis = diagnose(window)
  const { least, greatest } = extent(window.ranks.step)
  return {
    from: orNull(least),
    to: orNull(greatest),
    ranks: ranksOf(window, diagnosis),
    groups: diagnosis === undefined ? [] : groupsOf(window, diagnosis),
    paths: pathRows(window),
    cableBytesPerSecond: orNull(cableSpeed(window)),
    ...nodesOf(window),
  }
}
