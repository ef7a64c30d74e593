/** When a device will be full. */
import { describe, expect, it } from 'vitest'
import { memoryForecast } from '../../analysis/memory-forecast'
import { jobColumns, rankColumns, windowOf } from './analysis-windows'

const GIB = 2 ** 30
const CAPACITY = 80 * GIB
/** What tensors can have of it: less a gibibyte of context, and 5.5 % of fragmentation. */
const USABLE = (CAPACITY - GIB) / 1.055

const of = (peaks: readonly number[], stepSeconds = 2) =>
  memoryForecast.detect(
    windowOf({
      deviceMemoryBytes: CAPACITY,
      steps: jobColumns(Array<number>(peaks.length).fill(stepSeconds)),
      ranks: rankColumns(peaks.map((peakBytes, step) => ({ step, rank: 5, peakBytes }))),
    }),
  )
const rising = (perStep: number, from = 40 * GIB, steps = 40) =>
  Array.from({ length: steps }, (_, step) => from + step * perStep)

describe('the forecast of a device’s memory', () => {
  it('is the time that the trend leaves', () => {
    const peaks = rising(0.5 * GIB)
    const [found] = of(peaks)
    const left = ((USABLE - (peaks.at(-1) ?? NaN)) / (0.5 * GIB)) * 2
    expect(found?.title).toContain(`rank 5 will be full in about ${left.toFixed(1)} s`)
    expect(found).toMatchObject({ severity: 'critical', ranks: [5], provenance: 'estimated' })
  })

  it('says how sure it is where the rise is noisy', () => {
    const noisy = rising(0.2 * GIB).map((peak, step) => peak + (((step * 7919) % 13) / 13 - 0.5) * GIB)
    const [found] = of(noisy)
    // 209 MiB a step from 47.3 GiB to 74.9 GiB, two seconds each, is 4 min 31 s.
    expect(found?.title).toContain('in about 4 min 31 s')
    expect(found?.evidence).toContain('between 4 min 1 s and 5 min 7 s')
  })

  it.each([
    ['a sawtooth', Array.from({ length: 40 }, (_, step) => (40 + (step % 8) * 4) * GIB)],
    ['flat with noise', Array.from({ length: 40 }, (_, step) => 60 * GIB + ((step * 7919) % 13) * 1e7)],
    ['falling', rising(-0.3 * GIB, 60 * GIB)],
    ['a few steps', rising(GIB, 40 * GIB, 5)],
    ['a rise that takes days', rising(1e6, 10 * GIB).map((peak, step) => peak + step * 2e5)],
    ['a first step that settles', [20, 44, 60, ...Array<number>(37).fill(60)].map(size => size * GIB)],
  ])('is silent on %s', (_, peaks) => {
    expect(of(peaks)).toEqual([])
  })

  it('of a host is what its ranks add together against what is left of it', () => {
    const steps = 40
    const rows = [0, 1, 2].flatMap(rank =>
      Array.from({ length: steps }, (_, step) => ({ step, rank, bytes: (2 + (rank === 2 ? 0 : step / 16)) * GIB })),
    )
    const ranks = { ...rankColumns(rows), residentBytes: rows.map(({ bytes }) => bytes) }
    const places = new Map([0, 1, 2].map(rank => [rank, { node: 'n' }]))
    const hosts = new Map([['n', { totalBytes: 64 * GIB, usedBytes: 54 * GIB }]])
    const window = windowOf({ ranks, places, hosts, steps: jobColumns(Array<number>(steps).fill(2)) })
    // Two ranks of 64 MiB a step each: 10 GiB are gone after 80 steps of two seconds.
    const [found, ...others] = memoryForecast.detect(window)
    expect(others).toEqual([])
    expect(found).toMatchObject({ ranks: [0, 1], nodes: ['n'], severity: 'critical' })
    expect(found?.title).toBe('The memory of host n will be full in about 2 min 40 s')
    expect(memoryForecast.detect({ ...window, hosts: new Map() })).toEqual([])
  })

  it('of a host is what a cgroup allows its ranks together, and ulimit each alone, where that is less', () => {
    const steps = 40
    const rows = [0, 1].flatMap(rank =>
      Array.from({ length: steps }, (_, step) => ({ step, rank, bytes: (2 + step / 16) * GIB })),
    )
    const ranks = { ...rankColumns(rows), residentBytes: rows.map(({ bytes }) => bytes) }
    const places = new Map([0, 1].map(rank => [rank, { node: 'n', pid: 100 + rank }]))
    const under = (limits: [pid: number, name: string, gibibytes: number, used: number][]) => {
      const all = limits.map(
        ([pid, name, bytes, used]) => [pid, { name, bytes: bytes * GIB, usedBytes: used * GIB }] as const,
      )
      const host = { totalBytes: 512 * GIB, usedBytes: 100 * GIB, limits: new Map(all) }
      const each = jobColumns(Array<number>(steps).fill(2))
      const [found] = memoryForecast.detect(windowOf({ ranks, places, hosts: new Map([['n', host]]), steps: each }))
      return found
    }
    const group = 'memory.max of /job_7'
    const shared = under([100, 101].map(pid => [pid, group, 20, 10]))
    expect(shared?.title).toBe('The memory that the job may have on n will be full in about 2 min 40 s')
    expect(shared).toMatchObject({ ranks: [0, 1], nodes: ['n'] })
    expect(shared?.evidence).toContain('10.0 GiB of 20.0 GiB, all that memory.max of /job_7 allows, are in use')
    const alone = under([100, 101].map(pid => [pid, 'ulimit -v', pid === 101 ? 15 : 20, 10]))
    expect(alone).toMatchObject({ ranks: [1] })
    expect(alone?.title).toContain('in about 2 min 40 s')
    expect(under([[100, group, 600, 100]])?.title).toContain('The memory of host n')
  })

  it('is silent where the device is not known, and of a run that is over', () => {
    const ranks = rankColumns(rising(GIB).map((peakBytes, step) => ({ step, rank: 0, peakBytes })))
    expect(memoryForecast.detect(windowOf({ ranks }))).toEqual([])
    expect(memoryForecast.detect(windowOf({ ranks, deviceMemoryBytes: CAPACITY, facts: { endedAt: 5 } }))).toEqual([])
  })
})
