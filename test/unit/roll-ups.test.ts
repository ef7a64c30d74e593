import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gpuSeries } from '../../hub/queries/devices'
import { HeatMaps } from '../../hub/queries/heat'
import { rankMap, stepSeries } from '../../hub/queries/steps'
import { efficiencyOf } from '../../analysis/efficiency'
import { Folding } from '../../hub/roll-ups/folding'
import { rollUps } from '../../hub/roll-ups/index'
import { columnsOf } from '../../hub/roll-ups/roll-up'
import { keepOf, keepSchema, Retention, tooMuch } from '../../hub/roll-ups/retention'
import type { WireRecord } from '../../wire/records'
import { ownStore } from './own-store'
import { batchOf } from './records'

const store = ownStore()

const BEGAN = 1_790_000_000
let sequence = 0
let arrived = BEGAN
/** Each delivery comes some minutes after the one before. */
const put = (records: readonly WireRecord[]) =>
  store().insert(batchOf(records), { agent: 'a', sequence: (sequence += 1), receivedAt: (arrived += 500) })

async function fold(): Promise<void> {
  const folding = new Folding(store(), () => undefined)
  await folding.start()
  await folding.fold(true, arrived)
  await folding.close()
}

const count = async (table: string, where = '1') =>
  Number((await store().query(`SELECT count() AS rows FROM ${table} WHERE ${where}`))['rows']?.[0])

describe('roll-ups', () => {
  it('have a table with a column for each figure', async () => {
    for (const rollUp of rollUps) {
      for (const { table } of rollUp.tiers) {
        const { name = [] } = await store().query(
          'SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String}',
          { table },
        )
        expect([...columnsOf(rollUp), 'receivedAt'].sort(), table).toEqual(name.map(String).sort())
      }
    }
  })

  it('say the same as the rows, however these come: late, twice folded, in pieces', async () => {
    const sample = fc.record({
      at: fc.integer({ min: 0, max: 3000 }),
      node: fc.constantFrom('one', 'two', 'three'),
      use: fc.integer({ min: 0, max: 100 }),
    })
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(sample, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 }),
        async deliveries => {
          run += 1
          for (const samples of deliveries) {
            const records = samples.map(({ at, node, use }): WireRecord => ({
              kind: 'gpu',
              time: BEGAN + at + 0.5,
              node: `${node}-${run}`,
              index: 0,
              ...(node === 'two' ? {} : { utilizationRatio: use / 100, memoryUsedBytes: use * 1e9 }),
            }))
            await put(records)
            await fold()
          }
          for (const [table, width] of [
            ['gpu_10s', 10],
            ['gpu_1m', 60],
            ['gpu_10m', 600],
          ] as const) {
            const folded = await store().query(
              `SELECT toString(node) AS node, slot, samples, round(utilizationRatio, 9) AS mean, utilizationRatioMin AS low, utilizationRatioMax AS high, memoryUsedBytes AS memory
             FROM ${table} FINAL WHERE endsWith(node, {end:String}) ORDER BY node, slot`,
              { end: `-${run}` },
            )
            const rows = await store().query(
              `SELECT toString(node) AS node, floor(time / ${width}) * ${width} AS slot, count() AS samples, round(avg(utilizationRatio), 9) AS mean,
               min(utilizationRatio) AS low, max(utilizationRatio) AS high, max(memoryUsedBytes) AS memory
             FROM gpu WHERE endsWith(node, {end:String}) GROUP BY node, slot ORDER BY node, slot`,
              { end: `-${run}` },
            )
            expect(folded, table).toEqual(rows)
          }
        },
      ),
      { numRuns: 8 },
    )
  })

  it('answer for a long range as the rows would, the newest from the rows, peaks and outages kept', async () => {
    const hours = 6
    const samples = Array.from({ length: hours * 360 }, (_, index) => index * 10).filter(at => at < 7200 || at >= 7800)
    await put(
      samples.map(at => ({
        kind: 'gpu',
        time: BEGAN + at,
        node: 'long',
        index: 3,
        utilizationRatio: at === 9000 ? 0 : 0.9,
        memoryUsedBytes: at === 5000 ? 7e10 : 1e10,
      })),
    )
    await fold()
    await put([{ kind: 'gpu', time: BEGAN + hours * 3600 + 5, node: 'long', index: 3, utilizationRatio: 0.5 }])
    const [series] = await gpuSeries(store(), ['long'], { from: BEGAN, to: BEGAN + hours * 3600 + 60, points: 20 })
    expect(series?.time.at(-1)).toBe(BEGAN + hours * 3600 + 5)
    expect(Math.max(...(series?.memoryUsedBytes ?? []).map(Number))).toBe(7e10)
    expect(Math.min(...(series?.utilizationRatioMin ?? []).map(Number))).toBe(0)
    const covered = series?.coveredRatio ?? []
    expect(covered.filter(ratio => ratio !== null && ratio < 0.7).length).toBeGreaterThan(0)
    expect(covered.filter(ratio => ratio !== null && ratio > 0.95).length).toBeGreaterThan(10)
  })

  it('fold steps over ranks, and a step that was repeated counts once', async () => {
    const step = (index: number, rank: number, stepSeconds: number, time = BEGAN + index): WireRecord => ({
      kind: 'step',
      run: 'steps',
      node: 'n',
      time,
      step: index,
      rank,
      stepSeconds,
      loss: 5,
      phases: { communication: { seconds: rank === 0 ? 0.1 : 0.3 } },
    })
    const steps = Array.from({ length: 2500 }, (_, index) => index)
    await put(steps.flatMap(index => [step(index, 0, 1), step(index, 1, index === 1234 ? 9 : 1)]))
    await fold()
    // After a restart from step 100 the run was faster.
    await put(
      [100, 101].flatMap(index => [
        step(index, 0, 0.5, BEGAN + 5000 + index),
        step(index, 1, 0.5, BEGAN + 5000 + index),
      ]),
    )
    await fold()
    expect(await count('jobStep_10 FINAL', "run = 'steps'")).toBe(250)
    expect(await count('rankStep_1000 FINAL', "run = 'steps'")).toBe(6)
    const range = { from: BEGAN - 10, to: BEGAN + 10_000, points: 25 }
    const known = {
      efficiency: efficiencyOf({ config: undefined, gpuNames: [], tokensPerSecond: undefined, devices: undefined }),
      devices: undefined,
    }
    const series = await stepSeries(store(), 'steps', range, known)
    expect(series.bucketSteps).toBe(100)
    expect(series.step).toHaveLength(25)
    expect(series.stepSeconds[1]).toBeCloseTo(0.99)
    expect(series.stepSecondsMax[12]).toBe(9)
    expect(series.syncWaitSeconds[3]).toBeCloseTo(0.1)
    const map = await rankMap(store(), 'steps', 'stepSeconds', range)
    expect(map.values[1]?.[12]).toBe(9)
    const each = await stepSeries(store(), 'steps', { ...range, points: Infinity }, known)
    expect(each.step).toHaveLength(2500)
  })

  it('give a map that grew the same cells as one that is asked for at once, also of a clock that is ahead', async () => {
    const step = (index: number, rank: number, at = BEGAN + index): WireRecord => ({
      kind: 'step',
      run: 'map',
      node: 'n',
      time: at,
      step: index,
      rank,
      stepSeconds: 1 + ((index * 7 + rank * 31) % 100),
    })
    const ranks = Array.from({ length: 130 }, (_, rank) => rank)
    const question = (to: number) => ({
      run: 'map',
      range: { from: BEGAN, to: BEGAN + to, points: 200 },
      ranks: ranks.length,
      stepSeconds: 1,
      lastSeenAt: BEGAN + to,
      lastStepAt: BEGAN + 199,
    })
    arrived = store().arrival()
    const ahead = step(45, 7, BEGAN + 199)
    await put([...ranks.flatMap(rank => Array.from({ length: 40 }, (_, index) => step(index, rank))), ahead])
    await fold()
    const grown = new HeatMaps(store())
    await grown.map(question(100), 'stepSeconds')
    await put(ranks.slice(1).map(rank => step(150, rank)))
    const map = await grown.map(question(200), 'stepSeconds')
    const cell = (rank: number, at: number) => map.values[rank * map.columns + Math.floor(BEGAN + at) - map.from]
    expect([cell(129, 39), cell(7, 199), cell(1, 150), cell(0, 150)]).toEqual([73, 33, 82, NaN])
    expect(cell(7, 45)).toBe(NaN)
    const { values } = await new HeatMaps(store()).map(question(200), 'stepSeconds')
    expect([...map.values]).toEqual([...values])
  })

  it('tell of one rank by several metrics at once what they tell of each, also where only one of them is known', async () => {
    const both = (at: number, rank: number): WireRecord => ({
      kind: 'step',
      time: BEGAN + at,
      run: 'peers',
      rank,
      step: at,
      source: 'hook',
      stepSeconds: 1 + ((at * 7 + rank * 31) % 10),
      ...(rank !== 2 && { phases: { data: { seconds: 0.1 * (1 + rank) } } }),
    })
    const ranks = [0, 1, 2, 3]
    const question = {
      run: 'peers',
      range: { from: BEGAN, to: BEGAN + 60, points: 60 },
      ranks: ranks.length,
      stepSeconds: 1,
      lastSeenAt: BEGAN + 60,
      lastStepAt: BEGAN + 60,
    }
    const maps = new HeatMaps(store())
    for (const until of [20, 40]) {
      arrived = store().arrival()
      await put(ranks.flatMap(rank => Array.from({ length: 20 }, (_, at) => both(until - 20 + at, rank))))
      const metrics = ['powerWatts', 'dataSeconds', 'stepSeconds'] as const
      const together = await maps.peers(question, metrics, 2, [0, 1, 3])
      const apart = await Promise.all(
        metrics.map(metric => new HeatMaps(store()).peers(question, [metric], 2, [0, 1, 3])),
      )
      expect(together).toEqual(apart.flat())
      const [power, data, steps] = together
      expect(power?.time).toEqual([])
      expect(data?.own.at(-1)).toBeNull()
      expect(data?.median.at(-1)).toBeCloseTo(0.2)
      expect(steps?.own).toHaveLength(until)
      expect(steps?.own.at(-1)).toBe(1 + (((until - 1) * 7 + 62) % 10))
    }
  })

  it('show what is not kept any more as rows', async () => {
    await put(
      Array.from({ length: 100 }, (_, at): WireRecord => ({
        kind: 'gpu',
        time: BEGAN + at,
        node: 'old',
        index: 0,
        powerWatts: 300,
      })),
    )
    await fold()
    const log: string[] = []
    await new Retention(store(), keepOf('fine=forever'), line => log.push(line)).apply(arrived + 30 * 86_400)
    expect(await count('gpu')).toBe(0)
    expect(log.some(line => line.includes('gpu of 2026'))).toBe(true)
    const [series] = await gpuSeries(store(), ['old'], { from: BEGAN, to: BEGAN + 100, points: 100 })
    expect(series?.powerWatts.filter(watts => watts === 300)).toHaveLength(10)
  })
})

describe('what is kept', () => {
  const piece = (day: number, bytes: number) => ({ table: 'gpu', id: String(day), bytes, end: day * 86_400 })

  it('goes by age and by size, oldest first, never the newest', () => {
    const pieces = [piece(3, 10), piece(1, 10), piece(2, 10), piece(11, 100)]
    const days = (limit: { seconds: number; bytes: number }) => tooMuch(pieces, limit, 10 * 86_400).map(({ id }) => id)
    expect(days({ seconds: Infinity, bytes: Infinity })).toEqual([])
    expect(days({ seconds: 8 * 86_400, bytes: Infinity })).toEqual(['1'])
    expect(days({ seconds: Infinity, bytes: 125 })).toEqual(['1'])
    expect(days({ seconds: Infinity, bytes: 1 })).toEqual(['1', '2', '3'])
  })

  it('is said by class, and nonsense is refused by name', () => {
    expect(keepOf('samples=2d/10GB,coarse=1y')).toEqual({
      ...keepOf(''),
      samples: { seconds: 172_800, bytes: 1e10 },
      coarse: { seconds: 365 * 86_400, bytes: Infinity },
    })
    expect(keepOf(keepSchema.parse({ lines: 'forever' })).lines.seconds).toBe(Infinity)
    for (const text of ['samples=2', 'other=2d', 'samples', 'steps=-1d'])
      expect(keepSchema.safeParse(text).success).toBe(false)
  })
})
