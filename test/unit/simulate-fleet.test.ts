import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hang } from '../../analysis/hang'
import { slowRank } from '../../analysis/slow-rank'
import type { Fault } from '../../cli/simulate/faults'
import { Fleet, USUAL_TRANSFERS } from '../../cli/simulate/fleet'
import { layoutOf, linksOf, type FleetShape } from '../../cli/simulate/layout'
import { NOISE_LEVELS } from '../../cli/simulate/noise'
import { hangRecords } from '../../cli/simulate/records'
import { pipelineTimes, PipelineSchedule } from '../../math/pipeline-schedule'
import type { RecordOf } from '../../wire/records'
import { FleetWindow } from '../fleet-window'

const SHAPE: FleetShape = {
  tensor: 4,
  pipeline: 4,
  data: 4,
  gpusPerNode: 8,
  nodesPerLeaf: 2,
  rails: false,
  microBatches: 8,
}
const usual = NOISE_LEVELS.find(({ name }) => name === 'usual')

function fleetOf(faults: readonly Fault[], seed = 1, shape = SHAPE) {
  if (usual === undefined) throw new Error('no such noise')
  const layout = layoutOf(shape)
  const transfers = { transferRatio: USUAL_TRANSFERS, crossLeafRatio: 1.2 }
  return new Fleet({ layout, noise: usual, faults, seed, computeSeconds: 2, ...transfers })
}

const slow: Fault = {
  kind: 'compute',
  ranks: [5],
  links: [],
  size: 0.3,
  from: 1,
  to: Infinity,
  pattern: 'constant',
}
const leaf: Fault = { ...slow, kind: 'link', ranks: [], links: ['leaf leaf001'], size: 1 }

describe('the layout of a fleet', () => {
  it('is in Megatron’s order: tensor, data, pipeline', () => {
    const { tensorOf, dataOf, stageOf, groups } = layoutOf(SHAPE)
    expect([tensorOf[21], dataOf[21], stageOf[21]]).toEqual([1, 1, 1])
    expect(groups.filter(({ purpose }) => purpose === 'tensor')).toHaveLength(16)
    expect(groups.find(({ purpose }) => purpose === 'data')?.name).toBe('0-12/4')
  })

  it('knows which links a group’s traffic crosses', () => {
    const layout = layoutOf(SHAPE)
    const within = layout.groups.find(({ purpose }) => purpose === 'tensor')
    expect(within && linksOf(layout, within)).toEqual([])
    const border = layout.groups.find(({ name }) => name === '0>16')
    expect(border && linksOf(layout, border).filter(link => !link.startsWith('nic'))).toEqual([
      ...['leaf leaf000', 'leaf leaf001', 'uplink leaf000', 'uplink leaf001'],
    ])
  })
})

describe('one forward, one backward', () => {
  it('takes all stages once and the longest for each further micro-batch', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 6, max: 20 }), (stages, microBatches) => {
        const times = pipelineTimes(stages)
        times.forward.fill(1)
        times.backward.fill(2)
        new PipelineSchedule(stages, microBatches).run(times)
        expect(Math.max(...times.end)).toBeCloseTo(3 * (microBatches + stages - 1))
      }),
    )
  })
})

describe('a fleet', () => {
  it('is the same of the same seed, and differs by the fault alone', () => {
    const [one, again, faulty] = [fleetOf([]), fleetOf([]), fleetOf([slow])]
    for (let step = 0; step < 20; step += 1) {
      const [healthy, same, late] = [one.next(), again.next(), faulty.next()]
      expect(same.stepSeconds).toEqual(healthy.stepSeconds)
      for (const rank of [0, 4, 6, 63]) expect(late.forwardSeconds[rank]).toBe(healthy.forwardSeconds[rank])
      expect((late.forwardSeconds[5] ?? 0) / (healthy.forwardSeconds[5] ?? 1)).toBeCloseTo(1.3, 9)
      expect(late.stepSeconds[5]).toBeGreaterThan(healthy.stepSeconds[5] ?? 0)
    }
  })

  it('ends a collective of a group at one moment: what one works longer it waits less', () => {
    const fleet = fleetOf([slow])
    const index = fleet.layout.groups.findIndex(({ ranks }) => ranks.includes(5))
    for (let step = 0; step < 20; step += 1) {
      const { groupSeconds, forwardSeconds, backwardSeconds, dataSeconds } = fleet.next()
      const from = fleet.offsets[index] ?? 0
      const [first, second] = [groupSeconds[from] ?? 0, groupSeconds[from + 1] ?? 0]
      const busy = (rank: number) =>
        (forwardSeconds[rank] ?? 0) + (backwardSeconds[rank] ?? 0) + (dataSeconds[rank] ?? 0)
      expect(fleet.layout.groups[index]?.ranks.slice(0, 2)).toEqual(Int32Array.of(4, 5))
      expect(Math.abs(busy(5) + second - busy(4) - first)).toBeLessThan(0.25)
      expect(second).toBeLessThan(first)
    }
  })

  it('has a slow leaf slow what crosses it, and nothing else', () => {
    const [healthy, faulty] = [fleetOf([]), fleetOf([leaf])]
    const least = (fleet: Fleet, seconds: Float64Array, index: number) => {
      const from = fleet.offsets[index] ?? 0
      return Math.min(...seconds.slice(from, from + (fleet.layout.groups[index]?.ranks.length ?? 0)))
    }
    const [one, other] = [healthy.next(), faulty.next()]
    for (const [index, group] of healthy.layout.groups.entries()) {
      const ratio = least(faulty, other.groupSeconds, index) / least(healthy, one.groupSeconds, index)
      if (!linksOf(healthy.layout, group).includes('leaf leaf001')) expect(ratio).toBeCloseTo(1, 2)
      else expect(ratio).toBeGreaterThan(1.8)
    }
  })
})

describe('what no rank is to blame for, and what stands still', () => {
  const shape: FleetShape = { ...SHAPE, data: 8, experts: 2 }
  const seenOf = (faults: readonly Fault[]) => {
    const window = new FleetWindow(fleetOf(faults, 1, shape))
    for (let step = 0; step < 48; step += 1) window.push(window.fleet.next())
    return window.window()
  }
  const { dataOf } = layoutOf(shape)
  const hot = [...dataOf.keys()].filter(rank => (dataOf[rank] ?? 0) % 2 === 0)

  it('experts that have more to do are no slow ranks, but a slow one among them is', () => {
    const more: Fault = { ...slow, ranks: hot, size: 0.2 }
    expect(slowRank.detect(seenOf([more]))).toEqual([])
    const [first, ...rest] = slowRank.detect(seenOf([more, { ...slow, ranks: [hot[3] ?? 0] }]))
    expect(first?.ranks).toEqual([hot[3]])
    expect(rest).toEqual([])
  })

  it('a hang is told by the watchdogs of those that wait', () => {
    const records = [...hangRecords(fleetOf([], 1, shape), [5], 9, { run: 'run', time: 2_000 })]
    const events = records.filter((record): record is RecordOf<'event'> => record.kind === 'event')
    expect(hang.detect({ ...seenOf([]), events }).map(({ ranks, title }) => [ranks, title])).toEqual([
      [[5], expect.stringContaining('never came to all-reduce 9')],
    ])
  })
})
