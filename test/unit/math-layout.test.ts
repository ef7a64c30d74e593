/** How a job may be laid out beyond the usual degrees: sharded in groups, offloaded, other schedules, slow first bytes. */
import { describe, expect, it } from 'vitest'
import type { PredictInput } from '../../math/input'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'

const job: PredictInput = {
  model: { ...findPreset('llama-3-8b')?.model },
  precision: 'bf16',
  optimizer: 'adamw',
  recompute: 'none',
  hardware: { gpu: 'h100-sxm', count: 64, networkBytesPerSecond: 50e9 },
  batch: { micro: 1, global: 128 },
  parallelism: { data: 64, zeroStage: 3 },
}
const P = 8_030_261_248

describe('sharding within groups (HSDP)', () => {
  const hybrid: PredictInput = { ...job, parallelism: { data: 64, zeroStage: 3, shardGroup: 8 } }

  it('cuts model states over the group alone', () => {
    expect(predict(hybrid).memory.optimizerBytes).toBeCloseTo((12 * P) / 8, 0)
    expect(predict(job).memory.optimizerBytes).toBeCloseTo((12 * P) / 64, 0)
  })

  it('gathers in the group, and all-reduces an eighth of the gradients between eight groups', () => {
    const { byPurpose } = predict(hybrid).communication
    const between = byPurpose.find(({ collective }) => collective === 'allReduce')
    expect(between).toMatchObject({ purpose: 'data', group: 8, count: 1, messageBytes: (2 * P) / 8 })
    expect(byPurpose.find(({ collective }) => collective === 'allGather')?.group).toBe(8)
    const whole = predict({ ...hybrid, parallelism: { data: 64, zeroStage: 3, shardGroup: 64 } })
    expect(whole.communication).toEqual(predict(job).communication)
  })
})

describe('offloading', () => {
  it('leaves the device the weights and gradients, or the gradients', () => {
    const alone: PredictInput = { ...job, parallelism: { data: 1 }, hardware: { gpu: 'h100-sxm' } }
    const memory = (offload?: 'optimizer' | 'parameters') => predict({ ...alone, offload }).memory
    expect(memory().optimizerBytes).toBe(12 * P)
    expect(memory('optimizer')).toMatchObject({ parametersBytes: 2 * P, gradientsBytes: 2 * P, optimizerBytes: 0 })
    expect(memory('parameters')).toMatchObject({ parametersBytes: 0, gradientsBytes: 2 * P, optimizerBytes: 0 })
  })

  it('sends what it sent before', () => {
    expect(predict({ ...job, offload: 'parameters' }).communication).toEqual(predict(job).communication)
  })
})

describe('a pipeline', () => {
  it('holds the activations of every micro-batch with GPipe, and of as many as stages with 1F1B', () => {
    const piped: PredictInput = { ...job, parallelism: { data: 8, pipeline: 8 } }
    const inFlight = (schedule: 'gpipe' | '1f1b') => {
      const { explain } = predict({ ...piped, parallelism: { ...piped.parallelism, schedule } })
      return explain['memory.activationsBytes']?.substituted.split('·')[0]
    }
    // 128 sequences over 8 replicas: 16 micro-batches.
    expect(inFlight('gpipe')).toBe('16')
    expect(inFlight('1f1b')).toBe('8')
  })
})

describe('latency', () => {
  it('is paid once for each collective and level of its tree', () => {
    const tensor: PredictInput = {
      ...job,
      parallelism: { tensor: 8, data: 1 },
      hardware: { gpu: 'h100-sxm', count: 8 },
    }
    const seconds = (linkLatencySeconds?: number) =>
      predict({ ...tensor, hardware: { ...tensor.hardware, linkLatencySeconds } }).step.communicationSeconds ?? NaN
    // 4 all-reduces a layer and micro-batch, up and down a tree of 3 levels.
    const collectives = 4 * 32 * 128
    expect(seconds(10e-6) - seconds()).toBeCloseTo(collectives * 6 * 10e-6, 6)
  })
})

describe('experts on several devices', () => {
  it('exchange each token with every expert that it visits, there and back, forward and backward', () => {
    const mixture: PredictInput = {
      ...job,
      model: { ...findPreset('mixtral-8x7b')?.model },
      recompute: 'none',
      parallelism: { data: 8, expert: 8 },
      hardware: { gpu: 'h100-sxm', count: 8 },
      batch: { micro: 1, global: 8 },
    }
    const { byPurpose, allToAllBytes } = predict(mixture).communication
    const message = 4096 * 2 * 4096 * 2
    expect(byPurpose.find(({ purpose }) => purpose === 'expert')).toMatchObject({
      collective: 'allToAll',
      group: 8,
      count: 4 * 32,
      messageBytes: message,
    })
    expect(allToAllBytes).toBeCloseTo((4 * 32 * message * 7) / 8, 3)
  })
})

describe('stages of a pipeline', () => {
  it('add up to the model, and the fullest of them is the one that the prediction is about', () => {
    const input: PredictInput = {
      ...job,
      model: { ...findPreset('llama-3-70b')?.model },
      parallelism: { tensor: 8, pipeline: 8, data: 2, zeroStage: 1 },
    }
    const { memory, parameters = NaN } = predict(input)
    const { stages = [] } = memory
    expect(stages.reduce((sum, one) => sum + one.layers, 0)).toBe(80)
    expect(stages.reduce((sum, one) => sum + one.deviceParameters * 8, 0) / parameters).toBeCloseTo(1, 9)
    expect(Math.max(...stages.map(one => one.totalBytes))).toBe(memory.totalBytes)
    expect(stages.map(one => one.inFlight)).toEqual([8, 7, 6, 5, 4, 3, 2, 1])
    for (const one of stages) expect(one.statesBytes + one.activationsBytes + one.buffersBytes).toBe(one.totalBytes)
    expect(predict({ ...input, parallelism: { tensor: 8 } }).memory.stages).toBeUndefined()
  })
})
