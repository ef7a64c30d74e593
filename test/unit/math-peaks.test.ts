import { describe, expect, it } from 'vitest'
import { findGpu, gpus } from '../../math/gpus'
import { peakOf, whyNoPeak } from '../../math/peak'
import { PRECISIONS, precisionOf, type Precision } from '../../math/plan'
import { referenceGpus, there } from './math-reference'

const teraflops = (gpu: string, precision: Precision) => (peakOf({ gpu }, precision)?.flopsPerSecond ?? NaN) / 1e12

describe('dense peaks', () => {
  // Data sheets, dense columns. The sparse figures beside them (H100 1979, B200 4500, MI300X 2615 in bf16) are traps.
  it.each([
    ['a100-sxm', 'bf16', 312],
    ['a100-sxm', 'tf32', 156],
    ['h100-sxm', 'bf16', 989.4],
    ['h100-sxm', 'fp8', 1978.9],
    ['h100-pcie', 'bf16', 756],
    ['h200', 'bf16', 989.4],
    ['b200', 'bf16', 2250],
    ['v100', 'fp16', 125],
    ['mi300x', 'bf16', 1307.4],
    ['rtx-4090', 'bf16', 165.2],
    ['l4', 'bf16', 121],
  ] as const)('%s %s: %d TFLOP/s', (gpu, precision, value) => {
    expect(teraflops(gpu, precision)).toBeCloseTo(value, 6)
  })

  it('of a precision without matrix units are unknown, never another one’s', () => {
    expect(peakOf({ gpu: 'v100' }, 'bf16')).toBeUndefined()
    expect(whyNoPeak({ gpu: 'v100' }, 'bf16')).toBe('V100 SXM2 32GB has no bf16 matrix peak')
    expect(whyNoPeak({ gpu: 'abacus' }, 'bf16')).toBe('no peak is known for "abacus"')
    expect(whyNoPeak(undefined, 'bf16')).toBe('no GPU name and no measured peak')
    expect(peakOf(undefined, 'bf16')).toBeUndefined()
  })

  it('that were measured win over the table, and say so', () => {
    const peak = peakOf({ gpu: 'h100-sxm', peakFlopsPerSecond: 7e14, peakSource: 'matmul on this device' }, 'bf16')
    expect(peak).toMatchObject({ flopsPerSecond: 7e14, achievableRatio: 1, gpu: { name: 'h100-sxm' } })
    expect(peak?.title).toBe('matmul on this device 700 TFLOP/s')
  })

  it('name the device, the precision and dense', () => {
    expect(peakOf({ gpu: 'NVIDIA H100 80GB HBM3' }, 'bf16')?.title).toBe('H100 SXM dense bf16 989 TFLOP/s')
  })
})

describe('the name of a GPU', () => {
  it.each([
    ['A100-SXM4-80GB', 'a100-sxm-80gb'],
    ['  nvidia  h100 pcie ', 'h100-pcie'],
    ['AMD Instinct MI300X VF', 'mi300x'],
    ['H100-SXM', 'h100-sxm'],
    ['Simulated H100 80GB HBM3', 'h100-sxm'],
  ])('"%s" is %s', (name, known) => {
    expect(findGpu(name)?.name).toBe(known)
  })

  it.each([
    ...[
      'NVIDIA RTX A4000',
      'NVIDIA L40',
      'NVIDIA H20',
      'NVIDIA A100-SXM-64GB',
      'NVIDIA H100',
      'NVIDIA GeForce RTX 4090 D',
    ],
    ...['NVIDIA H100 80GB HBM3 MIG 1g.10gb', 'NVIDIA GeForce RTX 2080 ...', 'NVIDIA A100-SXM4-80GB MIG 3g.40gb'],
    ...['constructor', 'nvidia', ''],
  ])('"%s" is not taken for another', name => {
    expect(findGpu(name)).toBeUndefined()
  })

  it('finds the device of every name it is known by', () => {
    for (const gpu of gpus)
      for (const name of [gpu.name, gpu.title, ...gpu.aliases, ...gpu.smiNames]) expect(findGpu(name), name).toBe(gpu)
  })
})

describe('the name of a precision', () => {
  it.each([
    ['torch.bfloat16', 'bf16'],
    ['BF16', 'bf16'],
    ['float16', 'fp16'],
    ['half', 'fp16'],
    ['float32', 'fp32'],
    ['MXFP8', 'fp8'],
    ['constructor', undefined],
    ['int4', undefined],
  ])('%s is %s', (text, precision) => {
    expect(precisionOf(text)).toBe(precision)
  })

  it('of ours is known as it is', () => {
    for (const precision of PRECISIONS) expect(precisionOf(precision)).toBe(precision)
  })
})

/** Left out of our table: a part whose peak nobody confirmed, or that no tool names alone. */
const UNSURE = /^(A10G|H100-SXM5-96GB|B100|MI300A|V100S-PCIE)$/
const UNSURE_NAMES = new Set([
  'Tesla V100-SXM3-32GB',
  'NVIDIA A100-SXM-64GB',
  'NVIDIA GeForce RTX 4090 D',
  'NVIDIA GeForce RTX 5090 D',
])
/** The table has a package where tools show its two halves. */
const DEVICES: Readonly<Record<string, number>> = { MI250X: 2 }

describe.skipIf(!there)('the reference table', () => {
  it.each(referenceGpus)('$key has the same peaks, memory and bandwidths', reference => {
    for (const name of reference.smi_names) {
      const gpu = findGpu(name)
      const unsure = UNSURE.test(reference.key) || UNSURE_NAMES.has(name)
      expect(gpu === undefined, name).toBe(unsure)
      if (gpu === undefined) continue
      const devices = DEVICES[reference.key] ?? 1
      for (const precision of ['bf16', 'fp16', 'tf32', 'fp8'] as const) {
        const theirs = reference.dense_tflops[precision] ?? undefined
        const ours = gpu.peakFlopsPerSecond[precision]
        expect(ours === undefined ? undefined : ours / 1e12, `${name} ${precision}`).toBe(
          theirs === undefined ? undefined : theirs / devices,
        )
      }
      expect(gpu.memoryBytesPerSecond / 1e9).toBeCloseTo((reference.mem_bandwidth_GBps ?? NaN) / devices, -1)
      expect(gpu.pcieBytesPerSecond).toBe((reference.pcie.x16_per_direction_GBps ?? NaN) * 1e9)
      // A bridge between two cards is no link of a node.
      const bridge = /bridge/.test(reference.gpu_link.name ?? '')
      const link = reference.gpu_link.per_direction_GBps
      expect(gpu.linkBytesPerSecond).toBe(bridge || link === null ? undefined : link * 1e9)
      const shown = reference.smi_memory_total_MiB
      if (shown !== null) expect(shown).toContain(gpu.memoryBytes / 1024 ** 2)
    }
  })
})
