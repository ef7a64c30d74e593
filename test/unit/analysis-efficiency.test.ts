import { describe, expect, it } from 'vitest'
import { efficiencyOf } from '../../analysis/efficiency'
import { findPreset } from '../../math/presets'
import type { RecordOf } from '../../wire/records'

type Config = RecordOf<'config'>
const gpt2 = findPreset('gpt2')?.model
const config = (fields: Partial<Config> = {}): Config => ({
  kind: 'config',
  model: gpt2 as Config['model'],
  precision: 'bf16',
  ...fields,
})
const A100 = 'NVIDIA A100-SXM4-80GB'
const of = (change: Partial<Parameters<typeof efficiencyOf>[0]>) =>
  efficiencyOf({ config: config(), gpuNames: [A100, A100], tokensPerSecond: 1.6e6, devices: 8, ...change })

describe('the efficiency of a run', () => {
  it('is FLOPs per token times tokens per second, over devices and their peak', () => {
    const { flopsPerSecondPerGpu, mfu, flopsPerToken = NaN, peak } = of({})
    // 6·124,439,808 + 12·12·768·1024.
    expect(flopsPerToken).toBe(859_885_056)
    expect(flopsPerSecondPerGpu.value).toBeCloseTo((859_885_056 * 1.6e6) / 8, 0)
    expect(mfu).toMatchObject({ provenance: 'derived', source: 'over A100 SXM 80GB dense bf16 312 TFLOP/s' })
    expect(mfu.value).toBeCloseTo((859_885_056 * 1.6e6) / 8 / 312e12, 12)
    expect(peak?.gpu?.name).toBe('a100-sxm-80gb')
    expect(flopsPerSecondPerGpu.source).toContain('÷ 8 devices')
  })

  it('says the precision that it had to take', () => {
    expect(of({ config: config({ precision: undefined }) }).mfu.source).toContain('; precision not known, bf16 taken')
    const volta = of({
      config: config({ precision: undefined }),
      gpuNames: ['Tesla V100-SXM2-16GB'],
      tokensPerSecond: 1e5,
    })
    expect(volta.mfu.source).toContain('fp16 taken')
  })

  it('is over a measured peak where there is one', () => {
    const hardware = { peakFlopsPerSecond: 2e11, peakSource: 'matmul on this CPU' }
    const { mfu } = of({
      config: config({ hardware, precision: undefined }),
      gpuNames: [],
      tokensPerSecond: 100,
      devices: 1,
    })
    expect(mfu).toEqual({
      value: (859_885_056 * 100) / 2e11,
      provenance: 'derived',
      source: 'over matmul on this CPU 200 GFLOP/s',
    })
  })
})

describe('what cannot be known', () => {
  it.each<[string, Parameters<typeof of>[0], string]>([
    ['a precision without a peak', { gpuNames: ['Tesla V100-SXM2-16GB'] }, 'V100 SXM2 16GB has no bf16 matrix peak'],
    ['a slice of a GPU', { gpuNames: [`${A100} MIG 1g.10gb`] }, `no peak is known for "${A100} MIG 1g.10gb"`],
    ['GPUs of two kinds', { gpuNames: [A100, 'NVIDIA H200'] }, `GPUs of several kinds: ${A100}, NVIDIA H200`],
    [
      'more than the device can do',
      { config: config({ precision: 'fp32' }) },
      '172 TFLOP/s is more than A100 SXM 80GB dense fp32 19.5 TFLOP/s: it multiplies in another precision, or the model or the tokens are others',
    ],
    ['no GPU at all', { gpuNames: [] }, 'no GPU name and no measured peak'],
  ])('leaves MFU absent, and FLOP/s there: %s', (_, change, why) => {
    const { flopsPerSecondPerGpu, mfu } = of(change)
    expect(flopsPerSecondPerGpu.value).toBeGreaterThan(0)
    expect(mfu).toEqual({ value: null, provenance: 'derived', source: why })
  })

  it.each<[string, Parameters<typeof of>[0], RegExp]>([
    ['no model', { config: config({ model: {} }) }, /^the model is not known: parameters, model\.layers/],
    ['no configuration', { config: undefined }, /^the model is not known/],
    ['no tokens', { tokensPerSecond: NaN }, /^tokens per second are not known/],
    ['no step yet', { tokensPerSecond: 0 }, /^tokens per second are not known/],
    ['no devices', { devices: undefined }, /^the number of devices is not known/],
  ])('leaves both absent, and says why: %s', (_, change, why) => {
    const { flopsPerSecondPerGpu, mfu } = of(change)
    expect(flopsPerSecondPerGpu.value).toBeNull()
    expect(flopsPerSecondPerGpu.source).toMatch(why)
    expect(mfu.value).toBeNull()
    expect(mfu.source.length).toBeGreaterThan(5)
  })

  it('takes names of one GPU for one kind', () => {
    expect(of({ gpuNames: [A100, 'A100-SXM4-80GB'] }).mfu.value).toBeGreaterThan(0)
  })
})
