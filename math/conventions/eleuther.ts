/** EleutherAI's cookbook: the calculators beside Transformer Math 101. */
import type { Derived } from '../explain'
import { lettersOf } from '../parameters'
import { sources } from '../sources'
import { defineConvention, optimizerWithCopy, program, type Counted, type Job } from './convention'

const source = program('EleutherAI cookbook', 'EleutherAI/cookbook@827ee3b', 'calc')
const BUCKET_ELEMENTS = 5e8
const LIVE_PARAMETERS = 1e9
/** One device of data, tensor and pipeline parallelism: it divides states by all of them. */
const devicesOf = ({ plan }: Job) => plan.devices

function parametersOf({ shape }: Job, experts: number): Derived {
  const { hiddenSize: h, layers: L, vocabularySize: V, sequenceLength: s, ffnHiddenSize: f } = shape
  const ratio = shape.keyValueHeads / shape.attentionHeads
  const g = shape.gatedFfn ? 3 : 2
  const attention = 2 * (1 + ratio) * L * h * h
  return {
    value: 2 * V * h + h * s + 8 * h * L + 2 * h + attention + experts * g * L * h * f,
    formula: '2·V·h + h·s + 8·h·L + 2·h + 2·(1 + k / a)·L·h·h + E·g·L·h·f',
    letters: { ...lettersOf(shape), E: experts },
    source,
    assumption: 'two embeddings, learned positions and norms with a bias for every model',
  }
}

/** The FFN is counted as one matrix of whole multiples, and the logits as 2·h·(V + 2), forward alone. */
function flopsOf({ shape }: Job, passes: number): Derived {
  const { hiddenSize: h, layers: L, vocabularySize: V, sequenceLength: s, ffnHiddenSize: f } = shape
  const ratio = shape.keyValueHeads / shape.attentionHeads
  const ffn = Math.floor((passes * 2 * (shape.gatedFfn ? 3 : 2) * f) / h) * shape.activeExperts
  const letters = { ...lettersOf(shape), i: passes, y: ffn }
  return {
    value: passes * (2 * (1 + 2 * ratio) + 2) * L * h * h + passes * 4 * L * s * h + ffn * L * h * h + 2 * h * (V + 2),
    formula: 'i·(2·(1 + 2·k / a) + 2)·L·h·h + i·4·L·s·h + y·L·h·h + 2·h·(V + 2)',
    letters,
    source,
    assumption:
      'i passes (3, or 4 with recomputation); y the FFN, 2·g·i·f / h rounded down; no backward pass for logits',
  }
}

function activationsOf({ shape, plan }: Job): Derived | undefined {
  const { microBatch: b, recompute } = plan
  if (b === undefined) return undefined
  const { hiddenSize: h, layers: L, sequenceLength: s, attentionHeads: a } = shape
  const scores = recompute === 'none' ? (5 * a * s) / h : 0
  const cut = plan.sequenceParallel ? plan.tensor : 1
  return {
    value: (s * b * h * L * (34 + scores)) / cut,
    formula: `s·b·h·L·${scores === 0 ? '34' : '(34 + 5·a·s / h)'}${cut === 1 ? '' : ' / t'}`,
    letters: { ...lettersOf(shape), b, t: plan.tensor },
    source,
    assumption: 'any recomputation is taken as selective; pipeline stages do not divide the layers',
  }
}

function statesOf(job: Job): Pick<Counted, 'parametersBytes' | 'gradientsBytes' | 'optimizerBytes' | 'buffersBytes'> {
  const { plan, shape } = job
  const P = parametersOf(job, shape.experts > 1 ? shape.experts / plan.expert : 1).value
  const low = plan.precision === 'fp32' || plan.precision === 'tf32' ? 4 : 2
  const N = devicesOf(job)
  const zero = plan.zeroStage
  const split = plan.tensor * plan.pipeline * (zero >= 3 ? N : 1)
  const gradients = job.gradientBytes ?? 4
  // Of the optimizer it asks how many bytes: 12 with AdamW, 8 with one moment.
  const optimizer = optimizerWithCopy(job)
  const part = (value: number, formula: string, letters: Record<string, number>): Derived => ({
    value,
    formula,
    letters,
    source,
    assumption: 'gradients and optimizer are not divided by tensor and pipeline parallelism, unless by ZeRO',
  })
  const bucket = zero >= 1 && N > 1 ? BUCKET_ELEMENTS * low : 0
  const live = zero >= 3 && N > 1 ? LIVE_PARAMETERS * low : 0
  return {
    parametersBytes: part((P * low) / split, 'P·x / n', { P, x: low, n: split }),
    gradientsBytes: part((P * gradients) / (zero >= 2 ? N : 1), 'P·x / n', { P, x: gradients, n: zero >= 2 ? N : 1 }),
    optimizerBytes: part((P * optimizer) / (zero >= 1 ? N : 1), 'P·x / n', { P, x: optimizer, n: zero >= 1 ? N : 1 }),
    buffersBytes: part(bucket + live, 'l + z', { l: bucket, z: live }),
  }
}

export const eleuther = defineConvention({
  name: 'eleuther',
  title: 'EleutherAI cookbook',
  help: 'Transformer Math 101 as its calculators do it: two embeddings, learned positions, logits forward alone',
  source: sources.transformerMath,
  count(job) {
    const activationsBytes = activationsOf(job)
    return {
      parameters: parametersOf(job, 1),
      flopsPerToken: flopsOf(job, 3),
      hardwareFlopsPerToken: flopsOf(job, 4),
      ...statesOf(job),
      ...(activationsBytes !== undefined && { activationsBytes }),
    }
  },
})
