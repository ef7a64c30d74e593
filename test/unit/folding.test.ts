import { describe, expect, it } from 'vitest'
import { rankMap } from '../../hub/queries/steps'
import { Folding } from '../../hub/roll-ups/folding'
import { rollUps } from '../../hub/roll-ups/index'
import type { WireRecord } from '../../wire/records'
import { ownStore } from './own-store'
import { batchOf } from './records'

const store = ownStore()

const BEGAN = 1_790_000_000

describe('folding', () => {
  it('folds a coarse tier less often than a fine one, whatever hub does it, and answers are the same meanwhile', async () => {
    const steps = Array.from({ length: 2000 }, (_, step): WireRecord => {
      return { kind: 'step', run: 'often', time: BEGAN + step, rank: 0, step, stepSeconds: 1 }
    })
    const arrived = BEGAN + 2000
    await store().insert(batchOf(steps), { agent: 'a', sequence: 1, receivedAt: arrived })
    const counts = rollUps.get('rankStep')?.tiers.map(({ table }) => `(SELECT count() FROM ${table} FINAL)`) ?? []
    const folded: unknown[] = []
    for (const seconds of [60, 120, 700, 6700]) {
      // Each time by a hub that has just begun.
      const folding = new Folding(store(), () => undefined)
      await folding.start()
      await folding.fold(false, arrived + seconds)
      await folding.close()
      folded.push((await store().query(`SELECT [${counts.join(', ')}] AS rows`))['rows']?.[0])
      const map = await rankMap(store(), 'often', 'stepSeconds', { from: BEGAN, to: arrived, points: 20 })
      expect(map.values[0]).toEqual(Array.from({ length: 20 }, () => 1))
    }
    expect(folded).toEqual([
      [200, 0, 0],
      [200, 0, 0],
      [200, 20, 0],
      [200, 20, 2],
    ])
  })
})
