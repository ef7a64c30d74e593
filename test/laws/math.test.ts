/** Laws of `math/`: each holds for every figure of every prediction, every GPU and every preset, before anyone tests one. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { format } from '../../base/units'
import { findGpu, gpus } from '../../math/gpus'
import { PRECISIONS } from '../../math/plan'
import { predict, type Prediction } from '../../math/predict'
import { findPreset, presets } from '../../math/presets'
import { sources } from '../../math/sources'
import { evaluate } from '../unit/math-arithmetic'
import { anyBySize, anyInput, anyWithEncoder } from '../unit/math-shapes'

/** Every number of a prediction under its path, `byConvention` and `byPurpose` apart: they are views of the others. */
function numbersOf(value: unknown, path = ''): [path: string, value: number][] {
  if (typeof value === 'number') return [[path, value]]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value)
    .filter(([name]) => !['byConvention', 'byPurpose', 'explain'].includes(name))
    .flatMap(([name, part]) => numbersOf(part, path === '' ? name : `${path}.${name}`))
}

/** A place and two numbers from a data sheet: not computed, so there is no formula. */
const NO_FIGURE = new Set(['memory.stage', 'memory.capacityBytes', 'peak.flopsPerSecond'])
const UNIT_OF_NAME: readonly (readonly [RegExp, string])[] = [
  [/Bytes$/, 'bytes'],
  [/seconds$/i, 'seconds'],
  [/(Ratio|^mfu|^hfu)$/, 'ratio'],
  [/arameters$/, 'count'],
  [/^flops\./, 'flops'],
  [/Flops$/, 'flops'],
  [/Tokens$/, 'tokens'],
  [/Hours$/, 'count'],
  [/cost$/, 'none'],
  [/^communication\./, 'bytes'],
]

function holds(prediction: Prediction): void {
  const { explain } = prediction
  for (const [path, value] of numbersOf(prediction)) {
    expect(Number.isFinite(value) && value >= 0, `${path} = ${value}`).toBe(true)
    if (!NO_FIGURE.has(path)) expect(explain[path]?.value, `${path} is explained`).toBe(value)
  }
  for (const [path, { formula, substituted, source, value, unit }] of Object.entries(explain)) {
    // The numbers in the text have seven digits; a difference of two of them may lose some.
    const shown = evaluate(substituted)
    expect(Math.abs(shown - value), `${path}: ${substituted}`).toBeLessThanOrEqual(1e-4 * Math.abs(value) + 1e-12)
    expect(formula).toMatch(/^[\d\sA-Za-z+−·/(),]+$/)
    expect(source.title.length, path).toBeGreaterThan(3)
    if (source !== sources.input && source.url !== '') expect(source.url, path).toMatch(/^https:\/\//)
    expect(unit, path).toBe(UNIT_OF_NAME.find(([name]) => name.test(path))?.[1])
    expect(format(value, unit), path).not.toBe('–')
  }
}

const anyJob = fc.oneof(
  { weight: 8, arbitrary: anyInput },
  { weight: 1, arbitrary: anyBySize },
  { weight: 2, arbitrary: anyWithEncoder },
)

describe('every figure of a prediction', () => {
  it('has a formula that gives its value, its numbers in it, a unit and a source, for any job', () => {
    fc.assert(
      fc.property(anyJob, input => {
        holds(predict(input))
      }),
      { numRuns: 1000 },
    )
  })

  it.each([...presets])('of $name on any GPU', ({ model }) => {
    for (const gpu of gpus.names)
      for (const parallelism of [{}, { tensor: 2, pipeline: 2, data: 2, zeroStage: 3, sequenceParallel: true }])
        holds(predict({ model, parallelism, hardware: { gpu }, precision: 'fp16', batch: { micro: 1, global: 8 } }))
  })

  it('is explained where only parameters are known', () => {
    for (const zeroStage of [0, 1, 2, 3])
      holds(
        predict({
          model: { parameters: 7.5e9 },
          parallelism: { data: 64, zeroStage },
          batch: { micro: 1, global: 64 },
        }),
      )
  })

  it('says of what it takes for granted each thing once', () => {
    fc.assert(
      fc.property(anyInput, input => {
        const { assumptions, missing } = predict(input)
        expect(new Set(assumptions).size).toBe(assumptions.length)
        expect(new Set(missing.map(({ figure }) => figure)).size).toBe(missing.length)
      }),
    )
  })
})

describe('the FLOPs of a model', () => {
  it('add up: its parts to the whole, forward and backward pass to the whole, and without recomputation the hardware’s', () => {
    fc.assert(
      fc.property(anyJob, input => {
        const { flops, mfu, hfu } = predict(input)
        const { perToken = NaN, forwardPerToken = NaN, backwardPerToken = NaN, parts = {} } = flops
        const sum = Object.values(parts).reduce((all, part) => all + part, 0)
        expect(sum / perToken).toBeCloseTo(1, 9)
        expect((forwardPerToken + backwardPerToken) / perToken).toBeCloseTo(1, 12)
        if (input.model?.trainableParameters === undefined) expect(backwardPerToken / forwardPerToken).toBeCloseTo(2, 9)
        if (input.recompute === 'none') expect(hfu).toBe(mfu)
        for (const part of Object.values(parts)) expect(part).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 1000 },
    )
  })
})

describe.each([...gpus].map(gpu => [gpu.name, gpu] as const))('the GPU %s', (_, gpu) => {
  it('is found by each of its names, and by nobody else’s', () => {
    expect(gpu.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    expect(gpu.smiNames.length).toBeGreaterThan(0)
    for (const name of [gpu.name, gpu.title, ...gpu.aliases, ...gpu.smiNames]) expect(findGpu(name), name).toBe(gpu)
  })

  it('cites where its figures are from', () => {
    expect(gpu.sources.length).toBeGreaterThan(0)
    for (const { title, url, read } of gpu.sources) {
      expect(read).toMatch(/^\d{4}-\d{2}-\d{2}$/)
      expect(title.length).toBeGreaterThan(3)
      expect(url).toMatch(/^https:\/\//)
    }
  })

  it('has dense peaks: a step of two from one precision to the next, and fp16 as fast as bf16', () => {
    const { fp8, bf16, fp16 = NaN, tf32, fp32 } = gpu.peakFlopsPerSecond
    for (const precision of Object.keys(gpu.peakFlopsPerSecond)) expect(PRECISIONS).toContain(precision)
    if (bf16 !== undefined) expect(bf16).toBe(fp16)
    // Data sheets round each cell on its own.
    if (fp8 !== undefined) expect(fp8 / fp16).toBeCloseTo(2, 1)
    if (tf32 !== undefined) expect(fp16 / tf32).toBeCloseTo(2, 1)
    if (fp32 !== undefined) expect(fp32).toBeLessThan(fp16)
    // The largest dense peak of any device known is 2.5 PFLOP/s; twice that is a sparse figure.
    expect(fp16).toBeLessThan(2.6e15)
  })

  it('has memory and bandwidths of a device, in bytes', () => {
    expect(gpu.memoryBytes / 1024 ** 3).toBeGreaterThan(4)
    expect(gpu.memoryBytes / 1024 ** 3).toBeLessThanOrEqual(288)
    expect(gpu.memoryBytesPerSecond).toBeGreaterThan(1e11)
    expect(gpu.memoryBytesPerSecond).toBeLessThan(1e13)
    const { linkBytesPerSecond: link = 1e11, pcieBytesPerSecond: pcie = 0 } = gpu
    expect(link).toBeGreaterThanOrEqual(pcie)
    expect(link).toBeLessThan(gpu.memoryBytesPerSecond)
    const { achievableRatio = 0.8 } = gpu
    expect(achievableRatio).toBeGreaterThan(0.4)
    expect(achievableRatio).toBeLessThan(0.95)
  })
})

describe.each([...presets].map(preset => [preset.name, preset] as const))('the preset %s', (_, preset) => {
  it('is a whole model that says where it is from', () => {
    const { parameters, missing } = predict({ model: preset.model })
    expect(preset.model.name).toBe(preset.name)
    expect(preset.source.url).toMatch(/^https:\/\//)
    expect(parameters).toBeGreaterThan(0)
    expect(missing.map(({ figure }) => figure)).not.toContain('flops.perToken')
  })

  it('is found in any case, and has as many parameters as its name says', () => {
    expect(findPreset(` ${preset.name.toUpperCase()} `)).toBe(preset)
    const [, size, letter] = /-(\d+(?:\.\d+)?)([mb])$/.exec(preset.name) ?? []
    if (size === undefined) return
    const named = Number(size) * (letter === 'b' ? 1e9 : 1e6)
    expect(Math.abs((predict({ model: preset.model }).parameters ?? NaN) / named - 1)).toBeLessThan(0.08)
  })
})

describe('sources', () => {
  it('have a title and an address, but for the configuration itself', () => {
    for (const [name, { title, url }] of Object.entries(sources)) {
      expect(title.length, name).toBeGreaterThan(3)
      if (name !== 'input') expect(url, name).toMatch(/^https:\/\//)
    }
  })
})
