import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conventions } from '../../math/conventions/index'
import { answersOf, jobOf } from '../../math/conventions/job'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'
import { comparisonsOf, references } from '../accuracy/calculators'
import { errorOf, tables } from '../accuracy/published'
import { anyInput } from './math-shapes'

describe('by its own convention', () => {
  it.each(references)('$convention answers as $calculator does: $output', reference => {
    const all = comparisonsOf(reference)
    expect(all.length).toBeGreaterThanOrEqual(5)
    for (const { job, error } of all) expect(error, job).toBeLessThan(0.001)
  })
})

describe('beside published tables', () => {
  it.each(tables)('$title', table => {
    const all = table.compare()
    expect(all.length).toBeGreaterThan(0)
    const missed = all.filter(one => !(errorOf(table, one) <= table.goal) && table.known?.row.test(one.row) !== true)
    expect(missed).toEqual([])
    // A reason excuses the difference that it explains, not any.
    for (const one of all) expect(errorOf(table, one), one.row).toBeLessThanOrEqual(table.known?.within ?? table.goal)
  })
})

describe('conventions', () => {
  it.each([...conventions].map(convention => [convention.name, convention] as const))(
    '%s explains each figure, for any job, with a number that can be',
    (_, convention) => {
      expect(convention.source.url).toMatch(/^https:\/\//)
      expect(convention.help).not.toBe('')
      fc.assert(
        fc.property(anyInput, input => {
          const job = jobOf(input)
          if (job === undefined) return
          for (const [figure, derived] of Object.entries(convention.count(job))) {
            expect(derived.value, figure).toBeGreaterThanOrEqual(0)
            expect(derived.source.title).not.toBe('')
            // Every letter of the formula has its number.
            const letters: string[] = derived.formula.match(/[A-Za-z]+/g) ?? []
            expect(
              letters.filter(letter => derived.letters[letter] === undefined),
              derived.formula,
            ).toEqual([])
          }
        }),
        { numRuns: 50 },
      )
    },
  )

  it('stand side by side, and differ as is known: torchtitan leaves the embedding of Llama 3 out', () => {
    const answers = answersOf({ model: { ...findPreset('llama-3-8b')?.model } })
    const perToken = (name: string) =>
      answers.find(({ convention }) => convention.name === name)?.figures.flopsPerToken?.value ?? NaN
    expect(perToken('nanogpt') - perToken('torchtitan')).toBeCloseTo(6 * 128_256 * 4096, -3)
    // Published GFLOP/token of Llama 3 8B: 57.9 by Megatron-LM before March 2025, 51.5 since.
    expect(perToken('megatron-2024') / 1e9).toBeCloseTo(57.9, 0)
    expect(perToken('megatron') / 1e9).toBeCloseTo(51.5, 0)
  })

  it('count DeepSeek-V3 as Megatron-LM and MaxText do: latent attention, shared experts, three dense layers', () => {
    const answers = answersOf({ model: { ...findPreset('deepseek-v3')?.model } })
    const perToken = (name: string) =>
      answers.find(({ convention }) => convention.name === name)?.figures.flopsPerToken?.value ?? NaN
    expect(Math.abs(perToken('megatron') / 249_812_054_016 - 1)).toBeLessThan(0.001)
    expect(perToken('maxtext')).toBe(250_449_887_232)
  })

  it('say nothing of a model whose dimensions are not known', () => {
    expect(answersOf({ model: { parameters: 7e9 } })).toEqual([])
  })

  it.each(conventions.names)('can be asked for: a prediction then counts as %s', name => {
    const input = {
      model: { ...findPreset('llama-3-8b')?.model },
      precision: 'bf16',
      optimizer: 'adamw',
      recompute: 'full',
      parallelism: { tensor: 2, pipeline: 1, data: 8, zeroStage: 2 },
      batch: { micro: 1, global: 64 },
      hardware: { gpu: 'h100-sxm', count: 16 },
    }
    const { flops, memory, parameters, step, mfu, assumptions } = predict({ ...input, conventions: name })
    const { figures } = answersOf(input).find(({ convention }) => convention.name === name) ?? expect.fail('no answer')
    const asked = {
      parameters,
      flopsPerToken: flops.perToken,
      hardwareFlopsPerToken: flops.hardwarePerToken,
      parametersBytes: memory.parametersBytes,
      gradientsBytes: memory.gradientsBytes,
      optimizerBytes: memory.optimizerBytes,
      statesBytes: memory.statesBytes,
      activationsBytes: memory.activationsBytes,
      buffersBytes: memory.buffersBytes,
    }
    for (const [figure, { value }] of Object.entries(figures)) expect(asked[figure as keyof typeof asked]).toBe(value)
    // What it says nothing of is still there, by our own count.
    for (const value of [parameters, flops.perToken, memory.totalBytes, step.seconds, mfu])
      expect(value).toBeGreaterThan(0)
    expect(assumptions.join()).toContain('counted as')
  })

  it('that are not known are said to be none', () => {
    const { assumptions } = predict({ model: { ...findPreset('gpt2')?.model }, conventions: 'nobody' })
    expect(assumptions).toContain('conventions = our own (there is no "nobody")')
  })
})
