import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calibrate } from '../../math/calibrate'
import { searchPlans } from '../../math/plan-search'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'
import { evaluate } from './math-arithmetic'
import { substitute } from '../../math/explain'

const job = {
  model: { ...findPreset('llama-3-8b')?.model },
  precision: 'bf16',
  optimizer: 'adamw',
  recompute: 'none',
  hardware: { gpu: 'h100-sxm', count: 8, networkBytesPerSecond: 50e9 },
  parallelism: { zeroStage: 3 },
  batch: { micro: 1, global: 64 },
}

describe('a calibration', () => {
  it('finds the constants of a run that was made with them', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.2, max: 0.95, noNaN: true }),
        fc.double({ min: 0.3, max: 3, noNaN: true }),
        (u, j) => {
          const run = predict({ ...job, calibration: { achievableRatio: u, activationFactor: j } })
          const { computeSeconds = NaN, bubbleRatio = 0 } = run.step
          const { calibration, achievableRatio, activationFactor } = calibrate(job, {
            stepSeconds: computeSeconds * (1 + bubbleRatio) + 0.7,
            communicationSeconds: 0.5,
            otherSeconds: 0.2,
            peakBytes: run.memory.totalBytes,
          })
          expect(calibration.achievableRatio).toBeCloseTo(u, 9)
          expect(calibration.activationFactor).toBeCloseTo(j, 9)
          for (const found of [achievableRatio, activationFactor])
            expect(evaluate(substitute(found?.formula ?? '', found?.letters ?? {}))).toBeCloseTo(found?.value ?? NaN, 4)
        },
      ),
    )
  })

  it('takes fragmentation and context from what was reserved, and what the device had in use', () => {
    const seen = { peakBytes: 40e9, reservedBytes: 44e9, deviceBytes: 45.5e9 }
    const { calibration } = calibrate(job, seen)
    expect(calibration).toMatchObject({ fragmentationRatio: 0.1, contextBytes: 1.5e9 })
    const { memory } = predict({ ...job, calibration })
    expect(memory.deviceBytes).toBeCloseTo((memory.totalBytes ?? NaN) * 1.1 + 1.5e9, 0)
    // An allocator that was emptied, a device that shows less than the process holds: nothing to learn from.
    const odd = calibrate(job, { peakBytes: 40e9, reservedBytes: 30e9, deviceBytes: 20e9 })
    expect(odd).toMatchObject({ fragmentationRatio: undefined, contextBytes: undefined })
  })

  it('takes as overlap what was sent and not waited for, and predicts the step of that', () => {
    const cut = { ...job, parallelism: { tensor: 8, data: 1 } }
    const { communicationSeconds = NaN, computeSeconds = NaN } = predict(cut).step
    const { calibration } = calibrate(cut, { communicationSeconds: communicationSeconds / 4 })
    expect(calibration.overlapRatio).toBeCloseTo(0.75, 9)
    expect(predict({ ...cut, calibration }).step.seconds).toBeCloseTo(computeSeconds + communicationSeconds / 4, 9)
    // Slower than predicted is no overlap.
    expect(calibrate(cut, { communicationSeconds: 2 * communicationSeconds }).overlapRatio).toBeUndefined()
  })

  it('takes communication that nobody measured as predicted, and then predicts the step that was observed', () => {
    for (const u of [0.3, 0.5, 0.8]) {
      const cut = { ...job, parallelism: { tensor: 8, data: 1 } }
      const T = predict({ ...cut, calibration: { achievableRatio: u } }).step.seconds
      const { calibration } = calibrate(cut, { stepSeconds: T })
      expect(calibration.achievableRatio).toBeCloseTo(u, 6)
      expect(predict({ ...cut, calibration }).step.seconds).toBeCloseTo(T ?? NaN, 6)
    }
  })

  it('makes what-if answers those of this machine: half the ceiling, twice the compute', () => {
    const half = calibrate(job, {
      stepSeconds: predict({ ...job, calibration: { achievableRatio: 0.4 } }).step.computeSeconds ?? NaN,
    })
    const calibrated = { ...job, calibration: half.calibration }
    const whatIf = { ...calibrated, batch: { micro: 2, global: 128 } }
    expect(predict(whatIf).step.computeSeconds).toBeCloseTo(2 * (predict(calibrated).step.computeSeconds ?? NaN), 9)
    const [best] = searchPlans(calibrated, 8).fitting
    const [fast] = searchPlans(job, 8).fitting
    expect(best?.stepSeconds).toBeGreaterThan(fast?.stepSeconds ?? NaN)
  })

  it('says nothing of what cannot be: faster than the peak, less memory than the states alone, nothing observed', () => {
    expect(calibrate(job, {}).calibration).toEqual({})
    expect(calibrate(job, { stepSeconds: 1e-3, peakBytes: 1e6 }).calibration).toEqual({})
    expect(calibrate(job, { stepSeconds: 1, communicationSeconds: 2 }).calibration).toEqual({})
    expect(calibrate({}, { stepSeconds: 1, peakBytes: 1e9 }).calibration).toEqual({})
  })
})
