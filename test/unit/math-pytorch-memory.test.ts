import { describe, expect, it } from 'vitest'
import type { PredictInput } from '../../math/input'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'

const job: PredictInput = {
  framework: 'torchtitan',
  model: { ...findPreset('llama-3-8b')?.model },
  precision: 'bf16',
  optimizer: 'adamw',
  parallelism: { data: 8, zeroStage: 3 },
  batch: { micro: 1, global: 8 },
  hardware: { gpu: 'h100-sxm', count: 8 },
}
const GIB = 1024 ** 3

describe('memory under PyTorch', () => {
  it('holds the logits four times: as given, in fp32, as log-softmax, and their gradient', () => {
    const logits = 8192 * 128_256
    const buffers = (framework: string, precision: string) =>
      predict({ ...job, framework, precision, parallelism: { data: 1 } }).memory.buffersBytes
    expect(buffers('torchtitan', 'bf16')).toBe(14 * logits)
    expect(buffers('nanogpt', 'fp32')).toBe(12 * logits)
    expect(buffers('megatron', 'bf16')).toBe(4 * logits)
  })

  it('holds a copy of all gradients for the all-reduce of DistributedDataParallel', () => {
    const of = (parallelism: object) =>
      predict({ ...job, framework: 'nanogpt', parallelism }).memory.buffersBytes ?? NaN
    expect(of({ data: 8 }) - of({ data: 1 })).toBe(4 * 8_030_261_248)
  })

  it('meets what torchtitan reserved with full recomputation at 32k tokens: 83.9 GiB', () => {
    const { memory } = predict({ ...job, model: { ...job.model, sequenceLength: 32_768 }, recompute: 'full' })
    expect(Math.abs((memory.totalBytes ?? NaN) / GIB / 83.9 - 1)).toBeLessThan(0.05)
  })

  it('keeps with torchtitan’s selective recomputation what attention and every other matmul give', () => {
    const { explain } = predict({ ...job, recompute: 'selective' })
    expect(explain['memory.layerActivationsBytes']?.formula).toBe('s·b / c·(2·h·w + ((2·a·e + k·e + A·f)·w) / t)')
    const perToken = (2 * 4096 + 2 * 4096 + 8 * 128 + 14_336) * 2
    expect(explain['memory.layerActivationsBytes']?.value).toBe(8192 * perToken)
    const megatron = predict({ ...job, framework: 'megatron', recompute: 'selective' }).memory.activationsBytes ?? NaN
    expect(predict({ ...job, recompute: 'selective' }).memory.activationsBytes).toBeLessThan(megatron)
  })
})
