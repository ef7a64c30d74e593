import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldRows, heatPixels, heatRange, labelPlaces, shadesOf } from '../../app/chart/heat'

const SHADES = shadesOf(['rgb(0, 0, 0)', 'rgb(200, 100, 50)'])

describe('the map of ranks and steps', () => {
  it('goes from the first colour to the last, and leaves out what was not measured', () => {
    const pixels = heatPixels([[0, 1, null]], 3, { low: 0, high: 1 }, SHADES)
    expect([...pixels]).toEqual([0, 0, 0, 255, 200, 100, 50, 255, 0, 0, 0, 0])
  })

  it('paints values beyond the scale in its end colours', () => {
    const pixels = heatPixels([[-5, 99]], 2, { low: 0, high: 1 }, SHADES)
    expect([...pixels]).toEqual([0, 0, 0, 255, 200, 100, 50, 255])
  })

  it('has a scale that one extreme cell does not set', () => {
    const row = Array.from({ length: 1000 }, (_, index) => 1 + index / 1000)
    const range = heatRange({ values: [[...row, 500]] })
    expect(range?.high).toBeLessThan(2)
    expect(heatRange({ values: [[null, null]] })).toBeUndefined()
  })

  it('with more ranks than pixels shows the highest of neighbours, so that no slow rank is lost', () => {
    const value = fc.option(fc.double({ min: 0, max: 9, noNaN: true }), { nil: null })
    const rows = fc.array(fc.array(value, { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 20 }), (values, most) => {
        const folded = foldRows(values, most)
        expect(folded.length).toBeLessThanOrEqual(Math.max(most, 1))
        const highest = (all: (number | null)[][]) => Math.max(-1, ...all.flat().map(each => each ?? -1))
        expect(highest(folded)).toBe(highest(values))
      }),
    )
  })

  it('has no more labels than find room', () => {
    expect(labelPlaces(8, 20)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(labelPlaces(512, 4)).toEqual([0, 128, 256, 384])
    expect(labelPlaces(0, 4)).toEqual([])
  })
})
