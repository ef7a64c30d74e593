import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extent, known, median, share } from '../../analysis/statistics'

/** Zero has no sign here: which of 0 and −0 comes out is nobody’s concern. */
const column = fc.array(
  fc.oneof(
    fc.double().map(value => value + 0),
    fc.constantFrom(NaN, Infinity, -Infinity),
  ),
  { maxLength: 30 },
)

describe('statistics of columns with gaps', () => {
  it('leave out what is absent', () => {
    expect(known([1, NaN, 2, Infinity])).toEqual([1, 2])
    expect(median([3, NaN, 1, 2])).toBe(2)
    expect(median([4, 1, NaN, 3, 2])).toBe(2.5)
    expect(extent([NaN, 3, 1, Infinity, 2])).toEqual({ least: 1, greatest: 3 })
    expect(share([true, false, true, true])).toBe(0.75)
  })

  it('of nothing are not a number, and a share of nothing is none', () => {
    expect(median([])).toBeNaN()
    expect(median([NaN, NaN])).toBeNaN()
    expect(extent([NaN])).toEqual({ least: NaN, greatest: NaN })
    expect(share([])).toBe(0)
  })

  it('do not depend on the order', () => {
    fc.assert(
      fc.property(column, values => {
        expect(median([...values].reverse())).toBe(median(values))
        expect(extent([...values].reverse())).toEqual(extent(values))
      }),
    )
  })

  it('have the middle of the sorted values as their median, however many, with and without ties', () => {
    const many = fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.double({ min: -9, max: 9, noNaN: true })), {
      minLength: 1,
      maxLength: 200,
    })
    fc.assert(
      fc.property(many, values => {
        const sorted = [...values].sort((one, other) => one - other)
        const middle = sorted.length >> 1
        const [lower = NaN, upper = NaN] = [sorted[middle - 1], sorted[middle]]
        expect(median(values) + 0).toBe((sorted.length % 2 === 1 ? upper : (lower + upper) / 2) + 0)
      }),
    )
  })

  it('take a run of a million steps', () => {
    const long = Float64Array.from({ length: 1_000_000 }, (_, index) => index)
    expect(extent(long)).toEqual({ least: 0, greatest: 999_999 })
  })
})
