import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extent, known, median, medianWithout, share } from '../../analysis/statistics'

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

  it('take a run of a million steps', () => {
    const long = Float64Array.from({ length: 1_000_000 }, (_, index) => index)
    expect(extent(long)).toEqual({ least: 0, greatest: 999_999 })
  })
})

describe('the median of the others', () => {
  it('leaves out one’s own value once', () => {
    expect(medianWithout([1, 2, 9], 9)).toBe(1.5)
    expect(medianWithout([1, 2, 2, 9], 2)).toBe(2)
    expect(medianWithout([1, 5], 1)).toBe(5)
    expect(medianWithout([1, 2, 9], NaN)).toBe(2)
    expect(medianWithout([5], 5)).toBeNaN()
    expect(medianWithout([], NaN)).toBeNaN()
  })

  it('is the median of the list without it', () => {
    const finite = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(finite, fc.nat(), (values, index) => {
        const sorted = [...values].sort((one, other) => one - other)
        const at = index % values.length
        expect(medianWithout(sorted, sorted[at] ?? NaN)).toBe(median(sorted.filter((_, place) => place !== at)))
      }),
    )
  })
})
