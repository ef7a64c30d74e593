/** What would have fitted: changes of the job, each with the bytes that it saves and what it costs in step time. */
import { calibrate } from '../../math/calibrate'
import { planProblems } from '../../math/check-plan'
import { gpus } from '../../math/gpus'
import type { PredictInput } from '../../math/input'
import { predict, type Prediction } from '../../math/predict'
import { withUsualNetwork } from '../../math/plan-search'
import type { CauseName, Remedy } from '../../wire/post-mortem'
import { format } from '../../base/units'
import { neededBytes, type Figures } from './figures'

interface Change {
  readonly name: string
  readonly title: string
  readonly how: string | null
  /** The job so changed; undefined where it cannot be. */
  readonly of: (job: PredictInput) => PredictInput | undefined
}

const degrees = (job: PredictInput) => job.parallelism ?? {}
const worldOf = (job: PredictInput) => degrees(job).worldSize ?? job.hardware?.count ?? 1
const dataOf = (job: PredictInput) => {
  const { data, tensor = 1, pipeline = 1, context = 1 } = degrees(job)
  return data ?? worldOf(job) / (tensor * pipeline * context)
}

/** Twice as much of one degree on the same devices: half the replicas. */
function twice(name: 'tensor' | 'pipeline' | 'context', most: number): Change['of'] {
  return job => {
    const now = degrees(job)[name] ?? 1
    const data = dataOf(job) / 2
    if (now * 2 > most || !Number.isInteger(data) || data < 1) return undefined
    const parallelism = { ...degrees(job), [name]: 2 * now, data, ...(name === 'tensor' && { sequenceParallel: true }) }
    return { ...job, parallelism }
  }
}

const zero =
  (stage: number): Change['of'] =>
  job =>
    (degrees(job).zeroStage ?? 0) >= stage || dataOf(job) < 2
      ? undefined
      : { ...job, parallelism: { ...degrees(job), zeroStage: stage } }

const recompute =
  (policy: 'selective' | 'full'): Change['of'] =>
  job => {
    const now = job.recompute ?? 'none'
    return now === policy || now === 'full' ? undefined : { ...job, recompute: policy }
  }

const CHANGES: readonly Change[] = [
  {
    ...{ name: 'micro-batch', title: 'Half the micro-batch, twice the gradient accumulation', how: null },
    of: job => {
      const micro = job.batch?.micro
      return micro === undefined || micro < 2
        ? undefined
        : { ...job, batch: { ...job.batch, micro: Math.floor(micro / 2) } }
    },
  },
  {
    name: 'selective',
    title: 'Selective recomputation',
    how: '--recompute-activations (Megatron-LM)',
    of: recompute('selective'),
  },
  {
    name: 'full',
    title: 'Full recomputation',
    how: 'gradient_checkpointing=True (Hugging Face)',
    of: recompute('full'),
  },
  {
    name: 'zero-1',
    title: 'ZeRO stage 1: optimizer states cut over the replicas',
    how: '--use-distributed-optimizer (Megatron-LM)',
    of: zero(1),
  },
  {
    name: 'zero-2',
    title: 'ZeRO stage 2: gradients cut as well',
    how: '"zero_optimization": {"stage": 2} (DeepSpeed)',
    of: zero(2),
  },
  {
    name: 'zero-3',
    title: 'ZeRO stage 3 or FSDP: parameters cut as well',
    how: '"zero_optimization": {"stage": 3} (DeepSpeed)',
    of: zero(3),
  },
  {
    name: 'tensor',
    title: 'Twice the tensor parallelism, with sequence parallelism',
    how: null,
    of: twice('tensor', 8),
  },
  { name: 'pipeline', title: 'Twice the pipeline stages', how: null, of: twice('pipeline', 64) },
  { name: 'context', title: 'Twice the context parallelism', how: null, of: twice('context', 64) },
  {
    ...{ name: 'adam-8bit', title: '8-bit Adam', how: 'optim="adamw_bnb_8bit" (Hugging Face)' },
    of: job => (/^(fused_?)?adam(w|$)/i.test(job.optimizer ?? 'adamw') ? { ...job, optimizer: 'adam8bit' } : undefined),
  },
  {
    ...{
      name: 'offload',
      title: 'The optimizer kept in host memory',
      how: '"offload_optimizer": {"device": "cpu"} (DeepSpeed)',
    },
    of: job => (job.offload === undefined ? { ...job, offload: 'optimizer' } : undefined),
  },
  {
    ...{ name: 'sequence', title: 'Half the sequence length', how: null },
    of: job => {
      const length = job.model?.sequenceLength
      return length === undefined || length < 256
        ? undefined
        : { ...job, model: { ...job.model, sequenceLength: length / 2 } }
    },
  },
]

/** The job with the change of this name; undefined where there is none such, or the job cannot be changed so. */
export const changedBy = (name: string, job: PredictInput): PredictInput | undefined =>
  CHANGES.find(change => change.name === name)?.of(job)

/** Changes of what is trained, not of how: only where nothing else fits. */
const CHANGES_THE_MODEL = new Set(['sequence'])

/** The job as it ran: activations, fragmentation and context as they were seen. */
function asItRan(config: PredictInput, { tensors, unused, context }: Figures): PredictInput {
  const reserved = tensors === undefined || unused === undefined ? undefined : tensors + unused
  const seen = {
    ...{ peakBytes: tensors, reservedBytes: reserved },
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

/** Bytes that would be left with so much saved; null where neither the event nor the prediction tells. */
function headroom(figures: Figures, saved: number, after: Prediction | undefined): number | null {
  const needed = neededBytes(figures)
  if (needed !== undefined && figures.capacity !== undefined) return figures.capacity - needed + saved
  const { deviceBytes, capacityBytes } = after?.memory ?? {}
  const capacity = figures.capacity ?? capacityBytes
  return deviceBytes === undefined || capacity === undefined ? null : capacity - deviceBytes
}

function planned(job: PredictInput, figures: Figures): Remedy[] {
  const before = predict(job)
  const held = before.memory.deviceBytes
  if (held === undefined) return []
  return CHANGES.flatMap(({ name, title, how, of }): Remedy[] => {
    const changed = of(job)
    if (changed === undefined || planProblems(changed).length > 0) return []
    const after = predict(changed)
    const saved = held - (after.memory.deviceBytes ?? held)
    if (saved <= 0) return []
    const left = headroom(figures, saved, after)
    return [
      {
        ...{ name, title, how, savedBytes: saved, headroomBytes: left, fits: left === null ? null : left >= 0 },
        ...{ stepTimeChange: stepTimeChange(before, after), provenance: 'predicted' },
      },
    ]
  })
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
      ...{ name, title, how, savedBytes: saved, headroomBytes: left, fits: left === null ? null : left >= 0 },
      ...{ stepTimeChange: 0, provenance: 'derived' },
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
      ...{
        name: 'device',
        title: `A device with more memory: ${larger.title}, ${format(larger.memoryBytes, 'bytes')}`,
      },
      ...{ how: null, savedBytes: saved, headroomBytes: larger.memoryBytes - needed, fits: true },
      ...{ stepTimeChange: null, provenance: 'predicted' },
    },
  ]
}

function againstTheCause(cause: CauseName, figures: Figures): Remedy[] {
  const advice = (name: string, title: string, how: string | null): Remedy => ({
    ...{
      name,
      title,
      how,
      savedBytes: null,
      headroomBytes: null,
      fits: null,
      stepTimeChange: 0,
      provenance: 'derived',
    },
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
  if (cause === 'larger-step')
    return [advice('length', 'Bound the longest sequence, or fill batches by tokens instead of by samples', null)]
  if (cause === 'checkpoint-or-evaluation')
    return [
      advice('evaluation', 'A smaller batch in evaluation, under torch.no_grad(); checkpoints written in shards', null),
    ]
  if (cause === 'host-memory')
    return [
      advice(
        'host',
        'Fewer data-loader workers, less pinned memory, no offload to the host; or a larger limit of the container',
        null,
      ),
    ]
  return []
}

/** What fits first; of that what answers the cause, then what costs least time; models changed come last. */
function order(first: ReadonlySet<string>) {
  const rank = ({ name, fits }: Remedy) =>
    (fits === false ? 100 : fits === null ? 50 : 0) +
    (CHANGES_THE_MODEL.has(name) ? 20 : 0) +
    (name === 'device' ? 10 : 0)
  return (one: Remedy, other: Remedy) =>
    Number(first.has(other.name)) - Number(first.has(one.name)) ||
    rank(one) - rank(other) ||
    (one.stepTimeChange ?? 1) - (other.stepTimeChange ?? 1) ||
    (other.savedBytes ?? 0) - (one.savedBytes ?? 0)
}

export function remediesOf(causes: readonly CauseName[], config: PredictInput | undefined, figures: Figures): Remedy[] {
  const own = causes.flatMap(cause => againstTheCause(cause, figures))
  const others = causes.includes('host-memory')
    ? []
    : [
        ...(config === undefined ? [] : planned(asItRan(config, figures), figures)),
        ...largerDevice(figures, config),
        ...(own.some(({ name }) => name === 'expandable-segments') ? [] : measuredSegments(figures)),
      ]
  // What answers the cause comes first where it is enough by itself, or nothing can be said of it.
  const sure = new Set(own.filter(({ fits }) => fits !== false).map(({ name }) => name))
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
