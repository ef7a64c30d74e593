import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keepLast, splice } from '../../app/data/splice'

interface Series {
  step: number[]
  time: number[]
  value: (number | null)[]
}
const COLUMNS = ['step', 'time', 'value'] as const
const series = (steps: number[], mark = 0): Series => ({
  step: steps,
  time: steps.map(step => 1000 + step),
  value: steps.map(step => step + mark),
})

describe('a tail of a series', () => {
  it('is appended where it begins after the end', () => {
    expect(splice(series([1, 2]), series([3, 4]), 'step', COLUMNS)).toEqual(series([1, 2, 3, 4]))
  })

  it('replaces what it overlaps', () => {
    const merged = splice(series([1, 2, 3]), series([2, 3, 4], 0.5), 'step', COLUMNS)
    expect(merged.value).toEqual([1, 2.5, 3.5, 4.5])
  })

  it('leaves what is newer than itself, as an answer may overtake an update', () => {
    const merged = splice(series([1, 2, 3, 4]), series([2, 3], 0.5), 'step', COLUMNS)
    expect(merged.value).toEqual([1, 2.5, 3.5, 4])
  })

  it('changes nothing when it is empty', () => {
    const base = series([1, 2])
    expect(splice(base, series([]), 'step', COLUMNS)).toBe(base)
  })

  it('however a series is cut into tails, gives the series', () => {
    const cuts = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 6 })
    fc.assert(
      fc.property(cuts, places => {
        const whole = series(Array.from({ length: 30 }, (_, index) => index * 2))
        const ends = [...new Set([...places, 30])].sort((a, b) => a - b)
        let merged = series([])
        for (const end of ends) {
          const from = Math.max(0, merged.step.length - 2)
          merged = splice(merged, series(whole.step.slice(from, end)), 'step', COLUMNS)
        }
        expect(merged).toEqual(whole)
      }),
    )
  })
})

describe('the range of a series', () => {
  it('is counted back from its last point', () => {
    expect(keepLast(series([1, 5, 8, 10]), 5, COLUMNS).step).toEqual([5, 8, 10])
  })

  it('without an end keeps all', () => {
    const all = series([1, 5])
    expect(keepLast(all, Infinity, COLUMNS)).toBe(all)
  })
})
