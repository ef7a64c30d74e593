import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ringFactor, stepTraffic, trafficNeeds, type Traffic } from '../../math/communication'
import { Notes } from '../../math/notes'
import { predict, type PredictInput } from '../../math/predict'
import { stateBytes } from '../../math/states'
import { bubbleRatio, stepSeconds } from '../../math/step'
import { anyInput, planOf, shapeOf } from './math-shapes'

const shape = { ...shapeOf('gpt3-175b'), layers: 8, hiddenSize: 64, attentionHeads: 4, keyValueHeads: 4, headSize: 16 }
const traffic = (input: PredictInput): Traffic[] => {
  const plan = planOf(input)
  return stepTraffic(shape, plan, 1000, stateBytes(input, plan, new Notes()))
}
const bytes = (input: PredictInput, purpose: string) =>
  traffic(input)
    .filter(one => one.purpose === purpose)
    .reduce((sum, one) => sum + one.bytes.value, 0)

describe('bytes on a ring', () => {
  // NCCL tests, PERFORMANCE.md: bus bandwidth is algorithm bandwidth times these.
  it('are 2·(n − 1)/n of the buffer in an all-reduce, half of it in its two parts', () => {
    expect(ringFactor('allReduce', 8)).toBe(1.75)
    expect(ringFactor('allGather', 8)).toBe(0.875)
    expect(ringFactor('reduceScatter', 8)).toBe(0.875)
    expect(ringFactor('sendReceive', 8)).toBe(1)
    expect(ringFactor('allReduce', 1)).toBe(0)
  })

  it('are as many for an all-reduce as for its two parts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16_384 }), devices => {
        const parts = ringFactor('allGather', devices) + ringFactor('reduceScatter', devices)
        expect(ringFactor('allReduce', devices)).toBeCloseTo(parts, 12)
      }),
    )
  })
})

describe('traffic of data parallelism', () => {
  const job = (zeroStage: number, global = 4): PredictInput => ({
    precision: 'bf16',
    parallelism: { data: 4, zeroStage },
    batch: { micro: 1, global },
  })

  // ZeRO, section 7: 2Ψ elements for plain data parallelism and for stages 1 and 2, 3Ψ for stage 3.
  it('is 2 P elements up to ZeRO-2, and 3 P with ZeRO-3', () => {
    const ring = (3 / 4) * 1000 * 2
    expect([0, 1, 2, 3].map(stage => bytes(job(stage), 'data'))).toEqual([2, 2, 2, 3].map(times => times * ring))
  })

  it('comes once a step, but with ZeRO-2 and 3 for every micro-batch', () => {
    const times = [0, 1, 2, 3].map(stage => bytes(job(stage, 16), 'data') / bytes(job(stage), 'data'))
    expect(times).toEqual([1, 1, 2.5, 4])
  })

  it('is none on one device', () => {
    expect(traffic({ batch: { micro: 1, global: 1 } })).toEqual([])
  })
})

describe('traffic of tensor, pipeline and context parallelism', () => {
  const buffer = shape.sequenceLength * 2 * shape.hiddenSize * 2
  const job = (parallelism: object, recompute = 'none'): PredictInput => ({
    precision: 'bf16',
    parallelism,
    recompute,
    batch: { micro: 2, global: 6 },
  })

  // Megatron-LM (arXiv:1909.08053): two all-reduces of b·s·h forward, two backward, in each layer.
  it('of tensor ranks is four all-reduces a layer and micro-batch, six with full recomputation', () => {
    const once = 3 * 8 * buffer * ringFactor('allReduce', 4)
    expect(bytes(job({ tensor: 4 }), 'tensor')).toBe(4 * once)
    expect(bytes(job({ tensor: 4 }, 'full'), 'tensor')).toBe(6 * once)
    expect(bytes(job({ tensor: 4, sequenceParallel: true }), 'tensor')).toBe(4 * once)
  })

  it('of a stage is an activation forward and a gradient backward for each micro-batch and chunk', () => {
    expect(bytes(job({ pipeline: 2 }), 'pipeline')).toBe(2 * 3 * buffer)
    expect(bytes(job({ pipeline: 2, virtualStages: 2 }), 'pipeline')).toBe(2 * 2 * 3 * buffer)
    expect(bytes(job({ pipeline: 2, tensor: 4, sequenceParallel: true }), 'pipeline')).toBe((2 * 3 * buffer) / 4)
  })

  it('of a ring of contexts is keys and values once forward and twice backward', () => {
    const keysAndValues = 2 * (shape.sequenceLength / 2) * 2 * shape.hiddenSize * 2
    expect(bytes(job({ context: 2 }), 'context')).toBe(3 * 3 * 8 * keysAndValues)
  })

  it('that is not known says what it needs', () => {
    const needs = (input: PredictInput) => trafficNeeds(undefined, planOf(input), undefined, undefined)
    expect(needs({})).toEqual([])
    expect(needs({ parallelism: { data: 2 } })).toEqual(['model.parameters', 'optimizer'])
    expect(needs({ parallelism: { tensor: 2 } })).toEqual(['model', 'batch.micro', 'batch.global'])
  })
})

describe('the bubble of a pipeline', () => {
  const bubble = (pipeline: number, virtualStages: number, global: number) =>
    bubbleRatio(planOf({ parallelism: { pipeline, virtualStages }, batch: { micro: 1, global } }))?.value

  // SC21, sections 2.2.1 and 2.2.2.
  it('is (p − 1)/m of the ideal time, a v-th of it interleaved, nothing without stages', () => {
    expect(bubble(8, 1, 64)).toBe(7 / 64)
    expect(bubble(8, 3, 64)).toBe(7 / 192)
    expect(bubble(1, 1, 64)).toBe(0)
  })

  it('is not known without a batch', () => {
    expect(bubbleRatio(planOf({ parallelism: { pipeline: 2 }, batch: { micro: 1 } }))).toBeUndefined()
  })
})

describe('the time of a step', () => {
  it('hides data-parallel communication behind the backward pass, and no other', () => {
    expect(stepSeconds(3, 0, { data: 2, other: 0 }).value).toBe(3)
    expect(stepSeconds(3, 0, { data: 5, other: 0 }).value).toBe(6)
    expect(stepSeconds(3, 0.5, { data: 0, other: 1 }).value).toBe(5.5)
    const unknown = stepSeconds(3, 0.5, undefined)
    expect(unknown).toMatchObject({ value: 4.5, assumption: expect.stringContaining('lower bound') as unknown })
  })

  it('is that of its FLOPs at the achievable peak, by hand', () => {
    const { step, flops } = predict({
      model: shapeOf('gpt2'),
      batch: { micro: 4, global: 4 },
      precision: 'bf16',
      hardware: { peakFlopsPerSecond: 1e14, count: 1 },
    })
    expect(step.computeSeconds).toBeCloseTo((flops.perStep ?? NaN) / 1e14, 12)
    expect(step.seconds).toBe(step.computeSeconds)
  })

  it('is never shorter than its compute, and grows with layers and batch', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const seconds = (change: PredictInput) => predict({ ...input, ...change }).step.seconds ?? NaN
        const { step, peak } = predict(input)
        if (peak === undefined) return
        expect(step.seconds).toBeGreaterThanOrEqual(step.computeSeconds ?? NaN)
        const { layers = 1 } = input.model ?? {}
        const { pipeline = 1 } = input.parallelism ?? {}
        expect(seconds({ model: { ...input.model, layers: layers + pipeline } })).toBeGreaterThan(seconds({}))
        const { micro = 1, global = 1 } = input.batch ?? {}
        expect(seconds({ batch: { micro, global: 2 * global } })).toBeGreaterThan(seconds({}))
      }),
    )
  })

  it('needs the bandwidth of every link that it crosses', () => {
    const input = { model: shapeOf('gpt2'), batch: { micro: 1, global: 64 }, hardware: { gpu: 'h100-sxm', count: 64 } }
    expect(predict(input).missing).toContainEqual({
      figure: 'step.communicationSeconds',
      needs: ['hardware.networkBytesPerSecond'],
    })
    const whole = predict({ ...input, hardware: { ...input.hardware, networkBytesPerSecond: 50e9 } })
    expect(whole.step.communicationSeconds).toBeGreaterThan(0)
    expect(predict({ ...input, hardware: { gpu: 'h100-sxm', count: 8 } }).step.communicationSeconds).toBeGreaterThan(0)
  })

  it('adds communication up by collective and in all', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const { communication } = predict(input)
        const parts = communication.byPurpose.reduce((sum, one) => sum + one.bytes, 0)
        const { allReduceBytes = 0, allGatherBytes = 0, reduceScatterBytes = 0, sendReceiveBytes = 0 } = communication
        const kinds = allReduceBytes + allGatherBytes + reduceScatterBytes + sendReceiveBytes
        expect(communication.totalBytes).toBeCloseTo(parts, -3)
        expect(kinds).toBeCloseTo(parts, -3)
      }),
    )
  })
})
