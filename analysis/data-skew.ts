/**
 * Sequences of uneven length: in each step another replica works longer, and all of its ranks do so together, as they share
 * its sequences. No device is slow; a slow one would be so in the next step as well, and alone.
 */
import { grouped } from '../base/grouped'
import { costOf } from './cost'
import { defineDetector, type DetectorWindow } from './detector'
import { diagnose, type Diagnosis } from './diagnosis'
import { sampleOf } from './sample'
import { deviation } from './spread'
import { extent, median, medianInPlace } from './statistics'

/** Ranks of a replica that are asked: more do not make surer what they have in common. */
const ASKED = 16
/** A replica of one rank cannot be told from its rank; of two replicas either is the other’s peer. */
const [RANKS_LEAST, REPLICAS_LEAST, STEPS_LEAST] = [2, 3, 16] as const
/** What replicas have in common beyond what as many unlike ranks would have by chance, and how much of the work it must be. */
const BEYOND_CHANCE = 3
const SKEW_LEAST = 0.02
/** Slowest so often it is that replica, and not the data. */
const SAME_MOST = 0.5
const COSTS_LEAST = 0.01

interface Skew {
  readonly replicas: number
  /** By how much the slowest replica works longer than the middle one, mean over steps. */
  readonly slowest: number
  /** Share of the steps in which the one that is slowest most often is it. */
  readonly same: number
}

/** By replica: rank numbers of the matrix. */
function replicasOf({ matrix, roles }: Diagnosis): ArrayLike<number>[] {
  const coordinates = roles.plan?.coordinates
  const all = grouped(matrix.ranks.keys(), place => coordinates?.get(matrix.ranks[place] ?? NaN)?.data)
  return [...all].flatMap(([data, places]) =>
    data === undefined || places.length < RANKS_LEAST ? [] : [sampleOf(places, ASKED)],
  )
}

function skewOf(diagnosis: Diagnosis): Skew | undefined {
  const { steps, excess } = diagnosis.matrix
  const replicas = replicasOf(diagnosis)
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
  return slowestOf(common, replicas.length, steps.length)
}

function slowestOf(common: Float64Array, replicas: number, steps: number): Skew {
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
    replicas,
    slowest: sum / Math.max(1, known),
    same: counts.reduce((most, count) => Math.max(most, count), 0) / Math.max(1, known),
  }
}

const percent = (ratio: number) => `${Math.round(ratio * 100)} %`

export const dataSkew = defineDetector({
  name: 'data-skew',
  help: 'Sequences of uneven length make now one replica slow and now another.',
  detect(window: DetectorWindow) {
    const diagnosis = diagnose(window)
    const skew = diagnosis === undefined ? undefined : skewOf(diagnosis)
    if (diagnosis === undefined || skew === undefined || skew.same > SAME_MOST) return []
    const step = diagnosis.stepSeconds
    const cost = skew.slowest * median(diagnosis.matrix.roleWork)
    if (!(cost > COSTS_LEAST * step)) return []
    const { least: since } = extent(window.ranks.time)
    return [
      {
        detector: 'data-skew',
        run: window.run,
        provenance: 'estimated',
        ...costOf(cost, step),
        title: 'Sequences of uneven length make now one replica slow and now another',
        evidence:
          `In a step the slowest of ${skew.replicas} replicas works ${percent(skew.slowest)} longer than the middle one, all of its ranks ` +
          `together; the one that is it most often is so in ${percent(skew.same)} of the steps. No device is to blame.`,
        since: Number.isNaN(since) ? window.facts.startedAt : since,
        cause: 'data skew',
        nextStep:
          'Balance the work of the replicas: pack or sort sequences so that the sum of their squared lengths is alike, or bound the longest.',
      },
    ]
  },
})
