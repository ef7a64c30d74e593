/** How a job is cut over devices and in time, with every degree known or noted as taken for granted. */
import type { PredictInput } from './input'
import type { Notes } from './notes'
import { RECOMPUTE, type Recompute } from './flops'

export const PRECISIONS = ['fp32', 'tf32', 'bf16', 'fp16', 'fp8'] as const
export type Precision = (typeof PRECISIONS)[number]

export interface Plan {
  readonly tensor: number
  readonly pipeline: number
  readonly data: number
  readonly context: number
  readonly expert: number
  readonly virtualStages: number
  readonly zeroStage: number
  readonly sequenceParallel: boolean
  /** Devices over which model states are cut. */
  readonly shards: number
  readonly schedule: '1f1b' | 'gpipe'
  /** Bytes of a logit at the worst moment. */
  readonly logitBytes: number
  /** Selective recomputation by operation, as torchtitan does it, instead of attention alone. */
  readonly selectsOperations: boolean
  /** With a pipeline, parameters stay gathered and gradients whole until the step ends (torchtitan's FSDP). */
  readonly keepsGathered: boolean
  /** Gradients are copied into buckets for their all-reduce (DistributedDataParallel, as it is by default). */
  readonly copiesGradients: boolean
  readonly offload: 'none' | 'optimizer' | 'parameters'
  readonly devices: number
  readonly microBatch: number | undefined
  readonly globalBatch: number | undefined
  /** Micro-batches of one step and replica; not always whole. */
  readonly microBatches: number | undefined
  readonly precision: Precision
  readonly recompute: Recompute
  /** Recomputation by size: activations of more bytes than this on a device are made again. */
  readonly recomputeAboveBytes: number
}

const ALIASES = new Map<string, Precision>([
  ['float32', 'fp32'],
  ['float16', 'fp16'],
  ['half', 'fp16'],
  ['bfloat16', 'bf16'],
  ['float8', 'fp8'],
  ['mxfp8', 'fp8'],
])

/** `bfloat16`, `torch.bfloat16` and `BF16` are all bf16; undefined where the word is not known. */
export function precisionOf(text: string): Precision | undefined {
  const word = text.toLowerCase().replace(/^torch\./, '')
  return PRECISIONS.find(precision => precision === word) ?? ALIASES.get(word)
}

/** Bytes of a weight; int4 packs two in one. */
export const WEIGHT_BYTES = { fp32: 4, tf32: 4, bf16: 2, fp16: 2, fp8: 1, int8: 1, int4: 0.5 } as const
export type WeightPrecision = keyof typeof WEIGHT_BYTES

/** `int8`, `INT4`, `bfloat16`; undefined where the word is not known. */
export function weightPrecisionOf(text: string): WeightPrecision | undefined {
  const word = text.toLowerCase()
  return word === 'int8' || word === 'int4' ? word : precisionOf(word)
}

function readPrecision(input: PredictInput, notes: Notes): Precision {
  const known = input.precision === undefined ? undefined : precisionOf(input.precision)
  if (known === undefined) notes.assume(`precision = bf16 (${input.precision ?? 'nothing'} was given)`)
  return known ?? 'bf16'
}

function readRecompute(input: PredictInput, notes: Notes): Pick<Plan, 'recompute' | 'recomputeAboveBytes'> {
  const given = input.recompute?.toLowerCase()
  const recomputeAboveBytes = input.recomputeAboveBytes ?? Infinity
  const known = RECOMPUTE.find(one => one === given)
  if (known === 'by-size' && input.recomputeAboveBytes === undefined)
    notes.assume('recomputeAboveBytes = none, so that nothing is recomputed (not given)')
  if (known !== undefined) return { recompute: known, recomputeAboveBytes }
  if (given === undefined && input.recomputeAboveBytes !== undefined)
    return { recompute: 'by-size', recomputeAboveBytes }
  notes.assume(`recompute = none (${input.recompute ?? 'nothing'} was given)`)
  return { recompute: 'none', recomputeAboveBytes }
}

/** Data parallelism is what the other degrees leave of the devices. */
function readDegrees(input: PredictInput, notes: Notes) {
  const given = input.parallelism ?? {}
  const tensor = given.tensor ?? 1
  const pipeline = given.pipeline ?? 1
  const context = given.context ?? 1
  const model = tensor * pipeline * context
  const world = given.worldSize ?? input.hardware?.count
  if (given.data === undefined && world === undefined) notes.assume('data parallelism = 1 (no device count was given)')
  const data = given.data ?? Math.max(1, (world ?? model) / model)
  if (world !== undefined && Math.abs(data * model - world) > 1e-9) {
    notes.assume(`${data * model} devices by the degrees of parallelism, though ${world} were given`)
  }
  return { tensor, pipeline, context, data, devices: data * model }
}

function readBatch(input: PredictInput, data: number, notes: Notes) {
  const { micro, global } = input.batch ?? {}
  if (micro === undefined && global !== undefined) {
    notes.assume(`batch.micro = ${global / data} (not given; no gradient accumulation)`)
    return { microBatch: global / data, globalBatch: global, microBatches: 1 }
  }
  const microBatches = micro === undefined || global === undefined ? undefined : Math.max(1, global / (data * micro))
  return { microBatch: micro, globalBatch: global, microBatches }
}

/**
 * Megatron's loss works on the fp32 logits in place. PyTorch's keeps them as the output layer gives them, in fp32, as the
 * logarithm of their softmax, and their gradient.
 */
function logitBytesOf(input: PredictInput): number {
  if (!usesAutocast(input.framework)) return 4
  const precision = input.precision === undefined ? undefined : precisionOf(input.precision)
  return precision === 'fp32' || precision === 'tf32' ? 12 : 14
}

export function readPlan(input: PredictInput, notes: Notes): Plan {
  const degrees = readDegrees(input, notes)
  const given = input.parallelism ?? {}
  // torchtitan shards with FSDP unless it is told to replicate.
  const zeroStage = given.zeroStage ?? (isTorchtitan(input.framework) && degrees.data > 1 ? 3 : 0)
  if (given.zeroStage === undefined && degrees.data > 1) notes.assume(`zeroStage = ${zeroStage} (not given)`)
  return {
    ...degrees,
    ...readBatch(input, degrees.data, notes),
    expert: given.expert ?? 1,
    virtualStages: given.virtualStages ?? 1,
    zeroStage,
    sequenceParallel: given.sequenceParallel ?? false,
    shards: Math.min(given.shardGroup ?? Infinity, degrees.data * degrees.context),
    logitBytes: logitBytesOf(input),
    selectsOperations: isTorchtitan(input.framework),
    copiesGradients:
      usesAutocast(input.framework) && !isTorchtitan(input.framework) && zeroStage === 0 && degrees.data > 1,
    keepsGathered: isTorchtitan(input.framework) && degrees.pipeline > 1,
    schedule: given.schedule ?? '1f1b',
    offload: input.offload ?? 'none',
    precision: readPrecision(input, notes),
    ...readRecompute(input, notes),
  }
}

/** Frameworks that keep parameters in fp32 and cast for each matmul (automatic mixed precision, FSDP mixed precision). */
const AUTOCAST = /nanogpt|torchtitan|hugging|transformers|hf.?trainer|pytorch|lightning/i
/** Frameworks whose attention keeps no scores unless told otherwise. */
const FUSED_ATTENTION = /nanogpt|torchtitan|hugging|transformers|hf.?trainer/i

export const usesAutocast = (framework: string | undefined) => AUTOCAST.test(framework ?? '')
/** Whether attention keeps no scores: as given, as seen, or as LLaMA-like models and some frameworks do unless told otherwise. */
export const usesFusedAttention = ({ flashAttention, model, framework }: PredictInput, gatedFfn: boolean | undefined) =>
  flashAttention ?? model?.fusedAttention ?? (FUSED_ATTENTION.test(framework ?? '') || gatedFfn === true)
const isTorchtitan = (framework: string | undefined) => /torchtitan/i.test(framework ?? '')
export const isMegatron = (framework: string | undefined) => /megatron|nemo/i.test(framework ?? '')
