/**
 * Sequences of uneven length: in each step another replica works longer, and all of its ranks do so together, as they share
 * its sequences. No device is slow; a slow one would be so in the next step as well, and alone.
 */
import { grouped } from '../base/grouped'
import type { RankMatrix } from './rank-matrix'
import type { Roles } from './roles'
import { sampleOf } from './sample'
import { deviation } from './spread'
import { mean, median, medianInPlace } from './statistics'
import type { Straggler } from './straggler'

/** Ranks of a replica that are asked: more do not make surer what they have in common. */
const ASKED = 16
/** A replica of one rank cannot be told from its rank; of two replicas either is the other’s peer. */
const [RANKS_LEAST, REPLICAS_LEAST, STEPS_LEAST] = [2, 3, 16] as const
/** What replicas have in common beyond what as many unlike ranks would have by chance, and how much of the work it must be. */
const BEYOND_CHANCE = 3
const SKEW_LEAST = 0.02
/** Slowest so often it is that replica, and not the data. */
const SAME_MOST = 0.5

export interface Skew {
  readonly replicas: number
  /** By rank number of the matrix: of which replica it is; -1 of none that is compared. */
  readonly replicaOf: Int32Array
  /** By replica and step: by how much its ranks together work longer than others do. */
  readonly common: Float64Array
  /** By how much the slowest replica works longer than the middle one, mean over steps. */
  readonly slowest: number
  /** Share of the steps in which the one that is slowest most often is it. */
  readonly same: number
}

/** By replica: rank numbers of the matrix. */
function replicasOf(matrix: RankMatrix, roles: Roles): number[][] {
  const coordinates = roles.plan?.coordinates
  const all = grouped(matrix.ranks.keys(), place => coordinates?.get(matrix.ranks[place] ?? NaN)?.data)
  return [...all].flatMap(([data, places]) => (data === undefined || places.length < RANKS_LEAST ? [] : [places]))
}

/** Undefined where replicas do not differ by what is new in each step. */
export function skewOf(matrix: RankMatrix, roles: Roles): Skew | undefined {
  const { steps, excess } = matrix
  const all = replicasOf(matrix, roles)
  const replicas = all.map(places => sampleOf(places, ASKED))
  if (replicas.length < REPLICAS_LEAST || steps.length < STEPS_LEAST) return undefined
  const values = new Float64Array(replicas.reduce((most, places) => Math.max(most, places.length), 0))
  const common = new Float64Array(replicas.length * steps.length)
  const own = new Float64Array(common.length)
  for (const [replica, places] of replicas.entries())
    for (let step = 0; step < steps.length; step += 1) {
      let known = 0
      for (let member = 0; member < places.length; member += 1) {
        const value = excess[(places[member] ?? 0) * steps.length + step] ?? NaN
        if (!Number.isNaN(value)) values[known++] = value
      }
      const middle = known < RANKS_LEAST ? NaN : medianInPlace(values, known)
      common[replica * steps.length + step] = middle
      const first = excess[(places[0] ?? 0) * steps.length + step] ?? NaN
      own[replica * steps.length + step] = first - middle
    }
  const members = median(replicas.map(places => places.length))
  const [together, alone] = [deviation(common), deviation(own)]
  if (!(together >= SKEW_LEAST) || !(together > (BEYOND_CHANCE * alone) / Math.sqrt(members))) return undefined
  const { slowest, same } = slowestOf(common, replicas.length, steps.length)
  if (same > SAME_MOST) return undefined
  const replicaOf = new Int32Array(matrix.ranks.length).fill(-1)
  for (const [replica, places] of all.entries()) for (const place of places) replicaOf[place] = replica
  return { replicas: replicas.length, slowest, same, common, replicaOf }
}

function slowestOf(common: Float64Array, replicas: number, steps: number): Pick<Skew, 'slowest' | 'same'> {
  const counts = new Int32Array(replicas)
  let [sum, known] = [0, 0]
  for (let step = 0; step < steps; step += 1) {
    const own = Array.from({ length: replicas }, (_, replica) => common[replica * steps + step] ?? NaN)
    const slowest = own.reduce((most, value, replica) => (value > (own[most] ?? -Infinity) ? replica : most), 0)
    const above = (own[slowest] ?? NaN) - median(own)
    if (Number.isNaN(above)) continue
    counts[slowest] = (counts[slowest] ?? 0) + 1
    sum += above
    known += 1
  }
  return {
    slowest: sum / Math.max(1, known),
    same: counts.reduce((most, count) => Math.max(most, count), 0) / Math.max(1, known),
  }
}

/** Of what is more, so much must be the rank’s own. */
const OWN_SHARE = 0.5

/** Whether it is its replica’s sequences that a rank works longer on, and not the rank. */
export function isOfReplica({ common, replicaOf }: Skew, { steps, excess }: RankMatrix, one: Straggler): boolean {
  const { place, from, to = steps.length } = one
  const replica = replicaOf[place] ?? -1
  if (replica < 0) return false
  const own = median(excess.subarray(place * steps.length + from, place * steps.length + to))
  const shared = median(common.subarray(replica * steps.length + from, replica * steps.length + to))
  return own - shared < OWN_SHARE * own
}

/** What a rank would work, over what it does, were its step’s sequences spread evenly over the replicas; 1 where nothing is known. */
export function evenShare({ common, replicas, replicaOf }: Skew): (place: number, step: number) => number {
  const steps = common.length / replicas
  const even = Float64Array.from({ length: steps }, (_, step) =>
    mean(Float64Array.from({ length: replicas }, (_, replica) => common[replica * steps + step] ?? NaN)),
  )
  return (place, step) => {
    const own = common[(replicaOf[place] ?? -1) * steps + step] ?? NaN
    const share = (1 + (even[step] ?? NaN)) / (1 + own)
    return Number.isFinite(share) ? share : 1
  }
}
