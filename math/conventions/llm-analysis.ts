/** llm-analysis: latency and memory of a training job, of which parameters, FLOPs and model states are given here. */
import type { Derived } from '../explain'
import { lettersOf } from '../parameters'
import { defineConvention, optimizerWithCopy, program, type Job } from './convention'

const source = program('llm-analysis', 'cli99/llm-analysis@d841e40', 'llm_analysis/analysis.py')

interface Parts {
  /** Of one layer, FFN left out. */
  readonly others: number
  readonly ffn: number
  readonly embedding: number
}

/** Biases, positions and the second embedding left out; every tensor rank has at least one key head. */
function partsOf({ shape, plan }: Job): Parts {
  const { hiddenSize: h, ffnHiddenSize: f, experts } = shape
  const keyHeads = Math.max(shape.keyValueHeads / plan.tensor, 1) * plan.tensor
  const attention = 2 * h * h + (2 * h * h * keyHeads) / shape.attentionHeads
  const router = experts > 1 ? h * experts : 0
  return {
    others: attention + router + 2 * h,
    ffn: (shape.gatedFfn ? 3 : 2) * h * f * experts,
    embedding: h * shape.vocabularySize,
  }
}

function parameters(job: Job): Derived {
  const { others, ffn, embedding } = partsOf(job)
  const { layers: L, hiddenSize: h } = job.shape
  return {
    value: L * (others + ffn) + embedding + h,
    formula: 'L·(o + x) + y + h',
    letters: { L, o: others, x: ffn, y: embedding, h },
    source,
    assumption: 'o attention, norms and router and x FFN of a layer, y one embedding; no biases, no positions',
  }
}

/** `bytes` a parameter, cut over data parallelism from this ZeRO stage on; a stage holds whole layers, rounded down. */
function states(job: Job, bytes: number, fromStage: number): Derived {
  const { shape, plan } = job
  const { others, ffn, embedding } = partsOf(job)
  const replicas = plan.data * plan.context
  const cut = plan.zeroStage >= fromStage
  const n = cut ? replicas : 1
  const q = cut ? replicas / plan.expert : 1
  const layers = Math.max(1, Math.floor(shape.layers / plan.pipeline))
  const layer = ffn / plan.expert / q + others / n
  return {
    value: (bytes * (layers * layer + (embedding + shape.hiddenSize) / n)) / plan.tensor,
    formula: 'x·(Q·y + z) / t',
    letters: { x: bytes, Q: layers, y: layer, z: (embedding + shape.hiddenSize) / n, t: plan.tensor },
    source,
    assumption: 'Q layers of the stage, rounded down; every stage is given the embedding',
  }
}

function flops(job: Job, passes: number): Derived {
  const { shape } = job
  const { hiddenSize: h, layers: L, sequenceLength: s, ffnHiddenSize: f, vocabularySize: V } = shape
  const ratio = shape.keyValueHeads / shape.attentionHeads
  const ffn = (shape.gatedFfn ? 6 : 4) * f
  const scores = job.plan.recompute === 'selective' && passes > 3 ? 4 * L * s * h : 0
  const forward = L * h * (4 * h + 4 * h * ratio + 4 * s + ffn) + 2 * h * V
  const times = scores > 0 ? 3 : passes
  return {
    value: times * forward + scores,
    formula: `${times}·(L·h·(4·h + 4·h·k / a + 4·s + y) + 2·h·V)${scores > 0 ? ' + 4·L·s·h' : ''}`,
    letters: { ...lettersOf(shape), y: ffn },
    source,
    assumption: 'one expert of a mixture is counted; attention over the whole square',
  }
}

export const llmAnalysis = defineConvention({
  name: 'llm-analysis',
  title: 'llm-analysis',
  help: 'one embedding, no biases; gradients always in fp32; stages hold whole layers, rounded down',
  source,
  count: job => ({
    parameters: parameters(job),
    flopsPerToken: flops(job, 3),
    hardwareFlopsPerToken: flops(job, job.plan.recompute === 'none' ? 3 : 4),
    parametersBytes: states(job, 2, 3),
    gradientsBytes: states(job, 4, 2),
    optimizerBytes: states(job, optimizerWithCopy(job), 1),
  }),
})
