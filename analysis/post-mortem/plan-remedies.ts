/** Changes of the job that would have fitted, each with the bytes that it saves and what it costs in step time. */
import { format } from '../../base/units'
import { allowanceOf } from '../../math/allowance'
import { calibrate } from '../../math/calibrate'
import { planProblems } from '../../math/check-plan'
import { gpus } from '../../math/gpus'
import type { PredictInput } from '../../math/input'
import { searchPlans, withUsualNetwork } from '../../math/plan-search'
import { predict, type Prediction } from '../../math/predict'
import type { Remedy } from '../../wire/post-mortem'
import { CHANGES, howOf, worldOf } from './changes'
import { neededBytes, type Figures } from './figures'
import type { Growth } from './growth'
import { headroom } from './remedy'

/** The job as it ran: activations, fragmentation and context as they were seen. */
export function asItRan(config: PredictInput, { tensors, unused, context }: Figures): PredictInput {
  const reserved = tensors === undefined || unused === undefined ? undefined : tensors + unused
  const seen = {
    peakBytes: tensors,
    reservedBytes: reserved,
    deviceBytes: reserved === undefined || context === undefined ? undefined : reserved + context,
  }
  const { calibration } = calibrate(config, seen)
  return withUsualNetwork({ ...config, calibration: { ...config.calibration, ...calibration } })
}

function stepTimeChange(before: Prediction, after: Prediction): number | null {
  const [one, other] = [before.step.seconds, after.step.seconds]
  if (one !== undefined && other !== undefined) return other / one - 1
  // Without hardware what can be said is how much more there is to compute.
  const [own, changed] = [before.flops.hardwarePerToken, after.flops.hardwarePerToken]
  return own === undefined || changed === undefined ? null : changed / own - 1
}

/** Bytes per second between a device and its host (PCIe 4 × 16, in practice), and of a host's memory under Adam. */
const HOST_LINK = 25e9
const HOST_MEMORY = 40e9

/** Gradients go to the host, weights come back, and the host's processors walk over the states: nothing of it hidden. */
function offloadTime({ memory, step }: Prediction): number | null {
  const { gradientsBytes, parametersBytes, optimizerBytes } = memory
  if (step.seconds === undefined || gradientsBytes === undefined || parametersBytes === undefined) return null
  const seconds = (gradientsBytes + parametersBytes) / HOST_LINK + (optimizerBytes ?? 0) / HOST_MEMORY
  return seconds / step.seconds
}

/**
 * A step that was never finished shows what it held until it failed, not what it would have come to: until one was, a change
 * must fit by the prediction as well, without what was fitted to the unfinished one.
 */
function untilAStep(left: number | null, changed: PredictInput, { capacity }: Figures, config: PredictInput) {
  const held = predict({ ...changed, calibration: config.calibration }).memory.deviceBytes
  return left === null || held === undefined || capacity === undefined ? left : Math.min(left, capacity - held)
}

/** Changes that take less of one host's memory: what is cut over ranks of the same host stays in it. */
const ON_A_HOST = new Set(['micro-batch', 'selective', 'full', 'sequence'])

export function planned(
  config: PredictInput,
  job: PredictInput,
  figures: Figures,
  growth: Growth,
  isOnHost: boolean,
): Remedy[] {
  const before = predict(job)
  const held = before.memory.deviceBytes
  if (held === undefined) return []
  const changes = isOnHost ? CHANGES.filter(({ name }) => ON_A_HOST.has(name)) : CHANGES
  return changes.flatMap(({ name, title, how, of, isOffload }): Remedy[] => {
    const changed = of(job)
    if (changed === undefined || planProblems(changed).length > 0) return []
    const after = predict(changed)
    const saved = held - (after.memory.deviceBytes ?? held)
    if (saved <= 0) return []
    const seen = headroom(figures, saved, after)
    const left = growth.kind === 'no-steps' ? untilAStep(seen, changed, figures, config) : seen
    return [
      {
        name,
        title,
        how: howOf(how, changed),
        savedBytes: saved,
        headroomBytes: left,
        fits: left === null ? null : left >= 0,
        provenance: 'predicted',
        stepTimeChange: isOffload === true ? offloadTime(before) : stepTimeChange(before, after),
      },
    ]
  })
}

/** The fastest plan for the same devices that fits, where the job is known well enough for a search. */
export function bestPlan(job: PredictInput, figures: Figures): Remedy[] {
  const before = predict(job)
  const held = before.memory.deviceBytes
  const [best] = searchPlans(job, worldOf(job)).fitting
  if (best === undefined || held === undefined) return []
  const { plan, stepSeconds } = best
  const { fragmentationRatio, contextBytes } = allowanceOf(job.calibration)
  const saved = held - (best.memoryBytes * (1 + fragmentationRatio) + contextBytes)
  if (saved <= 0) return []
  const left = headroom(figures, saved, undefined)
  const degrees = [
    ...[`tensor ${plan.tensor}`, `pipeline ${plan.pipeline}`, `context ${plan.context}`, `data ${plan.data}`],
    ...[`ZeRO ${plan.zeroStage}`, `micro-batch ${plan.microBatch ?? 1}`, `recomputation ${plan.recompute}`],
  ]
  return [
    {
      name: 'plan',
      title: `The fastest plan that fits these devices: ${degrees.join(', ')}`,
      how: null,
      savedBytes: saved,
      headroomBytes: left,
      fits: left === null ? null : left >= 0,
      provenance: 'predicted',
      stepTimeChange: before.step.seconds === undefined ? null : stepSeconds / before.step.seconds - 1,
    },
  ]
}

/** The smallest device of the table that has enough, of the same maker first. */
export function largerDevice(figures: Figures, config: PredictInput | undefined): Remedy[] {
  const needed = neededBytes(figures)
  const { capacity } = figures
  if (needed === undefined || capacity === undefined) return []
  const own = config?.hardware?.gpu ?? ''
  const isOwnMaker = (name: string) => /mi\d/i.test(name) === /mi\d|amd|instinct/i.test(own)
  const [larger] = [...gpus]
    .filter(({ memoryBytes }) => memoryBytes > 1.02 * needed && memoryBytes > capacity)
    .sort(
      (one, other) =>
        Number(isOwnMaker(other.name)) - Number(isOwnMaker(one.name)) || one.memoryBytes - other.memoryBytes,
    )
  if (larger === undefined) return []
  const saved = larger.memoryBytes - capacity
  return [
    {
      name: 'device',
      title: `A device with more memory: ${larger.title}, ${format(larger.memoryBytes, 'bytes')}`,
      how: null,
      savedBytes: saved,
      headroomBytes: larger.memoryBytes - needed,
      fits: true,
      stepTimeChange: null,
      provenance: 'predicted',
    },
  ]
}
