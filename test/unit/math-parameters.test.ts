import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { completeShape } from '../../math/dimensions'
import { Notes } from '../../math/notes'
import {
  attentionParameters,
  expertParameters,
  layerParameters,
  normParameters,
  parameterCount,
} from '../../math/parameters'
import { predict } from '../../math/predict'
import { findPreset, presets } from '../../math/presets'
import { anyShape, shapeOf } from './math-shapes'

/**
 * What the checkpoints hold: `sum(p.numel() for p in model.parameters())` of the published weights on the Hugging Face
 * hub, tied weights once; nanoGPT prints 10.65M without positions for its character model; GPT-3 is table 2.1's 175.0 B.
 */
const PUBLISHED: Readonly<Record<string, number>> = {
  gpt2: 124_439_808,
  'gpt2-medium': 354_823_168,
  'gpt2-large': 774_030_080,
  'gpt2-xl': 1_557_611_200,
  'pythia-70m': 70_426_624,
  'pythia-160m': 162_322_944,
  'pythia-410m': 405_334_016,
  'pythia-1b': 1_011_781_632,
  'pythia-1.4b': 1_414_647_808,
  'pythia-2.8b': 2_775_208_960,
  'pythia-6.9b': 6_857_302_016,
  'pythia-12b': 11_846_072_320,
  'gpt-neox-20b': 20_554_567_680,
  'llama-2-7b': 6_738_415_616,
  'llama-2-13b': 13_015_864_320,
  'llama-2-70b': 68_976_648_192,
  'llama-3-8b': 8_030_261_248,
  'llama-3-70b': 70_553_706_496,
  'llama-3-405b': 405_853_388_800,
  'mistral-7b': 7_241_732_096,
  'mixtral-8x7b': 46_702_792_704,
}
/** Published in round figures, or with parameters that the shape does not know. */
const ROUNDED: Readonly<Record<string, readonly [count: number, within: number]>> = {
  'gpt3-175b': [175e9, 0.003],
  // 176,247,271,424 with a norm after the embedding.
  'bloom-176b': [176_247_271_424, 1e-6],
  // 671,026,419,200 with a correction term for each of the 256 experts of 58 layers.
  'deepseek-v3': [671_026_419_200, 1e-7],
  'mixtral-8x22b': [140.6e9, 0.001],
  'qwen3-30b-a3b': [30.5e9, 0.002],
  'qwen3-235b-a22b': [235e9, 0.001],
  // With 32 relative positions for each head of both stacks.
  't5-base': [222_903_552, 1e-5],
  't5-large': [737_668_096, 1e-5],
  't5-3b': [2_851_598_336, 1e-5],
  't5-11b': [11_307_321_344, 1e-5],
  // With the token of the class and a norm before the first layer of the vision tower.
  'llava-1.5-7b': [7_063_427_072, 1e-6],
}

describe('the parameters of published models', () => {
  it.each(Object.entries(PUBLISHED))('%s has %i', (name, count) => {
    expect(parameterCount(shapeOf(name)).value).toBe(count)
  })

  it.each(Object.entries(ROUNDED))('%s has about as many as published', (name, [count, within]) => {
    expect(Math.abs(parameterCount(shapeOf(name)).value / count - 1)).toBeLessThan(within)
  })

  it('counts what a token uses of a mixture of experts', () => {
    const active = (name: string) => parameterCount(shapeOf(name), true).value / 1e9
    // Published: 37, 3.3, 22 and 39 billion.
    expect(active('deepseek-v3')).toBeCloseTo(37.55, 1)
    expect(active('qwen3-30b-a3b')).toBeCloseTo(3.35, 1)
    expect(active('qwen3-235b-a22b')).toBeCloseTo(22.2, 1)
    expect(active('mixtral-8x22b')).toBeCloseTo(39.2, 1)
  })

  it('nanoGPT’s character model has 10.65 M without its positions', () => {
    const shape = shapeOf('nanogpt-char')
    expect((parameterCount(shape).value - shape.sequenceLength * shape.hiddenSize) / 1e6).toBeCloseTo(10.65, 2)
  })

  it('every preset is held against a published count', () => {
    const held = [...Object.keys(PUBLISHED), ...Object.keys(ROUNDED), 'nanogpt-char']
    expect(held.sort()).toEqual([...presets.names].sort())
  })

  it('a token of Mixtral visits 12.9 B of its parameters', () => {
    // "Mixtral has 47B parameters but only uses 13B active parameters" (arXiv:2401.04088).
    const { parameters, activeParameters } = predict({ model: findPreset('mixtral-8x7b')?.model })
    expect(parameters).toBe(46_702_792_704)
    expect(activeParameters).toBe(12_879_925_248)
  })
})

describe('the parts of a layer', () => {
  it('are 12·h² for a GPT without biases (Transformer Math 101)', () => {
    const shape = { ...shapeOf('gpt2'), biases: false }
    const h = shape.hiddenSize
    expect(attentionParameters(shape)).toBe(4 * h * h)
    expect(expertParameters(shape)).toBe(8 * h * h)
    expect(layerParameters(shape)).toBe(12 * h * h + 2 * h)
    expect(normParameters(shape)).toBe(h)
  })

  it('have fewer key and value weights where heads share them', () => {
    const { hiddenSize: h, ...shape } = shapeOf('llama-3-8b')
    expect(attentionParameters({ hiddenSize: h, ...shape })).toBe(2 * h * h + 2 * h * (h / 4))
  })

  it('grow with every dimension, and experts count only where they are', () => {
    fc.assert(
      fc.property(anyShape, fc.constantFrom('layers', 'ffnHiddenSize', 'vocabularySize', 'experts'), (shape, field) => {
        const more = { ...shape, [field]: shape[field] * 2 }
        expect(parameterCount(more).value).toBeGreaterThan(parameterCount(shape).value)
        expect(parameterCount(shape, true).value).toBeLessThanOrEqual(parameterCount(shape).value)
        if (shape.experts === 1) expect(parameterCount(shape, true).value).toBe(parameterCount(shape).value)
      }),
    )
  })

  it('are the same in every layer', () => {
    fc.assert(
      fc.property(anyShape, shape => {
        const more = parameterCount({ ...shape, layers: shape.layers + 3 }).value - parameterCount(shape).value
        expect(more).toBe(3 * layerParameters(shape))
      }),
    )
  })
})

describe('a shape that is not given whole', () => {
  const complete = (model: Parameters<typeof completeShape>[0]) => {
    const notes = new Notes()
    return { shape: completeShape(model, notes), notes }
  }
  const gpt2 = { layers: 12, hiddenSize: 768, attentionHeads: 12, vocabularySize: 50257, sequenceLength: 1024 }

  it('is the one that meets the given number of parameters', () => {
    expect(complete({ ...gpt2, parameters: 124_439_808 }).shape).toMatchObject({
      tiedEmbeddings: true,
      learnedPositions: true,
      biases: true,
      gatedFfn: false,
    })
    // nanoGPT leaves biases out and reports without positions: 123.59 M.
    const bare = complete({ ...gpt2, parameters: 123_590_000 })
    expect(parameterCount(bare.shape ?? shapeOf('gpt2')).value / 123_590_000).toBeCloseTo(1, 2)
    expect(bare.notes.assumptions.join('\n')).toContain('it meets the given number of parameters')
  })

  it('has the usual traits where nothing tells, and says so', () => {
    const { shape, notes } = complete({ ...gpt2, ffnHiddenSize: 2048 })
    expect(shape).toMatchObject({
      gatedFfn: true,
      tiedEmbeddings: false,
      biases: false,
      keyValueHeads: 12,
      headSize: 64,
    })
    expect(notes.assumptions).toContain('model.gatedFfn = true (not given; usual for such a model)')
    expect(notes.assumptions).toContain('model.keyValueHeads = 12 (not given)')
  })

  it('keeps to the given count where no trait explains it, and notes the other', () => {
    const { shape, notes } = complete({ ...gpt2, parameters: 9e9 })
    expect(shape?.gatedFfn).toBe(false)
    expect(notes.assumptions.join('\n')).toMatch(
      /the given 9000000000 parameters are used; the dimensions would give \d+/,
    )
  })

  it('is unknown where a dimension without a usual value is missing', () => {
    for (const field of Object.keys(gpt2))
      expect(complete({ ...gpt2, [field]: undefined }).shape, field).toBeUndefined()
    expect(complete({ ...gpt2, gatedFfn: true }).shape).toBeUndefined()
  })
})
