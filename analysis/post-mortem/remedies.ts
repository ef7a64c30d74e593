/** What would have fitted: changes of the job, each with the bytes that it saves and what it costs in step time. */
import { allowanceOf } from '../../math/allowance'
import { calibrate } from '../../math/calibrate'
import { planProblems } from '../../math/check-plan'
import { gpus } from '../../math/gpus'
import type { PredictInput } from '../../math/input'
import { predict, type Prediction } from '../../math/predict'
import { searchPlans, withUsualNetwork } from '../../math/plan-search'
import type { CauseName, Remedy } from '../../wire/post-mortem'
import { format } from '../../base/units'
import { CHANGES, howOf, worldOf } from './changes'
import { neededBytes, type Figures } from './figures'
import type { Growth } from './growth'

/** Changes of what is trained, not of how: only where nothing else fits. */
const CHANGES_THE_MODEL = new Set(['sequence'])

/** The job as it ran: activations, fragmentation and context as they were seen. */
function asItRan(config: PredictInput, { tensors, unused, context }: Figures): PredictInput {
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

/** Bytes that would be left with so much saved; null where neither the event nor the prediction tells. */
function headroom(figures: Figures, saved: number, after: Prediction | undefined): number | null {
  const needed = neededBytes(figures)
  if (needed !== undefined && figures.capacity !== undefined) return figures.capacity - needed + saved
  const { deviceBytes, capacityBytes } = after?.memory ?? {}
  const capacity = figures.capacity ?? capacityBytes
  return deviceBytes === undefined || capacity === undefined ? null : capacity - deviceBytes
}

/**
 * A step that was never finished shows what it held until it failed, not what it would have come to: until one was, a change
 * must fit by the prediction as well, without what was fitted to the unfinished one.
 */
function untilAStep(left: number | null, changed: PredictInput, { capacity }: Figures, config: PredictInput) {
  const held = predict({ ...changed, calibration: config.calibration }).memory.deviceBytes
  return left === null || held === undefined || capacity === undefined ? left : Math.min(left, capacity - held)
}

function planned(config: PredictInput, job: PredictInput, figures: Figures, growth: Growth): Remedy[] {
  const before = predict(job)
  const held = before.memory.deviceBytes
  if (held === undefined) return []
  return CHANGES.flatMap(({ name, title, how, of, isOffload }): Remedy[] => {
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
function bestPlan(job: PredictInput, figures: Figures): Remedy[] {
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

function measured(
  name: string,
  title: string,
  how: string | null,
  saved: number | undefined,
  figures: Figures,
): Remedy[] {
  if (saved === undefined || saved <= 0) return []
  const left = headroom(figures, saved, undefined)
  return [
    {
      name,
      title,
      how,
      savedBytes: saved,
      headroomBytes: left,
      fits: left === null ? null : left >= 0,
      stepTimeChange: 0,
      provenance: 'derived',
    },
  ]
}

/** The smallest device of the table that has enough, of the same maker first. */
function largerDevice(figures: Figures, config: PredictInput | undefined): Remedy[] {
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

/** Longer sequences than this many times the usual ones are not asked about. */
const LONGEST = 64

/**
 * How many times the longest step so far fits, to a hundredth below: activations as the steps before the end held them, grown
 * by the formulas (attention scores that are kept grow with the square). Undefined where too little is known.
 */
function longestThatFits(config: PredictInput | undefined, figures: Figures, growth: Growth): number | undefined {
  const { capacity } = figures
  const length = config?.model?.sequenceLength
  if (config === undefined || capacity === undefined || length === undefined || growth.kind !== 'flat') return undefined
  const { calibration } = calibrate(config, { peakBytes: growth.mostBytes })
  const held = (times: number) =>
    predict({ ...config, calibration, model: { ...config.model, sequenceLength: times * length } }).memory.deviceBytes
  let [fits, over] = [1, LONGEST]
  if (!((held(fits) ?? Infinity) <= capacity)) return undefined
  while (over - fits > 0.01) {
    const middle = (fits + over) / 2
    if ((held(middle) ?? Infinity) <= capacity) fits = middle
    else over = middle
  }
  return Math.floor(100 * fits) / 100
}

function boundLength(config: PredictInput | undefined, figures: Figures, growth: Growth): Remedy[] {
  const times = longestThatFits(config, figures, growth)
  const most = times === undefined ? '' : `: some ${times.toFixed(1)} times the longest step before it fits`
  return [
    {
      name: 'length',
      title: `Bound the longest sequence, or fill batches by tokens instead of by samples${most}`,
      how: null,
      savedBytes: null,
      headroomBytes: null,
      fits: times === undefined ? null : true,
      stepTimeChange: null,
      provenance: times === undefined ? 'derived' : 'predicted',
    },
  ]
}

function againstTheCause(cause: CauseName, job: PredictInput | undefined, figures: Figures, growth: Growth): Remedy[] {
  const advice = (name: string, title: string, how: string | null): Remedy => ({
    name,
    title,
    how,
    savedBytes: null,
    headroomBytes: null,
    fits: null,
    stepTimeChange: null,
    provenance: 'derived',
  })
  if (cause === 'neighbour')
    return measured(
      'neighbour',
      'End the other process, or give the job devices of its own',
      'nvidia-smi --query-compute-apps=pid,name,used_memory --format=csv',
      figures.others,
      figures,
    )
  if (cause === 'fragmentation' || cause === 'fragmentation-creep')
    return measured(
      'expandable-segments',
      'Expandable segments: the allocator grows what it holds instead of leaving gaps',
      'PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True',
      figures.unused,
      figures,
    )
  if (cause === 'leak')
    return [
      advice(
        'leak',
        'Let go of what each step leaves behind: keep loss.item() instead of loss, empty lists, detach',
        null,
      ),
    ]
  if (cause === 'larger-step') return boundLength(job, figures, growth)
  if (cause === 'checkpoint-or-evaluation')
    return [
      advice('evaluation', 'A smaller batch in evaluation, under torch.no_grad(); checkpoints written in shards', null),
    ]
  if (cause === 'shared-memory')
    return [
      advice(
        'shared-memory',
        'A larger /dev/shm for the container, or fewer data-loader workers',
        'docker run --shm-size 16g',
      ),
    ]
  if (cause === 'process-limit')
    return [
      advice(
        'process-limit',
        'Raise or drop the limit of the process',
        'torch.cuda.set_per_process_memory_fraction(1.0)',
      ),
    ]
  if (cause === 'host-memory' || cause === 'killed')
    return [
      advice(
        'host',
        'Fewer data-loader workers, less pinned memory, no offload to the host; or a larger limit of the container',
        null,
      ),
    ]
  return []
}

/** A new plan, or new devices: more work than one change. */
const WHOLE = new Set(['plan', 'device'])

/** What answers the causes, in their order; then what fits, of that what costs least time; models changed come last. */
function order(first: readonly string[]) {
  const place = ({ name }: Remedy) => (first.includes(name) ? first.indexOf(name) : first.length)
  const rank = ({ name, fits }: Remedy) =>
    (fits === false ? 100 : fits === null ? 50 : 0) +
    (CHANGES_THE_MODEL.has(name) ? 20 : 0) +
    (WHOLE.has(name) ? 10 : 0)
  return (one: Remedy, other: Remedy) =>
    place(one) - place(other) ||
    rank(one) - rank(other) ||
    (one.stepTimeChange ?? 1) - (other.stepTimeChange ?? 1) ||
    (other.savedBytes ?? 0) - (one.savedBytes ?? 0)
}

/** Where the device had enough, no plan helps. */
const OF_HOST: ReadonlySet<CauseName> = new Set(['host-memory', 'shared-memory', 'killed', 'process-limit'])

export function remediesOf(
  causes: readonly CauseName[],
  config: PredictInput | undefined,
  figures: Figures,
  growth: Growth,
): Remedy[] {
  const own = causes.flatMap(cause => againstTheCause(cause, config, figures, growth))
  const job = config === undefined ? undefined : asItRan(config, figures)
  const isOfHost = causes.some(cause => OF_HOST.has(cause))
  const others = isOfHost
    ? []
    : [
        ...(job === undefined || config === undefined
          ? []
          : [...planned(config, job, figures, growth), ...bestPlan(job, figures)]),
        ...largerDevice(figures, config),
        ...(own.some(({ name }) => name === 'expandable-segments') ? [] : measuredSegments(figures)),
      ]
  // What answers the cause comes first where it is enough by itself, or nothing can be said of it.
  const sure = own.filter(({ fits }) => fits !== false).map(({ name }) => name)
  return [...own, ...others].sort(order(sure))
}

const measuredSegments = (figures: Figures) =>
  measured(
    'expandable-segments',
    'Expandable segments: the allocator grows what it holds instead of leaving gaps',
    'PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True',
    figures.unused,
    figures,
  )
