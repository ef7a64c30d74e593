import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layerActivations, stageActivations } from '../../math/activations'
import type { ModelShape } from '../../math/dimensions'
import { predict, type PredictInput } from '../../math/predict'
import { endStages, inFlightMicroBatches } from '../../math/stage'
import { anyInput, planOf, shapeOf } from './math-shapes'

/** Models of the recomputation paper, table 3: f = 4h, dropout, biases. */
const paper = (layers: number, hiddenSize: number, attentionHeads: number): ModelShape => ({
  ...shapeOf('gpt3-175b'),
  layers,
  hiddenSize,
  attentionHeads,
  keyValueHeads: attentionHeads,
  headSize: hiddenSize / attentionHeads,
  ffnHiddenSize: 4 * hiddenSize,
  sequenceLength: 2048,
  vocabularySize: 51200,
})
const SIZES = [paper(48, 6144, 64), paper(96, 12288, 96), paper(105, 20480, 128), paper(128, 25600, 160)]
const layer = (shape: ModelShape, input: PredictInput, microBatch = 1, flash = false) =>
  layerActivations(shape, planOf({ precision: 'fp16', ...input }), microBatch, flash).value

describe('recomputation by size', () => {
  const bySize = (input: PredictInput, recomputeAboveBytes: number) =>
    predict({ ...input, recompute: 'by-size', recomputeAboveBytes })

  it('keeps everything below an endless threshold, and the input of a layer alone below none', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const all = bySize(input, Infinity)
        const none = predict({ ...input, recompute: 'none' })
        expect(all.memory.activationsBytes).toBeCloseTo(none.memory.activationsBytes ?? NaN, 3)
        expect(all.flops.hardwarePerToken).toBe(none.flops.hardwarePerToken)
        const full = predict({ ...input, recompute: 'full' })
        expect(bySize(input, 0).memory.activationsBytes).toBeCloseTo(full.memory.activationsBytes ?? NaN, 3)
      }),
      { numRuns: 200 },
    )
  })

  it('trades memory for FLOPs, step by step', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const steps = [0, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10].map(threshold => bySize(input, threshold))
        steps.slice(1).forEach((more, index) => {
          const less = steps[index]
          expect(more.memory.activationsBytes).toBeGreaterThanOrEqual(less?.memory.activationsBytes ?? NaN)
          expect(more.flops.hardwarePerToken).toBeLessThanOrEqual(less?.flops.hardwarePerToken ?? NaN)
        })
      }),
      { numRuns: 200 },
    )
  })

  it('drops the attention scores of GPT-3 first, as selective recomputation does', () => {
    const gpt3 = { ...shapeOf('gpt3-175b') }
    const input: PredictInput = {
      model: gpt3,
      precision: 'fp16',
      batch: { micro: 1, global: 1 },
      flashAttention: false,
    }
    // Scores are 2 GiB a layer in 16 bits with mask and dropout; the next largest tensor is 192 MiB.
    const dropped = bySize(input, 512 * 2 ** 20).memory.activationsBytes
    expect(dropped).toBe(predict({ ...input, recompute: 'selective' }).memory.activationsBytes)
  })
})

describe('activations of a layer', () => {
  // Korthikanti et al. 2022 (arXiv:2205.05198), table 2, with s·b·h taken out.
  const TABLE = [
    ['no parallelism', {}, (_: number, scores: number) => 34 + scores],
    ['tensor parallel', { tensor: 8 }, (t: number, scores: number) => 10 + 24 / t + scores / t],
    ['with sequence parallel', { tensor: 8, sequenceParallel: true }, (t: number, scores: number) => (34 + scores) / t],
    ['tensor parallel, selective', { tensor: 8, recompute: 'selective' }, (t: number) => 10 + 24 / t],
    ['with both', { tensor: 8, sequenceParallel: true, recompute: 'selective' }, (t: number) => 34 / t],
    ['full recomputation', { tensor: 8, recompute: 'full' }, () => 2],
  ] as const

  it.each(TABLE)('%s: as table 2 of the recomputation paper', (_, { ...options }, expected) => {
    const { recompute, ...parallelism } = { recompute: 'none', ...options }
    for (const shape of SIZES) {
      const { sequenceLength: s, hiddenSize: h, attentionHeads: a } = shape
      const tensor = 'tensor' in parallelism ? parallelism.tensor : 1
      const bytes = layer(shape, { parallelism, recompute }, 4)
      expect(bytes / (s * 4 * h * expected(tensor, (5 * a * s) / h))).toBeCloseTo(1, 12)
    }
  })

  it('with full recomputation are cut by sequence parallelism, as the input of a layer then is', () => {
    const [shape = paper(1, 64, 1)] = SIZES
    const whole = layer(shape, { parallelism: { tensor: 8 }, recompute: 'full' })
    expect(layer(shape, { parallelism: { tensor: 8, sequenceParallel: true }, recompute: 'full' })).toBe(whole / 8)
  })

  // Section 5: selective recomputation saves 70 % of GPT-3's activations and 65 % of MT-NLG's.
  it.each([
    ['GPT-3', SIZES[1], 0.7],
    ['MT-NLG', SIZES[2], 0.65],
  ])('of %s shrink as published with selective recomputation', (_, shape = paper(1, 64, 1), saved) => {
    expect(1 - layer(shape, { recompute: 'selective' }) / layer(shape, {})).toBeCloseTo(saved, 2)
  })

  // Figure 7: each technique alone cuts the memory of tensor parallelism to about a half (by the formulas: two thirds at most), both together leave about a fifth.
  it('of the paper’s models shrink as its figure 7 says', () => {
    for (const shape of SIZES) {
      const tensor = layer(shape, { parallelism: { tensor: 8 } })
      const of = (parallelism: object, recompute = 'none') =>
        layer(shape, { parallelism: { tensor: 8, ...parallelism }, recompute }) / tensor
      expect(of({ sequenceParallel: true })).toBeLessThan(0.7)
      expect(of({}, 'selective')).toBeLessThan(0.7)
      expect(of({ sequenceParallel: true }, 'selective')).toBeLessThan(0.21)
      expect(of({}, 'full')).toBeLessThan(0.12)
    }
  })

  it('do not hold scores with flash attention, which is what selective recomputation spares', () => {
    const shape = shapeOf('gpt3-175b')
    expect(layer(shape, {}, 1, true)).toBe(layer(shape, { recompute: 'selective' }))
  })

  // Saved tensors of a layer of transformers 5.17 with torch 2.13, eager attention, over a·s²: LLaMA 4 bytes in fp32 and 6 in bf16 (its
  // softmax is in fp32); GPT-2 without dropout 4 in fp32; the paper's 5 are with dropout in 16 bits.
  it.each([
    ['llama-2-7b', 'fp32', undefined, 4],
    ['llama-2-7b', 'bf16', undefined, 6],
    ['gpt2', 'fp32', false, 4],
    ['gpt2', 'bf16', undefined, 5],
  ] as const)('of %s in %s keep of a score what was measured', (name, precision, dropout, bytes) => {
    const shape = { ...shapeOf(name), ...(dropout !== undefined && { dropout }) }
    const { attentionHeads: a, sequenceLength: s } = shape
    const scores = layer(shape, { precision }) - layer(shape, { precision }, 1, true)
    expect(scores / (a * s * s)).toBeCloseTo(bytes, 9)
  })

  it('are twice as large in fp32, but for the masks of a byte', () => {
    const shape = shapeOf('llama-2-7b')
    expect(layer(shape, { precision: 'fp32' }, 1, true)).toBe(2 * layer(shape, { precision: 'bf16' }, 1, true))
    expect(layer(shape, { precision: 'fp8' }, 1, true)).toBe(layer(shape, { precision: 'bf16' }, 1, true))
  })

  it('of LLaMA: norms, projections with shared heads, three parts of a gated FFN', () => {
    const { hiddenSize: h, sequenceLength: s, ffnHiddenSize: f, ...shape } = shapeOf('llama-3-8b')
    const bytes = layer({ hiddenSize: h, sequenceLength: s, ffnHiddenSize: f, ...shape }, {}, 1, true)
    expect(bytes).toBe(s * 2 * (4 * h + 2 * h + 2 * (h / 4) + 3 * f))
  })
})

describe('micro-batches in flight', () => {
  const inFlight = (pipeline: number, virtualStages: number, index: number, microBatches = 512) =>
    inFlightMicroBatches(
      planOf({ parallelism: { pipeline, virtualStages }, batch: { micro: 1, global: microBatches } }),
      index,
    )

  it('are p − i on stage i of 1F1B', () => {
    expect([0, 1, 2, 3].map(index => inFlight(4, 1, index))).toEqual([4, 3, 2, 1])
  })

  it('are more by (p − 1)/(p·v) on the first stage of the interleaved schedule', () => {
    // Recomputation paper, section 4.2.3: L·(1 + (p − 1)/(p·m)) layers' worth of activations.
    for (const [p, v] of [
      [8, 3],
      [35, 3],
      [4, 2],
    ] as const)
      expect(inFlight(p, v, 0)).toBeCloseTo(p * (1 + (p - 1) / (p * v)), 12)
  })

  it('are never more than a step has', () => {
    expect(inFlight(16, 1, 0, 4)).toBe(4)
    expect(inFlight(16, 2, 0, 4)).toBe(4)
  })
})

describe('activations of a device', () => {
  /** Of the first and the last stage: which of them is the fullest may change with what the properties change. */
  const activations = ({ model, ...input }: PredictInput): number[] => {
    const plan = planOf(input)
    const shape = model as ModelShape
    const { flashAttention = false, batch } = input
    return endStages(shape, plan).map(
      stage => stageActivations(shape, plan, stage, batch?.micro ?? NaN, flashAttention).value,
    )
  }
  /** Holds of both stages. */
  const ordered = (less: readonly number[], more: readonly number[], factor = 1) => {
    for (const [index, value] of less.entries())
      expect(value * factor).toBeLessThanOrEqual((more[index] ?? NaN) * (1 + 1e-12))
  }

  it('are least with full recomputation, more with selective, most with none', () => {
    fc.assert(
      fc.property(anyInput, input => {
        ordered(activations({ ...input, recompute: 'selective' }), activations({ ...input, recompute: 'none' }))
        ordered(activations({ ...input, recompute: 'full' }), activations({ ...input, recompute: 'selective' }))
      }),
    )
  })

  it('are no more with more tensor or context ranks, sequence parallelism or flash attention', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const { tensor = 1, context = 1 } = input.parallelism ?? {}
        for (const change of [{ tensor: 2 * tensor }, { context: 2 * context }, { sequenceParallel: true }])
          ordered(activations({ ...input, parallelism: { ...input.parallelism, ...change } }), activations(input))
        ordered(activations({ ...input, flashAttention: true }), activations({ ...input, flashAttention: false }))
      }),
    )
  })

  it('grow with layers, and at least as the sequence and the micro-batch do', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const { layers = 1, sequenceLength = 1 } = input.model ?? {}
        const { pipeline = 1 } = input.parallelism ?? {}
        const bytes = activations(input)
        ordered(bytes, activations({ ...input, model: { ...input.model, layers: layers + pipeline } }))
        ordered(bytes, activations({ ...input, model: { ...input.model, sequenceLength: 2 * sequenceLength } }), 2)
        const micro = 2 * (input.batch?.micro ?? 1)
        const global = 2 * (input.batch?.global ?? 1)
        ordered(bytes, activations({ ...input, batch: { micro, global } }), 2)
      }),
    )
  })

  it('are unknown without a micro-batch', () => {
    const { memory, missing } = predict({ model: shapeOf('gpt2') })
    expect(memory.activationsBytes).toBeUndefined()
    expect(missing.find(({ figure }) => figure === 'memory.totalBytes')?.needs).toEqual(['batch.micro'])
  })
})
