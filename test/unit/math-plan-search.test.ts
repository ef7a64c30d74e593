import { describe, expect, it } from 'vitest'
import { planProblems } from '../../math/check-plan'
import type { PredictInput } from '../../math/input'
import { searchPlans, type FoundPlan } from '../../math/plan-search'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'

const job = (preset: string, gpu: string, global: number): PredictInput => ({
  model: { ...findPreset(preset)?.model },
  precision: 'bf16',
  optimizer: 'adamw',
  gradientPrecision: 'fp32',
  hardware: { gpu, networkBytesPerSecond: 50e9 },
  batch: { global },
})
/** The same plan, asked for. */
function predicted(input: PredictInput, { plan }: FoundPlan) {
  const { tensor, pipeline, context, data, expert, virtualStages, zeroStage, sequenceParallel } = plan
  return predict({
    ...input,
    recompute: plan.recompute,
    parallelism: { tensor, pipeline, context, data, expert, virtualStages, zeroStage, sequenceParallel },
    batch: { micro: plan.microBatch, global: plan.globalBatch },
  })
}

describe('a search for plans', () => {
  it.each([
    ['llama-3-8b', 'h100-sxm', 8, 128],
    ['llama-3-70b', 'h100-sxm', 256, 512],
    ['gpt3-175b', 'a100-sxm-80gb', 1024, 1536],
    ['mixtral-8x7b', 'h100-sxm', 64, 256],
  ])('finds plans for %s on %s × %i that fit, fastest first, and that can run', (preset, gpu, devices, global) => {
    const input = job(preset, gpu, global)
    const { fitting, candidates, closest } = searchPlans(input, devices)
    expect(fitting.length).toBeGreaterThan(10)
    expect(candidates).toBeGreaterThan(fitting.length)
    expect(closest).toBeUndefined()
    const seconds = fitting.map(({ stepSeconds }) => stepSeconds)
    expect(seconds).toEqual(seconds.toSorted((one, other) => one - other))
    for (const found of fitting) {
      const { tensor, pipeline, context, data, zeroStage } = found.plan
      expect(tensor * pipeline * context * data).toBe(devices)
      expect(found.headroomBytes).toBeGreaterThanOrEqual(0)
      expect(found.mfu).toBeLessThan(1)
      const parallelism = { tensor, pipeline, context, data, zeroStage }
      const batch = { micro: found.plan.microBatch, global: found.plan.globalBatch }
      expect(planProblems({ ...input, parallelism, batch })).toEqual([])
    }
  })

  it('judges a plan as a prediction of it does', () => {
    for (const [preset, gpu, devices, global] of [
      ['llama-3-70b', 'h100-sxm', 64, 256],
      ['qwen3-30b-a3b', 'h100-sxm', 16, 128],
    ] as const) {
      const input = job(preset, gpu, global)
      const { fitting } = searchPlans(input, devices)
      for (const found of fitting.filter((_, place) => place % 7 === 0)) {
        const { memory, step, mfu } = predicted(input, found)
        expect((memory.totalBytes ?? NaN) / found.memoryBytes).toBeCloseTo(1, 9)
        expect((step.seconds ?? NaN) / found.stepSeconds).toBeCloseTo(1, 9)
        expect((mfu ?? NaN) / found.mfu).toBeCloseTo(1, 9)
      }
    }
  })

  it('says which plan misses by least where none fits', () => {
    const { fitting, closest } = searchPlans(job('llama-3-405b', 'h100-sxm', 64), 8)
    expect(fitting).toEqual([])
    expect(closest?.headroomBytes).toBeLessThan(0)
    expect(closest?.plan.recompute).toBe('full')
  })

  it('cuts long sequences, and only those', () => {
    const contexts = (sequenceLength: number) => {
      const input = job('llama-3-8b', 'h100-sxm', 64)
      const { fitting } = searchPlans({ ...input, model: { ...input.model, sequenceLength } }, 64)
      return new Set(fitting.map(({ plan }) => plan.context))
    }
    expect([...contexts(8192)]).toEqual([1])
    expect(contexts(131_072).size).toBeGreaterThan(1)
  })

  it('says what it lacks', () => {
    expect(searchPlans({ batch: { global: 8 } }, 8).missing).toEqual(['model'])
    expect(searchPlans(job('gpt2', 'no such gpu', 8), 8).missing).toEqual(['hardware.gpu'])
    expect(searchPlans({ ...job('gpt2', 'h100-sxm', 8), batch: {} }, 8).missing).toEqual(['batch.global'])
  })
})
