/** Jobs that run out of memory, whose truth is known because a model made it: on devices of 80 GB, of five causes. */
import { changedBy } from '../analysis/post-mortem/changes'
import type { Scene } from '../analysis/post-mortem/index'
import { seededRandom } from '../base/random'
import type { PredictInput } from '../math/input'
import { predict } from '../math/predict'
import { findPreset } from '../math/presets'
import type { CauseName, Remedy } from '../wire/post-mortem'

export const GIB = 1024 ** 3
export const STEPS = 60

/** What no prediction knows of a job: how much its activations really hold, its context, what lies beside it. */
interface Truth {
  readonly job: PredictInput
  readonly activationFactor: number
  readonly contextBytes: number
  readonly capacity: number
}

/** Bytes that tensors really take. */
function tensorsOf({ activationFactor }: Truth, job: PredictInput): number {
  return predict({ ...job, calibration: { activationFactor } }).memory.totalBytes ?? NaN
}

const MODELS = ['gpt2-xl', 'llama-3-8b', 'llama-2-13b', 'llama-3-70b', 'mixtral-8x7b'] as const
const LAYOUTS: readonly PredictInput['parallelism'][] = [
  { worldSize: 8, zeroStage: 3 },
  { worldSize: 16, tensor: 2, zeroStage: 1, sequenceParallel: true },
  { worldSize: 32, tensor: 4, pipeline: 2, zeroStage: 1, sequenceParallel: true },
  { worldSize: 64, tensor: 8, pipeline: 4, zeroStage: 1, sequenceParallel: true },
  { worldSize: 16, zeroStage: 2 },
]

const PLANS = ['none', 'selective', 'full'].flatMap(recompute =>
  [1, 2, 4, 8, 16, 32].map(micro => [micro, recompute] as const),
)

/** Jobs on an 80 GB device with micro-batches that take between these shares of it. */
function jobsBetween(least: number, most: number, random: () => number): Truth[] {
  return MODELS.flatMap(name =>
    LAYOUTS.flatMap(parallelism =>
      PLANS.flatMap(([micro, recompute]) => {
        const sequenceLength = name === 'gpt2-xl' ? 1024 : 4096
        const job: PredictInput = {
          framework: 'megatron',
          model: { ...findPreset(name)?.model, sequenceLength },
          parallelism,
          batch: { micro, global: 1024 },
          precision: 'bf16',
          optimizer: 'adamw',
          recompute,
          hardware: { gpu: 'h100-sxm', networkBytesPerSecond: 50e9 },
          flashAttention: true,
        }
        const truth = {
          job,
          activationFactor: 0.8 + 0.6 * random(),
          contextBytes: (0.6 + 1.2 * random()) * GIB,
          capacity: 79.1 * GIB,
        }
        const share = tensorsOf(truth, job) / truth.capacity
        return (name !== 'gpt2-xl' || (parallelism?.tensor ?? 1) === 1) && share > least && share < most ? [truth] : []
      }),
    ),
  )
}

export interface Case {
  readonly truth: Truth
  readonly cause: CauseName
  readonly scene: Scene
  /** Whether the job so changed really fits. */
  readonly fits: (remedy: Remedy) => boolean
}

/** The end of a job as its log tells of it. */
function sceneOf(
  truth: Truth,
  peaks: readonly number[],
  at: { tensors: number; unused?: number; others?: number; requested: number },
): Scene {
  const { capacity, contextBytes, job } = truth
  const unused = at.unused ?? 0.02 * at.tensors
  const process = at.tensors + unused + contextBytes
  const free = Math.max(0, capacity - process - (at.others ?? 0))
  const time = peaks.length
  return {
    run: 'r',
    config: job,
    device: {},
    peaksByRank: new Map([[3, peaks.at(-1) ?? at.tensors]]),
    events: [
      {
        kind: 'event',
        type: 'oom',
        time: time + 0.5,
        rank: 3,
        message: 'CUDA out of memory.',
        requestedBytes: at.requested,
        capacityBytes: capacity,
        freeBytes: free,
        processBytes: process,
        allocatedBytes: at.tensors,
        reservedUnallocatedBytes: unused,
      },
      {
        kind: 'event',
        type: 'nccl-timeout',
        time: time + 60,
        rank: 1,
        message: 'Watchdog caught collective operation timeout',
      },
    ],
    history: {
      step: peaks.map((_, index) => index),
      time: peaks.map((_, index) => index),
      peakBytes: peaks,
      reservedBytes: peaks.map(peak => 1.02 * peak),
    },
    ...(peaks.length > 0 && { lastStep: peaks.length - 1, lastStepAt: peaks.length - 1 }),
    ...(peaks.length === 0 && { lastStep: undefined, lastStepAt: undefined }),
  } as Scene
}

const noisy = (bytes: number, random: () => number) =>
  Array.from({ length: STEPS }, () => bytes * (1 + 0.01 * (random() - 0.5)))

/** The job by the plan that a remedy names. */
function plannedJob(job: PredictInput, title: string): PredictInput {
  const of = (name: string) => Number(new RegExp(`${name} (\\d+)`).exec(title)?.[1])
  const [tensor, pipeline, context, data] = [of('tensor'), of('pipeline'), of('context'), of('data')]
  return {
    ...job,
    parallelism: { tensor, pipeline, context, data, zeroStage: of('ZeRO'), sequenceParallel: tensor > 1 },
    batch: { ...job.batch, micro: of('micro-batch') },
    recompute: /recomputation (\w+)/.exec(title)?.[1],
  }
}

function changedFits(truth: Truth, { name, title }: Remedy, beside = 0): boolean {
  const changed = name === 'plan' ? plannedJob(truth.job, title) : changedBy(name, truth.job)
  if (changed === undefined) return false
  return 1.02 * tensorsOf(truth, changed) + truth.contextBytes + beside <= truth.capacity
}

export const CASES: readonly {
  readonly cause: CauseName
  readonly least: number
  readonly most: number
  readonly of: (truth: Truth, random: () => number) => Omit<Case, 'truth' | 'cause'>
}[] = [
  {
    cause: 'too-large',
    least: 1.02,
    most: 2.5,
    of(truth) {
      const whole = tensorsOf(truth, truth.job)
      const tensors = 0.9 * truth.capacity
      const scene = sceneOf(truth, [], { tensors, requested: whole - tensors + 0.05 * truth.capacity })
      return { scene, fits: one => changedFits(truth, one) || one.name === 'device' }
    },
  },
  {
    cause: 'leak',
    least: 0.3,
    most: 0.85,
    of(truth) {
      const base = tensorsOf(truth, truth.job)
      const end = 0.96 * truth.capacity - truth.contextBytes
      const peaks = Array.from({ length: STEPS }, (_, step) => base + ((end - base) * step) / STEPS)
      return { scene: sceneOf(truth, peaks, { tensors: end, requested: 3 * GIB }), fits: ({ name }) => name === 'leak' }
    },
  },
  {
    cause: 'fragmentation',
    least: 0.5,
    most: 0.8,
    of(truth, random) {
      const tensors = tensorsOf(truth, truth.job)
      const unused = truth.capacity - tensors - truth.contextBytes - 0.3 * GIB
      const requested = Math.min(0.8 * unused, (1 + 2 * random()) * GIB)
      return {
        scene: sceneOf(truth, noisy(tensors, random), { tensors, unused, requested }),
        fits: one => one.name === 'expandable-segments' || changedFits(truth, one),
      }
    },
  },
  {
    cause: 'neighbour',
    least: 0.4,
    most: 0.85,
    of(truth, random) {
      const tensors = tensorsOf(truth, truth.job)
      const requested = 0.5 * GIB
      const others = truth.capacity - 1.02 * tensors - truth.contextBytes - 0.2 * GIB
      return {
        scene: sceneOf(truth, noisy(tensors, random), { tensors, others, requested }),
        fits: one => one.name === 'neighbour' || changedFits(truth, one, others),
      }
    },
  },
  {
    cause: 'larger-step',
    least: 0.35,
    most: 0.75,
    of(truth, random) {
      const usual = tensorsOf(truth, truth.job)
      const tensors = 0.93 * truth.capacity - truth.contextBytes
      const scene = sceneOf(truth, noisy(usual, random), { tensors, requested: 0.08 * truth.capacity })
      return { scene, fits: ({ name }) => name === 'length' }
    },
  },
]

export function allCases(): Case[] {
  const random = seededRandom(7)
  return CASES.flatMap(({ cause, least, most, of }) =>
    jobsBetween(least, most, random).map(truth => ({ truth, cause, ...of(truth, random) })),
  )
}
