/** The waterfall from peak to MFU: of simulated fleets and by hand. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { efficiencyOf } from '../../analysis/efficiency'
import { flopsBudgetOf } from '../../analysis/flops-budget'
import { Fleet, USUAL_TRANSFERS } from '../../cli/simulate/fleet'
import { layoutOf } from '../../cli/simulate/layout'
import { usualNoise } from '../../cli/simulate/noise'
import type { Fault } from '../../cli/simulate/faults'
import { predict } from '../../math/predict'
import { findPreset } from '../../math/presets'
import { flopsBudgetSchema, type BudgetPart, type Waterfall } from '../../wire/flops-budget'
import { FleetWindow } from '../fleet-window'
import { jobColumns, rankColumns, windowOf, type RankStep } from './analysis-windows'

const A100 = 'NVIDIA A100-SXM4-80GB'
const model = findPreset('gpt2')?.model
const plan = { worldSize: 64, tensor: 4, pipeline: 4, data: 4 }
const config = { kind: 'config' as const, model, precision: 'bf16', parallelism: plan, batch: { micro: 1, global: 32 } }
const known = { ...config, recompute: 'full', hardware: { gpu: 'a100', count: 64, networkBytesPerSecond: 25e9 } }
const prediction = predict(known)
const tokens = 32 * (model?.sequenceLength ?? NaN)

const efficiency = (seconds: number, devices = 64) =>
  efficiencyOf({ config: config as never, gpuNames: [A100], tokensPerSecond: tokens / seconds, devices })
const none = efficiencyOf({ config: undefined, gpuNames: [], tokensPerSecond: undefined, devices: undefined })

const bar = ({ bars }: Waterfall, part: BudgetPart, side: 'measured' | 'predicted' = 'measured') =>
  bars.find(one => one.part === part)?.[side].value ?? NaN
const sum = ({ bars }: Waterfall, side: 'measured' | 'predicted') =>
  bars.reduce((total, one) => total + (one[side].value ?? 0), 0)

function fleetWindow(faults: readonly Fault[] = []) {
  const layout = layoutOf({ ...plan, gpusPerNode: 8, nodesPerLeaf: 2, rails: false, microBatches: 8 })
  const noise = { ...usualNoise, hiccups: 0 }
  const transfers = { transferRatio: USUAL_TRANSFERS, crossLeafRatio: 1.2 }
  const fleet = new Fleet({ layout, noise, faults, seed: 3, computeSeconds: 0.05, ...transfers })
  const window = new FleetWindow(fleet)
  for (let step = 0; step < 64; step += 1) window.push(fleet.next())
  return { ...window.window(), prediction }
}

describe('the FLOPs budget', () => {
  it('adds up: of the run, of each stage and of each rank, measured and predicted', () => {
    const budget = flopsBudgetOf(fleetWindow(), efficiency(0.1))
    expect(flopsBudgetSchema.parse(budget)).toEqual(budget)
    expect(budget.stages.map(({ of, ranks }) => [of, ranks])).toEqual([0, 1, 2, 3].map(stage => [`stage ${stage}`, 16]))
    for (const one of [budget.run, ...budget.stages])
      for (const side of ['measured', 'predicted'] as const)
        expect(sum(one, side) / (one[side].value ?? NaN), `${one.of} ${side}`).toBeCloseTo(1, 9)
    for (const [at, seconds] of budget.ranks.stepSeconds.entries()) {
      const parts = Object.values(budget.ranks.parts).map(column => column?.[at] ?? 0)
      expect(parts.reduce((total, value) => total + value, 0) / (seconds ?? NaN)).toBeCloseTo(1, 9)
    }
  })

  it('begins with MFU and the ceiling, and predicts what arithmetic predicts', () => {
    const { run } = flopsBudgetOf(fleetWindow(), efficiency(0.1))
    const { mfu, peak } = efficiency(0.1)
    expect(bar(run, 'useful') / (run.measured.value ?? NaN)).toBeCloseTo(mfu.value ?? NaN, 9)
    // Full recomputation does the forward pass again, a third of the FLOPs.
    expect(bar(run, 'recomputation') / bar(run, 'useful')).toBeCloseTo(1 / 3, 9)
    const all = bar(run, 'useful') + bar(run, 'recomputation')
    expect(bar(run, 'ceiling') / all).toBeCloseTo(1 / (peak?.achievableRatio ?? NaN) - 1, 9)
    expect(run.predicted.value).toBeCloseTo(prediction.step.seconds ?? NaN, 9)
    expect(bar(run, 'useful', 'predicted') / (run.predicted.value ?? NaN)).toBeCloseTo(prediction.mfu ?? NaN, 6)
  })

  it('has as much work in a step where its steps take longer than those of the MFU', () => {
    const { run } = flopsBudgetOf(fleetWindow(), efficiency(0.1), 0.02)
    expect(bar(run, 'useful')).toBeCloseTo((efficiency(0.1).mfu.value ?? NaN) * 0.02, 9)
  })

  it('shows a slow rank as waiting of the others, and a slow switch as transfer', () => {
    const fault = { links: [], size: 0.5, from: 1, to: Infinity, pattern: 'constant' as const }
    const of = (faults: readonly Fault[]) => flopsBudgetOf(fleetWindow(faults), efficiency(0.1)).run
    const healthy = of([])
    const slow = of([{ ...fault, kind: 'compute', ranks: [17] }])
    const leaf = of([{ ...fault, kind: 'link', ranks: [], links: ['leaf leaf001'], size: 2 }])
    expect(bar(slow, 'sync-wait')).toBeGreaterThan(bar(healthy, 'sync-wait') + 0.005)
    expect(bar(slow, 'communication') / bar(healthy, 'communication')).toBeCloseTo(1, 1)
    expect(bar(leaf, 'communication')).toBeGreaterThan(1.1 * bar(healthy, 'communication'))
    expect(bar(leaf, 'kernels') / bar(healthy, 'kernels')).toBeCloseTo(1, 1)
  })

  it('gives the last stage what the output layer takes', () => {
    const { stages } = flopsBudgetOf(fleetWindow(), efficiency(0.1))
    const [first, , , last] = stages
    expect(first && last && bar(last, 'useful') / bar(first, 'useful')).toBeGreaterThan(1.5)
    const mean = stages.reduce((total, stage) => total + bar(stage, 'useful'), 0) / 4
    expect(mean).toBeCloseTo((efficiency(0.1).mfu.value ?? NaN) * (stages[0]?.measured.value ?? NaN), 3)
  })

  it('of a log alone knows the work, and calls the rest unexplained', () => {
    const steps = jobColumns(Array<number>(30).fill(1))
    const { run, stages, ranks } = flopsBudgetOf(windowOf({ steps, prediction }), efficiency(1))
    expect(run).toMatchObject({ ranks: 0, measured: { value: 1, source: 'training log' } })
    expect(bar(run, 'unexplained')).toBeCloseTo(1 - bar(run, 'useful') * (4 / 3 + (4 / 3) * (1 / 0.8 - 1)), 1)
    expect(run.bars.find(({ part }) => part === 'sync-wait')?.measured).toEqual({
      value: null,
      provenance: 'derived',
      source: 'needs the time in collectives of two ranks or more',
    })
    expect([stages, ranks.rank]).toEqual([[], []])
  })

  it('of a run of which nothing is known has bars without numbers', () => {
    const nothing = windowOf({ steps: jobColumns([]) })
    const budget = flopsBudgetOf(nothing, none)
    expect(flopsBudgetSchema.parse(budget)).toEqual(budget)
    expect(
      budget.run.bars.every(({ measured, predicted }) => measured.value === null && predicted.value === null),
    ).toBe(true)
  })

  it('is a budget and adds up whatever the ranks say', () => {
    const cell = fc.oneof(fc.constantFrom(NaN, 0, Infinity), fc.double({ min: 0, max: 10, noNaN: true }))
    const row = fc.record({
      step: fc.integer({ min: 0, max: 20 }),
      rank: fc.integer({ min: 0, max: 4 }),
      data: cell,
      forward: cell,
      backward: cell,
      communication: cell,
      optimizer: cell,
    })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), (rows: readonly RankStep[]) => {
        const budget = flopsBudgetOf(windowOf({ ranks: rankColumns(rows), prediction }), efficiency(1))
        expect(flopsBudgetSchema.parse(budget)).toEqual(budget)
        const { measured } = budget.run
        if (measured.value !== null) expect(sum(budget.run, 'measured')).toBeCloseTo(measured.value, 6)
      }),
    )
  })
})
