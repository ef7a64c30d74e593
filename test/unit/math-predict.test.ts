import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { predict, type PredictInput } from '../../math/predict'
import { findPreset } from '../../math/presets'
import { anyInput } from './math-shapes'

const whole: PredictInput = {
  model: findPreset('llama-3-8b')?.model,
  precision: 'bf16',
  optimizer: 'adamw',
  recompute: 'selective',
  batch: { micro: 1, global: 128 },
  parallelism: { tensor: 2, pipeline: 2, data: 2, zeroStage: 1 },
  hardware: { gpu: 'h100-sxm', count: 8 },
}

describe('a prediction', () => {
  it('of a whole configuration has every figure, and nothing is missing', () => {
    const prediction = predict(whole)
    expect(prediction.missing).toEqual([])
    expect(prediction).toMatchObject({
      parameters: 8_030_261_248,
      peak: { flopsPerSecond: 989.4e12 },
      memory: { capacityBytes: 81_559 * 1024 ** 2, stage: 0 },
    })
    for (const group of [prediction.flops, prediction.memory, prediction.step])
      for (const [name, value] of Object.entries(group)) expect(value, name).toBeDefined()
  })

  it('of nothing has no figure, says what it needs, and does not throw', () => {
    const { parameters, flops, memory, step, mfu, missing } = predict({})
    expect({ parameters, flops, memory, mfu }).toEqual({ parameters: undefined, flops: {}, memory: {}, mfu: undefined })
    // One device is assumed: it has no bubble and talks to nobody.
    expect(step).toEqual({ bubbleRatio: 0, communicationSeconds: 0 })
    const figures = missing.map(({ figure }) => figure)
    expect(figures).toEqual(
      expect.arrayContaining([
        'parameters',
        'flops.perToken',
        'flops.perStep',
        'memory.totalBytes',
        'mfu',
        'step.seconds',
      ]),
    )
    for (const { needs } of missing) expect(needs.length).toBeGreaterThan(0)
  })

  it('is plain JSON', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const prediction = predict(input)
        expect(JSON.parse(JSON.stringify(prediction))).toEqual(prediction)
      }),
    )
  })

  it('says of every absent total what it lacks', () => {
    const some = fc.record(
      {
        model: fc.record(
          { layers: fc.constant(12), hiddenSize: fc.constant(768), attentionHeads: fc.constant(12) },
          { requiredKeys: [] },
        ),
        batch: fc.record({ micro: fc.constant(1), global: fc.constant(8) }, { requiredKeys: [] }),
        hardware: fc.record({ gpu: fc.constantFrom('a100', 'abacus'), count: fc.constant(8) }, { requiredKeys: [] }),
        parallelism: fc.record({ pipeline: fc.constantFrom(1, 2), data: fc.constant(2) }, { requiredKeys: [] }),
        optimizer: fc.constantFrom('adamw', 'sophia'),
      },
      { requiredKeys: [] },
    )
    const add = fc.record(
      { vocabularySize: fc.constant(50257), sequenceLength: fc.constant(1024), parameters: fc.constant(124e6) },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(some, add, (input, dimensions) => {
        const { missing, ...prediction } = predict({ ...input, model: { ...input.model, ...dimensions } })
        const lacked = new Set(missing.map(({ figure }) => figure))
        expect(lacked.has('parameters')).toBe(prediction.parameters === undefined)
        expect(lacked.has('flops.perToken')).toBe(prediction.flops.perToken === undefined)
        expect(lacked.has('flops.perStep')).toBe(prediction.flops.perStep === undefined)
        expect(lacked.has('memory.totalBytes')).toBe(prediction.memory.totalBytes === undefined)
        expect(lacked.has('communication')).toBe(prediction.communication.totalBytes === undefined)
        expect(lacked.has('step.seconds')).toBe(prediction.step.seconds === undefined)
        expect(prediction.mfu === undefined).toBe(prediction.step.seconds === undefined)
      }),
      { numRuns: 500 },
    )
  })
})

describe('input that cannot be', () => {
  const number = fc.oneof(fc.double(), fc.constantFrom(0, -1, NaN, Infinity, 1e308, 0.5))
  const junk = (names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), number)

  it('counts as not given, and never throws or gives a number that is none', () => {
    const model = [
      'layers',
      'hiddenSize',
      'attentionHeads',
      'vocabularySize',
      'sequenceLength',
      'experts',
      'parameters',
    ]
    const parallelism = ['worldSize', 'tensor', 'pipeline', 'data', 'context', 'expert', 'virtualStages', 'zeroStage']
    const any = fc.record({
      model: junk([...model, 'keyValueHeads', 'ffnHiddenSize', 'activeExperts']),
      parallelism: junk(parallelism),
      batch: junk(['micro', 'global']),
      hardware: junk(['count', 'peakFlopsPerSecond', 'gpusPerNode']),
      precision: fc.string(),
      optimizer: fc.string(),
      recompute: fc.string(),
      framework: fc.string(),
    })
    fc.assert(
      fc.property(any, input => {
        const { explain } = predict(input as PredictInput)
        for (const [path, { value }] of Object.entries(explain)) expect(Number.isFinite(value), path).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('is noted', () => {
    const { assumptions } = predict({ model: { parameters: -5 }, batch: { micro: NaN } })
    expect(assumptions).toContain('model.parameters = -5 cannot be, and counts as not given')
    expect(assumptions).toContain('batch.micro = NaN cannot be, and counts as not given')
  })
})

describe('what is taken for granted', () => {
  it('is noted: precision, recomputation, optimizer, data parallelism', () => {
    const { assumptions } = predict({ model: { parameters: 1e9 }, precision: 'int4' })
    expect(assumptions).toContain('precision = bf16 (int4 was given)')
    expect(assumptions).toContain('recompute = none (nothing was given)')
    expect(assumptions).toContain('optimizer = adamw (not given)')
    expect(assumptions).toContain('data parallelism = 1 (no device count was given)')
  })

  it('says where the degrees do not make the devices', () => {
    const { assumptions } = predict({ parallelism: { tensor: 2, data: 2, worldSize: 16 } })
    expect(assumptions).toContain('4 devices by the degrees of parallelism, though 16 were given')
  })

  it('fills dimensions from the preset that the model is named after', () => {
    const { parameters, assumptions } = predict({ model: { name: 'Llama-3-8B', layers: 32 } })
    expect(parameters).toBe(8_030_261_248)
    expect(assumptions.join()).toContain('from the preset llama-3-8b')
    // A log that disagrees with the preset is right about its own model.
    expect(predict({ model: { name: 'llama-3-8b', layers: 16 } }).parameters).toBeUndefined()
  })

  it('divides a batch that says no micro-batch over the replicas', () => {
    const { communication, assumptions } = predict({ ...whole, batch: { global: 32 } })
    expect(assumptions).toContain('batch.micro = 16 (not given; no gradient accumulation)')
    expect(communication.byPurpose.find(({ purpose }) => purpose === 'pipeline')?.count).toBe(2)
  })

  it('takes a framework’s habits in memory', () => {
    const bytes = (framework: string) => predict({ model: { parameters: 1e9 }, precision: 'bf16', framework }).memory
    expect(bytes('megatron')).toMatchObject({ parametersBytes: 2e9, gradientsBytes: 4e9, optimizerBytes: 12e9 })
    expect(bytes('nanogpt')).toMatchObject({ parametersBytes: 4e9, gradientsBytes: 4e9, optimizerBytes: 8e9 })
    expect(bytes('unheard-of')).toMatchObject({ parametersBytes: 2e9, gradientsBytes: 2e9, optimizerBytes: 12e9 })
  })
})
