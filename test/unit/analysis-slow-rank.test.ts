import { describe, expect, it } from 'vitest'
import { slowRank } from '../../analysis/slow-rank'
import { seededRandom } from '../../base/random'
import { rankColumns, scattered, STARTED, windowOf, type RankStep, type Spent } from './analysis-windows'

const detect = (rows: readonly RankStep[], change: Parameters<typeof windowOf>[0] = {}) =>
  slowRank.detect(windowOf({ ...change, ranks: rankColumns(rows) }))
const blamed = (rows: readonly RankStep[]) => detect(rows).flatMap(({ ranks }) => ranks ?? [])

type Means = readonly number[]
/** Ranks by their mean milliseconds; the backward pass takes twice the forward's. */
const ranksOf = (communication: Means, compute: Means): Spent[] =>
  communication.map((one, rank) => ({
    communication: one,
    forward: (compute[rank] ?? NaN) / 3,
    backward: ((compute[rank] ?? NaN) * 2) / 3,
  }))
/** With an overlapped backward pass only the forward's own time is known. */
const overlapped = (communication: Means, forward: Means): Spent[] =>
  communication.map((one, rank) => ({ communication: one, forward: forward[rank] ?? NaN }))

/**
 * Medians of real jobs: four ranks of a small GPT on gloo, two leaves of two hosts each, a network namespace per rank.
 * `barrier`: a barrier before the all-reduce, and the time in collectives is that in both.
 */
const SLOW_RANK_2: Readonly<Record<string, Spent[]>> = {
  'sleeps 150 ms': ranksOf([142, 140, 14, 145], [72, 75, 202, 77]),
  'sleeps 150 ms, barrier': ranksOf([128, 131, 16, 132], [98, 94, 206, 93]),
  'sleeps 150 ms, overlapped': overlapped([163, 164, 36, 170], [43, 45, 173, 40]),
  'computes 150 ms more': ranksOf([84, 86, 16, 87], [132, 125, 199, 123]),
  'has 20 % of a core': ranksOf([277, 259, 43, 272], [83, 86, 299, 85]),
  'has 20 % of a core, barrier': ranksOf([249, 231, 65, 250], [81, 81, 260, 80]),
  // Its own communication threads starve as well: it is far from waiting for nobody.
  'has 20 % of a core, overlapped': overlapped([317, 312, 201, 314], [38, 37, 103, 32]),
}
const NO_CULPRIT: Readonly<Record<string, Spent[]>> = {
  healthy: ranksOf([27, 30, 20, 29], [115, 113, 122, 115]),
  'healthy, barrier': ranksOf([30, 30, 25, 29], [112, 112, 108, 108]),
  'healthy, overlapped': overlapped([74, 71, 79, 73], [45, 45, 45, 45]),
  'leaf A uplink slow': ranksOf([976, 971, 969, 980], [68, 64, 64, 58]),
  // Two ranks wait little and two much: two stragglers, were it not for their own work.
  'leaf A uplink slow, barrier': ranksOf([945, 912, 954, 932], [67, 59, 63, 60]),
  'leaf A uplink slow, overlapped': overlapped([984, 980, 971, 996], [25, 25, 25, 25]),
  'leaf B uplink slow': ranksOf([960, 986, 972, 930], [70, 59, 66, 68]),
  'host 2 NIC slow': ranksOf([918, 915, 904, 918], [63, 58, 65, 61]),
  'leaf B uplink 10 ms longer': ranksOf([167, 192, 174, 191], [119, 98, 110, 97]),
}
const SEEDS = Array.from({ length: 50 }, (_, seed) => seed + 1)

describe('a slow rank', () => {
  it.each(Object.entries(SLOW_RANK_2))('that %s is named, and nobody else', (_, ranks) => {
    for (const seed of SEEDS) expect(blamed(scattered(ranks, seed)), `seed ${seed}`).toEqual([2])
  })

  it.each(Object.entries(NO_CULPRIT))('is not made of this: %s', (_, ranks) => {
    for (const seed of SEEDS) expect(blamed(scattered(ranks, seed)), `seed ${seed}`).toEqual([])
  })

  it('is not one that only waits little, as behind a barrier with a slow uplink', () => {
    // The waits alone of that run, 121/5/122/11 ms, name ranks 1 and 3.
    const waits = ranksOf([121, 5, 122, 11], [67, 59, 63, 60])
    for (const seed of SEEDS) expect(blamed(scattered(waits, seed))).toEqual([])
  })

  it('is not one that only works long while the others do not wait for it', () => {
    for (const seed of SEEDS) expect(blamed(scattered(ranksOf([30, 30, 160, 30], [70, 70, 210, 70]), seed))).toEqual([])
  })

  it('is told what it does, against what, since when and what it costs', () => {
    const calm: Spent = { communication: 140, forward: 20, backward: 50, data: 2 }
    const slow: Spent = { ...calm, communication: 14, data: 132 }
    const exact = (spent: Spent, rank: number, step: number): RankStep => ({
      step,
      rank,
      communication: spent.communication / 1000,
      data: (spent.data ?? NaN) / 1000,
      forward: (spent.forward ?? NaN) / 1000,
      backward: (spent.backward ?? NaN) / 1000,
    })
    const steps = Array.from({ length: 20 }, (_, step) =>
      [0, 1, 2, 3].map(rank => exact(rank === 3 && step >= 4 ? slow : calm, rank, step)),
    )
    const [finding, ...more] = detect(steps.flat())
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      title: 'Rank 3 is slow',
      ranks: [3],
      severity: 'critical',
      provenance: 'derived',
      evidence:
        'Its data takes 132 ms a step, its peers’ 2.00 ms (medians); in 100 % of the steps it waits less than they do, by 126 ms.',
      since: STARTED + 4,
      nextStep: expect.stringContaining('data loader') as unknown,
    })
    expect(finding?.costSecondsPerStep).toBeCloseTo(0.13, 6)
  })

  it('is one whose optimizer alone takes longer, as where it runs on the host', () => {
    for (const seed of SEEDS) {
      const ranks = ranksOf([90, 90, 30, 90], [70, 70, 70, 70])
      const rows = scattered(ranks, seed).map(row => ({ ...row, optimizer: row.rank === 2 ? 0.08 : 0.02 }))
      const [finding, ...more] = detect(rows)
      expect(more).toEqual([])
      expect(finding).toMatchObject({ ranks: [2], nextStep: expect.stringContaining('offload') as unknown })
      expect(finding?.evidence).toContain('Its optimizer takes 80.0 ms a step, its peers’ 20.0 ms')
      expect(finding?.costSecondsPerStep).toBeGreaterThan(0.045)
    }
  })

  it('goes on where it is less slow in the last steps, as in a crowd, and not where it is as its peers are', () => {
    const titles = (seed: number, atLast: number) => {
      const random = seededRandom(seed)
      const rows = Array.from({ length: 74 }, (_, step) => {
        const since = step < 64 ? 0.12 + 0.4 * random() : atLast + 0.005 * random()
        const late = step < 24 ? 0.07 : since
        return [0, 1, 2, 3].map((rank): RankStep => {
          const backward = rank === 2 ? late : 0.07 + 0.005 * random()
          return { step, rank, forward: 0.06, backward, communication: 0.02 + Math.max(late, backward) - backward }
        })
      })
      return detect(rows.flat()).map(({ title }) => title)
    }
    for (const seed of SEEDS) {
      expect(titles(seed, 0.14), `seed ${seed}`).toEqual([expect.stringMatching(/^Rank 2 is /) as unknown])
      expect(titles(seed, 0.07), `seed ${seed}`).toEqual([expect.stringMatching(/^Rank 2 was slow from /) as unknown])
    }
  })

  it('does not hide another: two of eight are both named', () => {
    const ranks = ranksOf([150, 150, 20, 150, 150, 25, 150, 150], [70, 70, 200, 70, 70, 190, 70, 70])
    for (const seed of SEEDS) expect(blamed(scattered(ranks, seed))).toEqual([2, 5])
  })

  it('is held against the ranks of its role only', () => {
    const coordinates = new Map([0, 1, 2, 3, 4, 5].map(rank => [rank, { pipeline: rank < 3 ? 0 : 1, data: rank % 3 }]))
    const config = { kind: 'config', parallelism: { pipeline: 2 } } as const
    // The last stage has the output layer: all of its ranks work longer, and those of the first wait for them.
    const even = scattered(ranksOf([150, 150, 150, 40, 40, 40], [70, 70, 70, 180, 180, 180]), 1)
    expect(detect(even, { coordinates, config })).toEqual([])
    const uneven = scattered(ranksOf([150, 150, 150, 120, 20, 120], [70, 70, 70, 180, 280, 180]), 1)
    expect(detect(uneven, { coordinates, config }).map(({ ranks }) => ranks)).toEqual([[4]])
    // Which rank is in which stage is not known: nobody can be blamed.
    expect(detect(uneven, { config })).toEqual([])
  })

  it('needs eight steps, two ranks, and times of both kinds', () => {
    const ranks = SLOW_RANK_2['sleeps 150 ms'] ?? []
    const rows = scattered(ranks, 1)
    expect(blamed(rows.filter(({ step }) => step < 7))).toEqual([])
    expect(blamed(rows.filter(({ step }) => step < 8))).toEqual([2])
    expect(blamed(rows.filter(({ rank }) => rank === 2))).toEqual([])
    expect(blamed(rows.map(row => ({ ...row, communication: NaN })))).toEqual([])
    expect(blamed(rows.map(({ step, rank, communication = NaN }) => ({ step, rank, communication })))).toEqual([])
  })

  it('is found with rows in any order, gaps, and a step that was done twice', () => {
    const rows = scattered(SLOW_RANK_2['sleeps 150 ms'] ?? [], 1)
    expect(blamed([...rows].reverse())).toEqual([2])
    expect(blamed(rows.filter((_, index) => index % 7 !== 0))).toEqual([2])
    expect(blamed([...rows, ...rows.filter(({ step }) => step > 15)])).toEqual([2])
  })

  it('is found among a thousand in the time between two looks', () => {
    const ranks = Array.from({ length: 1024 }, (_, rank): Spent => {
      return rank === 700 ? { communication: 20, forward: 200 } : { communication: 120, forward: 100 }
    })
    const window = windowOf({ ranks: rankColumns(scattered(ranks, 1, 64)) })
    const began = performance.now()
    expect(slowRank.detect(window).map(({ ranks: blame }) => blame)).toEqual([[700]])
    // About half a second; comparing each rank with each other took two minutes.
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})
