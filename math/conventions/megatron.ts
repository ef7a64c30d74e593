/** Megatron-LM: the FLOPs of its log lines and the memory report at its start. */
import type { Derived } from '../explain'
import { lettersOf } from '../parameters'
import { defineConvention, paddedVocabulary, program, type Job } from './convention'
import { megatronFlops } from './weights'

const memory = program('Megatron-LM', 'NVIDIA/Megatron-LM@d98e8a6', 'megatron/training/theoretical_memory_usage.py')
const flops = program('Megatron-LM', 'NVIDIA/Megatron-LM@d98e8a6', 'megatron/training/training.py')

/** Weights, fp32 gradients and AdamW of the most loaded stage: 18 bytes a parameter, 6 + 12/d with its distributed optimizer. */
function states(job: Job): Derived {
  const { shape, plan } = job
  const { hiddenSize: h, layers: L, ffnHiddenSize: f } = shape
  const norm = shape.biases ? 2 : 1
  const attention = 2 * h * (shape.attentionHeads + shape.keyValueHeads) * shape.headSize
  const ffn = (shape.gatedFfn ? 3 : 2) * h * f
  const embedding = h * paddedVocabulary(job)
  const experts = shape.experts > 1 ? shape.experts * ffn : 0
  const dense = (attention + 2 * h * norm + (experts > 0 ? 0 : ffn)) * L + norm * h
  const output = !shape.tiedEmbeddings && plan.pipeline === 1 ? embedding : 0
  const S = (dense / plan.pipeline + embedding + output) / plan.tensor
  const M = (experts * L) / plan.pipeline / plan.expert
  const n = plan.data * plan.context
  const perParameter = (replicas: number) => (plan.zeroStage >= 1 ? 6 + 12 / replicas : 18)
  const replicas = Math.max(1, n / plan.expert)
  return {
    value: S * perParameter(n) + M * perParameter(replicas),
    formula: 'S·x + M·y',
    letters: { S, M, x: perParameter(n), y: perParameter(replicas) },
    source: memory,
    assumption:
      'S parameters of the first stage, M of its experts; biases left out; a stage may hold a part of a layer',
  }
}

/** Micro-batches in flight, as a share of those that a full pipeline holds. */
function schedule({ plan }: Job): number {
  const { pipeline: p, virtualStages: v, microBatches: m } = plan
  if (v > 1) return 1 + (p - 1) / (p * v)
  return p > 1 && m !== undefined ? Math.min(1, m / p) : 1
}

function activations(job: Job): Derived | undefined {
  const { shape, plan } = job
  const { microBatch: b, tensor: t, pipeline: p } = plan
  if (b === undefined) return undefined
  const { hiddenSize: h, layers: L, sequenceLength: s, ffnHiddenSize: f } = shape
  const V = paddedVocabulary(job)
  const selective = plan.sequenceParallel && plan.recompute === 'selective'
  const layer = s * b * h * (selective ? 18 + (4 * f) / h : 10 + 24 / t)
  const inFlight = (layer * L + 8 * s * b * p + s * b * h * p) * schedule(job)
  const output = p > 1 ? 0 : selective ? 4 * s * b * (h + V) : 2 * s * b * (V / t + h)
  const letters = { ...lettersOf(shape), b, t, p, V, i: schedule(job), x: output }
  return selective
    ? {
        value: (inFlight + output) / t,
        formula: '((s·b·h·(18 + 4·f / h)·L + 8·s·b·p + s·b·h·p)·i + x) / t',
        letters,
        source: memory,
        assumption: 'sequence parallelism with selective recomputation; x the output layer',
      }
    : {
        value: (inFlight + output) * 1.05,
        formula: '((s·b·h·(10 + 24 / t)·L + 8·s·b·p + s·b·h·p)·i + x)·1.05',
        letters,
        source: memory,
        assumption: 'taken for every job without sequence parallelism; 5 % on top',
      }
}

export const megatron = defineConvention({
  name: 'megatron',
  title: 'Megatron-LM',
  help: 'its log since March 2025: 6 FLOPs a weight of matmuls, attention over the causal half, the vocabulary padded',
  source: flops,
  count(job) {
    const activationsBytes = activations(job)
    return {
      flopsPerToken: { ...megatronFlops(job), source: flops },
      statesBytes: states(job),
      ...(activationsBytes !== undefined && { activationsBytes }),
    }
  },
})
