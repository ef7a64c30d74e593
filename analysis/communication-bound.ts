/**
 * Communication takes much of each step, and no link is to blame for it: either the plan asks more of this interconnect than
 * arithmetic says it has, or all of it carries less than predicted.
 */
import { format } from '../base/units'
import type { Finding } from '../wire/findings'
import { longerSince } from './before-after'
import { costOf } from './cost'
import { defineDetector, type DetectorWindow } from './detector'
import { diagnose, type Diagnosis } from './diagnosis'
import { momentOf } from './moment'
import { ENOUGH_ALIKE, sampleOf } from './sample'
import { extent, finiteOf, known, mean, median } from './statistics'
import { stepPartsOf } from './step-parts'
import { onset } from './stragglers'

const MIN_STEPS = 16
/**
 * Of the step. Jobs spend 20 to over 50 % of an iteration in communication (a review of arXiv:2512.24750, themoonlight.io): in
 * the upper half of that, halving the transfers wins a sixth of the step and more. Of worth, not a fault.
 */
const MUCH = 0.35
/**
 * Predictions are at full bandwidth. Half of the best bus bandwidth is reached by buffers of 4 to 8 MiB on four nodes of A100
 * (github.com/stas00/ml-engineering, network/benchmarks), of 128 to 256 MB on two of eight H100 by TCP
 * (github.com/lessizzmore/create-a3mega-ztan-fork, ztan-NCCL-test-result): smaller ones may be why, and the next step says so.
 */
const FAR_ABOVE = 2
/** Of the step: what is above the prediction by less is nobody’s worry. A choice of this house. */
const COSTS_LEAST = 0.1

const percent = (ratio: number) => `${Math.round(ratio * 100)} %`

/** Of what transfers take since then: less is what they scatter. */
const RISES_LEAST = 0.2
const LATEST_STEPS = 24
/** Fewer steps before it say nothing of what was usual. */
const LEAST_BEFORE = 8

interface Measured {
  /** Means of a step, seconds. */
  readonly transfer: number
  readonly step: number
  /** Step number from which on; undefined where it was so all the time that is looked at. */
  readonly from: number | undefined
}

/** Undefined where transfers cannot be told from waiting. */
function measured(window: DetectorWindow): Omit<Measured, 'from'> | undefined {
  const { least, greatest } = extent(window.ranks.step)
  if (window.groups === undefined || window.groups.groups.length < 2 || !(greatest - least >= MIN_STEPS))
    return undefined
  const parts = stepPartsOf(window)
  const transfer = median(known(parts.map(one => one.parts.communication)))
  const step = median(known(parts.map(one => one.seconds)))
  return transfer > 0 && step > 0 ? { transfer, step } : undefined
}

/** What transfers take since all of them together became slower, by how much they did. */
function sinceSlower(all: Omit<Measured, 'from'>, { groups }: Diagnosis, { steps }: DetectorWindow): Measured {
  if (groups === undefined) return { ...all, from: undefined }
  const { length } = groups.steps
  const asked = Array.from(sampleOf(Float64Array.from(groups.groups.keys()), ENOUGH_ALIKE), group => {
    const usual = quickOf(groups.seconds, group * length, length)
    return { first: group * length, usual, ranks: groups.groups[group]?.ranks.length ?? 0 }
  })
  const rise = Float32Array.from(groups.steps, (_, step) => {
    let [now, usually] = [0, 0]
    for (const { first, usual, ranks } of asked) {
      const seconds = groups.seconds[first + step] ?? NaN
      if (Number.isNaN(seconds)) continue
      now += seconds * ranks
      usually += usual * ranks
    }
    return now / usually - 1
  })
  const size = median(rise.subarray(-LATEST_STEPS))
  const at = size > RISES_LEAST ? onset(rise, size) : 0
  if (at < LEAST_BEFORE) return { ...all, from: undefined }
  const [before, since] = [1 + mean(rise, 0, at), 1 + mean(rise, at)]
  const from = groups.steps[at] ?? NaN
  const seconds = median(Array.from(steps.stepSeconds).filter((_, row) => (steps.step[row] ?? NaN) >= from))
  return { transfer: (all.transfer * since * length) / (before * at + since * (length - at)), step: seconds, from }
}

/** What a group takes in its faster steps. */
function quickOf(seconds: Float32Array, first: number, length: number): number {
  const ascending = finiteOf(seconds.subarray(first, first + length)).sort()
  return ascending[Math.floor(FASTER * (ascending.length - 1))] ?? NaN
}
const FASTER = 0.1

/** The steps before know better than a prediction what it costs. */
function costSeconds({ steps }: DetectorWindow, predicted: number, { transfer, from }: Measured): number {
  const longer = from === undefined ? undefined : longerSince(steps, from)
  return longer?.seconds ?? transfer - predicted
}

function toFinding(window: DetectorWindow, predicted: number, { transfer, step, from }: Measured) {
  const isFabric = transfer > FAR_ABOVE * predicted && transfer - predicted > COSTS_LEAST * step
  if (!isFabric && transfer < MUCH * step) return undefined
  const first = from === undefined ? extent(window.ranks.time).least : momentOf(window, from)
  const finding: Finding = {
    detector: 'communication-bound',
    run: window.run,
    provenance: 'derived',
    ...(isFabric ? costOf(costSeconds(window, predicted, { transfer, step, from }), step) : {}),
    severity: 'info',
    title: isFabric
      ? 'All of the fabric carries less than predicted'
      : `The plan spends ${percent(transfer / step)} of each step in communication`,
    evidence:
      `Transfers take ${format(transfer, 'seconds')} of a step of ${format(step, 'seconds')} (median of the ranks, waiting left out), ` +
      `predicted ${format(predicted, 'seconds')}; no rank, card or switch stands out.`,
    since: Number.isNaN(first) ? window.facts.startedAt : first,
    nextStep: isFabric
      ? 'Look at what all links share: buffers that are too small for full bandwidth (some need 128 MB: larger buckets), the network library’s settings (NCCL_ALGO, NCCL_IB_HCA, GPUDirect), the MTU, other jobs; `plumbline probe` measures pairs of idle nodes.'
      : 'No link is slow: shard less, or keep tensor groups within a node; a larger micro-batch or more accumulation sends less often. `plumbline predict` compares plans.',
  }
  return finding
}

export const communicationBound = defineDetector({
  name: 'communication-bound',
  help: 'Communication takes much of each step, and no link is to blame: the plan, or the fabric as a whole.',
  detect(window) {
    const predicted = window.prediction?.step.communicationSeconds
    if (predicted === undefined || !(predicted > 0)) return []
    const own = measured(window)
    const diagnosis = own === undefined ? undefined : diagnose(window)
    if (own === undefined || diagnosis === undefined) return []
    if (diagnosis.slowLinks.length > 0 || diagnosis.slowRanks.length > 0) return []
    const finding = toFinding(window, predicted, sinceSlower(own, diagnosis, window))
    return finding === undefined ? [] : [finding]
  },
})
