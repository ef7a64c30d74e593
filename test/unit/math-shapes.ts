/** Models and plans for the tests of `math/`, fixed and arbitrary. */
import fc from 'fast-check'
import { completeShape, type ModelShape } from '../../math/dimensions'
import { Notes } from '../../math/notes'
import { readPlan, type Plan } from '../../math/plan'
import { findPreset } from '../../math/presets'
import type { PredictInput } from '../../math/predict'

export function shapeOf(preset: string): ModelShape {
  const shape = completeShape(findPreset(preset)?.model ?? {}, new Notes())
  if (shape === undefined) throw new Error(`there is no preset ${preset}`)
  return shape
}

export const planOf = (input: PredictInput): Plan => readPlan(input, new Notes())

/** Whole heads, whole shares of tensor ranks: what people train. */
export const anyShape: fc.Arbitrary<ModelShape> = fc
  .record({
    layers: fc.integer({ min: 1, max: 128 }),
    headSize: fc.constantFrom(64, 80, 128, 256),
    groups: fc.constantFrom(1, 2, 8, 16),
    perGroup: fc.constantFrom(1, 2, 4, 8),
    widening: fc.constantFrom(2, 8 / 3, 3.5, 4),
    vocabularySize: fc.integer({ min: 65, max: 260_000 }),
    sequenceLength: fc.constantFrom(128, 1024, 8192, 131_072),
    experts: fc.constantFrom(1, 1, 8, 64),
    traits: fc.record({
      gatedFfn: fc.boolean(),
      tiedEmbeddings: fc.boolean(),
      learnedPositions: fc.boolean(),
      biases: fc.boolean(),
      dropout: fc.boolean(),
    }),
  })
  .map(({ groups, perGroup, widening, experts, traits, ...rest }) => {
    const attentionHeads = groups * perGroup
    const hiddenSize = attentionHeads * rest.headSize
    return {
      ...rest,
      ...traits,
      attentionHeads,
      hiddenSize,
      keyValueHeads: groups,
      experts,
      ffnHiddenSize: Math.round(widening * hiddenSize),
      activeExperts: Math.min(2, experts),
    }
  })

const degree = fc.constantFrom(1, 2, 4, 8)

export const anyParallelism = fc.record({
  tensor: degree,
  pipeline: degree,
  data: degree,
  context: fc.constantFrom(1, 2, 4),
  virtualStages: fc.constantFrom(1, 1, 2),
  zeroStage: fc.integer({ min: 0, max: 3 }),
  sequenceParallel: fc.boolean(),
})

export const anyInput: fc.Arbitrary<PredictInput> = fc.record({
  model: anyShape,
  parallelism: anyParallelism,
  batch: fc.record({ micro: fc.integer({ min: 1, max: 8 }), global: fc.constantFrom(64, 512, 2048) }),
  precision: fc.constantFrom('fp32', 'tf32', 'bf16', 'fp16', 'fp8'),
  optimizer: fc.constantFrom('adamw', 'adam8bit', 'sgd', 'sgd-momentum', 'lion'),
  recompute: fc.constantFrom('none', 'selective', 'full'),
  framework: fc.constantFrom(undefined, 'megatron', 'nanogpt', 'torchtitan'),
  flashAttention: fc.option(fc.boolean(), { nil: undefined }),
  attention: fc.constantFrom('full' as const, 'causal' as const),
  hardware: fc.record({
    gpu: fc.constantFrom('h100-sxm', 'a100', 'mi300x', 'v100'),
    networkBytesPerSecond: fc.constant(50e9),
  }),
})

/** With an encoder that the decoder attends to, or a vision tower whose output is in its sequence. */
export const anyWithEncoder: fc.Arbitrary<PredictInput> = fc
  .tuple(
    anyInput,
    fc.record({
      layers: fc.integer({ min: 1, max: 48 }),
      hiddenSize: fc.constantFrom(512, 1024, 1280),
      attentionHeads: fc.constantFrom(8, 16),
      sequenceLength: fc.constantFrom(64, 577, 4096),
      patchSize: fc.constantFrom(undefined, 14, 16),
      biases: fc.boolean(),
      gatedFfn: fc.boolean(),
    }),
    fc.constantFrom(undefined, 0.1),
  )
  .map(([input, encoder, trained]) => {
    const { model } = { ...input, model: { ...input.model, encoder } }
    const trainableParameters = trained === undefined ? undefined : trained * 1e6
    return { ...input, model: { ...model, trainableParameters } }
  })

/** With recomputation by size, which is the one thing that does not grow steadily: half a tensor may be small enough to keep. */
export const anyBySize: fc.Arbitrary<PredictInput> = fc
  .tuple(anyInput, fc.constantFrom(0, 2 ** 20, 2 ** 26, 2 ** 30))
  .map(([input, recomputeAboveBytes]) => ({ ...input, recompute: 'by-size', recomputeAboveBytes }))
