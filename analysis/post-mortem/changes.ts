/** Changes of a job that take less memory, and how each framework is told of them. One entry each. */
import type { PredictInput } from '../../math/input'

type Framework = 'megatron' | 'deepspeed' | 'hugging-face' | 'torchtitan'
/** What to say to a framework, for the job so changed. */
type Hows = Partial<Record<Framework, (changed: PredictInput) => string>>

export interface Change {
  readonly name: string
  readonly title: string
  readonly how: Hows
  /** The job so changed; undefined where it cannot be. */
  readonly of: (job: PredictInput) => PredictInput | undefined
  /** Costs the time of copies to the host and back. */
  readonly isOffload?: boolean
}

const FRAMEWORKS: readonly (readonly [pattern: RegExp, framework: Framework])[] = [
  [/torchtitan/i, 'torchtitan'],
  [/deepspeed|neox/i, 'deepspeed'],
  [/megatron|nemo/i, 'megatron'],
  [/hugging|transformers|hf.?trainer|trl|axolotl/i, 'hugging-face'],
]
const frameworkOf = ({ framework = '' }: PredictInput) => FRAMEWORKS.find(([pattern]) => pattern.test(framework))?.[1]

export function howOf(hows: Hows, changed: PredictInput): string | null {
  const framework = frameworkOf(changed)
  return (framework === undefined ? undefined : hows[framework]?.(changed)) ?? null
}

const degrees = (job: PredictInput) => job.parallelism ?? {}
/** Devices of the job. */
export const worldOf = (job: PredictInput) => degrees(job).worldSize ?? job.hardware?.count ?? 1
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

const deepspeedZero = (stage: number) => () => `"zero_optimization": {"stage": ${stage}}`
const degree = (name: 'tensor' | 'pipeline' | 'context', job: PredictInput) => degrees(job)[name] ?? 1
const microOf = ({ batch }: PredictInput) => batch?.micro ?? 1

export const CHANGES: readonly Change[] = [
  {
    name: 'micro-batch',
    title: 'Half the micro-batch, twice the gradient accumulation',
    how: {
      megatron: job => `--micro-batch-size ${microOf(job)}`,
      deepspeed: job => `"train_micro_batch_size_per_gpu": ${microOf(job)}`,
      'hugging-face': job => `--per_device_train_batch_size ${microOf(job)}`,
      torchtitan: job => `--training.local_batch_size ${microOf(job)}`,
    },
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
    of: recompute('selective'),
    how: {
      megatron: () => '--recompute-activations',
      torchtitan: () => '--activation_checkpoint.mode selective',
    },
  },
  {
    name: 'full',
    title: 'Full recomputation',
    of: recompute('full'),
    how: {
      megatron: () => '--recompute-granularity full --recompute-method uniform --recompute-num-layers 1',
      'hugging-face': () => '--gradient_checkpointing',
      torchtitan: () => '--activation_checkpoint.mode full',
    },
  },
  {
    name: 'zero-1',
    title: 'ZeRO stage 1: optimizer states cut over the replicas',
    of: zero(1),
    how: { megatron: () => '--use-distributed-optimizer', deepspeed: deepspeedZero(1) },
  },
  {
    name: 'zero-2',
    title: 'ZeRO stage 2: gradients cut as well',
    of: zero(2),
    how: { deepspeed: deepspeedZero(2) },
  },
  {
    name: 'zero-3',
    title: 'ZeRO stage 3 or FSDP: parameters cut as well',
    of: zero(3),
    how: {
      deepspeed: deepspeedZero(3),
      'hugging-face': () => '--fsdp full_shard',
      torchtitan: () => '--parallelism.data_parallel_shard_degree -1',
    },
  },
  {
    name: 'tensor',
    title: 'Twice the tensor parallelism, with sequence parallelism',
    of: twice('tensor', 8),
    how: {
      megatron: job => `--tensor-model-parallel-size ${degree('tensor', job)} --sequence-parallel`,
      torchtitan: job => `--parallelism.tensor_parallel_degree ${degree('tensor', job)}`,
    },
  },
  {
    name: 'pipeline',
    title: 'Twice the pipeline stages',
    of: twice('pipeline', 64),
    how: {
      megatron: job => `--pipeline-model-parallel-size ${degree('pipeline', job)}`,
      torchtitan: job => `--parallelism.pipeline_parallel_degree ${degree('pipeline', job)}`,
    },
  },
  {
    name: 'context',
    title: 'Twice the context parallelism',
    of: twice('context', 64),
    how: {
      megatron: job => `--context-parallel-size ${degree('context', job)}`,
      torchtitan: job => `--parallelism.context_parallel_degree ${degree('context', job)}`,
    },
  },
  {
    name: 'adam-8bit',
    title: '8-bit Adam',
    how: { 'hugging-face': () => '--optim adamw_bnb_8bit' },
    of: job => (/^(fused_?)?adam(w|$)/i.test(job.optimizer ?? 'adamw') ? { ...job, optimizer: 'adam8bit' } : undefined),
  },
  {
    name: 'offload',
    title: 'The optimizer kept in host memory',
    isOffload: true,
    how: {
      megatron: () => '--optimizer-cpu-offload',
      deepspeed: () => '"offload_optimizer": {"device": "cpu"}',
    },
    of: job => (job.offload === undefined ? { ...job, offload: 'optimizer' } : undefined),
  },
  {
    name: 'sequence',
    title: 'Half the sequence length',
    how: {
      megatron: ({ model }) => `--seq-length ${model?.sequenceLength ?? ''}`,
      torchtitan: ({ model }) => `--training.seq_len ${model?.sequenceLength ?? ''}`,
    },
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
