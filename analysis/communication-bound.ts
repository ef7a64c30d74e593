/**
 * Communication takes much of each step, and no link is to blame for it: either the plan asks more of this interconnect than
 * arithmetic says it has, or all of it carries less than predicted.
 */
import { format } from '../base/units'
import type { Finding } from '../wire/findings'
import { costOf } from './cost'
import { defineDetector, type DetectorWindow } from './detector'
import { diagnose } from './diagnosis'
import { extent, known, median } from './statistics'
import { stepPartsOf } from './step-parts'

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

/** Means of a step, seconds; undefined where transfers cannot be told from waiting. */
function measured(window: DetectorWindow): { transfer: number; step: number } | undefined {
  const { least, greatest } = extent(window.ranks.step)
  if (window.groups === undefined || window.groups.groups.length < 2 || !(greatest - least >= MIN_STEPS))
    return undefined
  const parts = stepPartsOf(window)
  const transfer = median(known(parts.map(one => one.parts.communication)))
  const step = median(known(parts.map(one => one.seconds)))
  return transfer > 0 && step > 0 ? { transfer, step } : undefined
}

function toFinding(window: DetectorWindow, predicted: number, { transfer, step }: { transfer: number; step: number }) {
  const isFabric = transfer > FAR_ABOVE * predicted && transfer - predicted > COSTS_LEAST * step
  if (!isFabric && transfer < MUCH * step) return undefined
  const first = extent(window.ranks.time).least
  const finding: Finding = {
    detector: 'communication-bound',
    run: window.run,
    provenance: 'derived',
    ...(isFabric ? costOf(transfer - predicted, step) : {}),
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
    const finding = toFinding(window, predicted, own)
    return finding === undefined ? [] : [finding]
  },
})
