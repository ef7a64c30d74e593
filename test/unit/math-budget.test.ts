import { describe, expect, it } from 'vitest'
import { completeShape } from '../../math/dimensions'
import { servingMemory } from '../../math/inference'
import { devicesThatPay, largestMicroBatch, longestSequence, scaling } from '../../math/limits'
import { Notes } from '../../math/notes'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'

const model = (name: string) => ({ ...findPreset(name)?.model })
const GIB = 1024 ** 3

describe('a token budget', () => {
  it('takes what GPT-3 took: 3.14e23 FLOPs for 300 billion tokens, without attention', () => {
    const { budget } = predict({ model: { parameters: 174.6e9 }, budget: { tokens: 300e9 } })
    // Brown et al. 2020, table D.1: 3.14e23.
    expect(budget?.computeFlops).toBeCloseTo(3.14e23, -21)
    expect(budget?.chinchillaTokens).toBe(20 * 174.6e9)
  })

  it('takes time by the predicted step, and money by the hour', () => {
    const input = {
      model: model('llama-3-8b'),
      precision: 'bf16',
      optimizer: 'adamw',
      recompute: 'none',
      parallelism: { data: 8, zeroStage: 3 },
      batch: { micro: 1, global: 64 },
      hardware: { gpu: 'h100-sxm', count: 8 },
    }
    const { budget, step } = predict({ ...input, budget: { tokens: 1e9, pricePerDeviceHour: 2 } })
    const seconds = (1e9 / (64 * 8192)) * (step.seconds ?? NaN)
    expect(budget?.seconds).toBeCloseTo(seconds, 6)
    expect(budget?.deviceHours).toBeCloseTo((seconds * 8) / 3600, 6)
    expect(budget?.cost).toBeCloseTo((2 * seconds * 8) / 3600, 6)
    expect(predict(input).budget).not.toHaveProperty('seconds')
  })
})

describe('frozen parameters', () => {
  const job = { model: model('llama-3-8b'), precision: 'bf16', optimizer: 'adamw', parallelism: { data: 1 } }

  it('need no gradient and no optimizer, and a third less compute', () => {
    const all = predict(job)
    const lora = predict({ ...job, model: { ...job.model, trainableParameters: 20e6 } })
    const P = all.parameters ?? NaN
    expect((all.flops.perToken ?? NaN) - (lora.flops.perToken ?? NaN)).toBeCloseTo(2 * (P - 20e6), -3)
    expect(lora.memory.parametersBytes).toBe(all.memory.parametersBytes)
    expect(lora.memory.gradientsBytes).toBeCloseTo(2 * 20e6, -1)
    expect(lora.memory.optimizerBytes).toBeCloseTo(12 * 20e6, -1)
  })
})

describe('serving', () => {
  const serving = { weights: 'bf16', cache: 'bf16', batch: 1, tokens: 131_072, tensor: 1 } as const
  const memoryOf = (name: string, more: object = {}) => {
    const shape = completeShape(model(name), new Notes()) ?? expect.fail('no shape')
    return servingMemory(shape, { ...serving, ...more })
  }

  it('of Llama 3 70B keeps 320 KiB a token, of DeepSeek-V3 70 kB', () => {
    expect(memoryOf('llama-3-70b').cacheBytes.value / 131_072 / 1024).toBe(320)
    // DeepSeek-V3 technical blog and ISCA paper (2025), table 1: 70.272 KB.
    expect(memoryOf('deepseek-v3').cacheBytes.value / 131_072).toBe(70_272)
  })

  it('fits a 70 B model in 4 bits on one card of 48 GB', () => {
    expect(memoryOf('llama-3-70b', { weights: 'int4', tokens: 8192 }).totalBytes.value / GIB).toBeLessThan(40)
  })

  it('divides the cache by no more tensor ranks than there are key heads', () => {
    const at = (tensor: number) => memoryOf('llama-3-70b', { tensor }).cacheBytes.value
    expect(at(8)).toBe(at(1) / 8)
    expect(at(64)).toBe(at(8))
  })

  it('is part of a prediction that asks for it, and of no other', () => {
    const input = { model: model('llama-3-8b') }
    expect(predict(input).serving).toBeUndefined()
    const { serving: found, explain } = predict({ ...input, serving: { weights: 'int8', batch: 4 } })
    expect(found?.weightsBytes).toBe(8_030_261_248)
    expect(explain['serving.cacheBytes']?.formula).toBe('L·2·k·e·s·b·w / t')
  })
})

describe('the limits of a plan', () => {
  const job = {
    model: model('llama-3-8b'),
    precision: 'bf16',
    optimizer: 'adamw',
    recompute: 'full',
    hardware: { gpu: 'h100-sxm', count: 8 },
    parallelism: { zeroStage: 3 },
    batch: { micro: 1, global: 64 },
  }
  const bytesAt = (input: object) => {
    const { deviceBytes = NaN, capacityBytes = NaN } = predict(input).memory
    return deviceBytes / capacityBytes
  }

  it('are the largest micro-batch that fits, and one more does not', () => {
    const micro = largestMicroBatch(job) ?? NaN
    expect(micro).toBeGreaterThan(1)
    expect(bytesAt({ ...job, batch: { micro, global: 64 } })).toBeLessThanOrEqual(1)
    expect(bytesAt({ ...job, batch: { micro: micro + 1, global: 64 } })).toBeGreaterThan(1)
  })

  it('are the longest sequence that fits', () => {
    const tokens = longestSequence(job) ?? NaN
    expect(bytesAt({ ...job, model: { ...job.model, sequenceLength: tokens } })).toBeLessThanOrEqual(1)
    expect(bytesAt({ ...job, model: { ...job.model, sequenceLength: tokens + 128 } })).toBeGreaterThan(1)
  })

  it('are nothing where nothing fits, and unknown where memory is', () => {
    expect(largestMicroBatch({ ...job, model: model('llama-3-405b') })).toBe(0)
    expect(largestMicroBatch({ model: {} })).toBeUndefined()
  })

  it('are the devices past which more of them cost more than they save', () => {
    const scales = scaling({ ...job, batch: { global: 256 } }, 8192)
    expect(scales.find(({ best }) => best !== undefined)?.efficiency).toBe(1)
    const fast = devicesThatPay(scales) ?? NaN
    // A network of a tenth of the bandwidth pays for fewer.
    const slowNetwork = { ...job.hardware, networkBytesPerSecond: 2e9, linkBytesPerSecond: 20e9 }
    const slow = devicesThatPay(scaling({ ...job, hardware: slowNetwork, batch: { global: 256 } }, 8192)) ?? NaN
    expect(slow).toBeLessThan(fast)
    expect(devicesThatPay([])).toBeUndefined()
  })
})
