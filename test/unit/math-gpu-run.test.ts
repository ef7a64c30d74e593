/** The arithmetic beside what a GPU did: a GPT in bf16 on one H200, as the hook told of it (`test/fixtures/gpu-run`). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { efficiencyOf } from '../../analysis/efficiency'
import { median } from '../../analysis/statistics'
import { createLogReader } from '../../collectors/logs/read'
import { predict, type PredictInput } from '../../math/predict'
import type { RecordOf } from '../../wire/records'

const reader = createLogReader()
const bytes = gunzipSync(readFileSync(join(import.meta.dirname, '../fixtures/gpu-run/rank-0.jsonl.gz')))
const records = [...reader.push(bytes), ...reader.end()]
const steps = records.filter((record): record is RecordOf<'step'> => record.kind === 'step')
const config = Object.assign({}, ...records.filter(({ kind }) => kind === 'config')) as RecordOf<'config'>
// Recorded before the hook saw it: `train.py` calls torch's fused attention.
const seen = { ...config, model: { ...config.model, fusedAttention: true } }
const usual = steps.filter(({ step = 0 }) => step > 3 && step < 86)

describe('a prediction beside a GPU', () => {
  const { memory, step } = predict(seen as PredictInput)

  it('knows what parameters, gradients and optimizer hold', () => {
    const held = usual[0]?.memoryCategories ?? {}
    expect(memory.parametersBytes).toBe(held['parameters'])
    expect(memory.gradientsBytes).toBe(held['gradients'])
    expect((memory.optimizerBytes ?? NaN) / (held['optimizer'] ?? NaN)).toBeCloseTo(1, 5)
  })

  it('is within a tenth of the peak of memory, and far off where attention is taken to keep its scores', () => {
    const peak = Math.max(...usual.map(({ memoryPeakBytes = NaN }) => memoryPeakBytes))
    const tensors = ({ memory: of }: ReturnType<typeof predict>) =>
      [of.parametersBytes, of.gradientsBytes, of.optimizerBytes, of.activationsBytes, of.buffersBytes].reduce<number>(
        (sum, part) => sum + (part ?? NaN),
        0,
      )
    expect(Math.abs(tensors(predict(seen as PredictInput)) / peak - 1)).toBeLessThan(0.1)
    const unfused = { ...seen, model: { ...seen.model, fusedAttention: false } }
    expect(tensors(predict(unfused as PredictInput)) / peak).toBeGreaterThan(1.4)
  })

  it('is a bound of the step, which is reached to six tenths', () => {
    const seconds = median(usual.map(({ stepSeconds = NaN }) => stepSeconds))
    const { mfu } = efficiencyOf({ config: seen, gpuNames: [], tokensPerSecond: 8192 / seconds, devices: 1 })
    expect(mfu.value).toBeCloseTo(0.48, 2)
    expect((step.seconds ?? NaN) / seconds).toBeCloseTo(0.6, 1)
  })
})
