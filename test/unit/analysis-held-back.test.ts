/** A rank that the quota of its cgroup holds back, as recorded in real jobs: it is named, and what it costs. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { slowRank } from '../../analysis/slow-rank'
import { median } from '../../analysis/statistics'
import { jobColumns, rankColumns, windowOf } from './analysis-windows'

const FROM = 24

/** Steps before number `to`; `held` of a rank: what is counted instead of what was. */
function windowFrom(name: string, to: number, held?: (rank: number) => number) {
  const text = readFileSync(join(import.meta.dirname, `../fixtures/quota/${name}.csv`), 'utf8')
  const [head = '', ...lines] = text.trim().split('\n')
  const rows = lines.map(line => line.split(',').map(Number))
  const column = (title: string) => {
    const at = head.split(',').indexOf(title)
    return rows.filter(([step = NaN]) => step < to).map(row => row[at] ?? NaN)
  }
  const [step, rank] = [column('step'), column('rank')]
  const ranks = {
    ...rankColumns([]),
    ...{ step, rank, time: step },
    ...{ stepSeconds: column('stepSeconds'), dataSeconds: column('dataSeconds') },
    ...{ forwardSeconds: column('forwardSeconds'), backwardSeconds: column('backwardSeconds') },
    ...{ optimizerSeconds: column('optimizerSeconds'), communicationSeconds: column('communicationSeconds') },
    throttledSeconds: held === undefined ? column('throttledSeconds') : rank.map(held),
  }
  const seconds = [...new Set(step)].map(at => Math.max(...ranks.stepSeconds.filter((_, row) => step[row] === at)))
  const longer = median(seconds.slice(FROM + 1)) - median(seconds.slice(4, FROM))
  return { longer, window: windowOf({ ranks, steps: jobColumns(seconds), facts: { worldSize: 6 } }) }
}

describe('a rank that its quota holds back', () => {
  it.each([
    ['flat-h0', 0],
    ['flat-h3', 3],
    ['ddp-h1', 1],
  ])('is named in %s, at what the steps became longer by, whatever phase it is in', (name, rank) => {
    for (const to of [56, 64, 75]) {
      const { longer, window } = windowFrom(name, to)
      const found = slowRank.detect(window).find(({ ranks }) => ranks?.[0] === rank)
      expect(found?.title).toBe(`Rank ${rank} is slow`)
      expect(found?.evidence).toContain('The processor quota of its cgroup was used up')
      const off = (found?.costSecondsPerStep ?? NaN) / longer - 1
      expect(Math.abs(off), `${name} before ${to}: ${longer} s`).toBeLessThan(0.25)
    }
  })

  it('is nobody whose steps are no longer for it: threads beside the job were held back', () => {
    for (const name of ['flat-h0', 'flat-h3', 'ddp-h1'])
      for (const beside of [0, 1, 2, 3, 4, 5]) {
        const { window } = windowFrom(name, FROM, rank => (rank === beside ? 0.02 : 0))
        expect(slowRank.detect(window), `${name}, rank ${beside}`).toEqual([])
      }
  })

  it('is nobody before the quota is set', () => {
    for (const name of ['flat-h0', 'flat-h3', 'ddp-h1'])
      expect(slowRank.detect(windowFrom(name, FROM).window)).toEqual([])
  })
})
