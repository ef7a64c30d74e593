import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { heatPixels, heatRange, labelPlaces, rowMeans, shadesOf } from '../../app/chart/heat'
import { decodeHeat, encodeHeat, type HeatMap } from '../../wire/heat'

const BLACK_TO_WHITE = shadesOf(['#000000', '#ffffff'])

function mapOf(rows: readonly (readonly number[])[]): HeatMap {
  return {
    metric: 'stepSeconds',
    from: 100,
    to: 200,
    columns: rows[0]?.length ?? 0,
    ranks: rows.map((_, rank) => rank),
    values: Float32Array.from(rows.flat()),
  }
}

/** The red of each pixel; undefined where nothing is painted. */
function reds(map: HeatMap, order = map.ranks, most = 1000): (number | undefined)[] {
  const { pixels } = heatPixels(map, order, most, BLACK_TO_WHITE)
  const bytes = new Uint8Array(pixels.buffer)
  return Array.from(pixels, (_, at) => (bytes[at * 4 + 3] === 0 ? undefined : bytes[at * 4]))
}

describe('the map of ranks and time', () => {
  it('goes from the first colour to the last, and leaves out what was not measured', () => {
    expect(reds(mapOf([[1, NaN, 2]]))).toEqual([0, undefined, 255])
  })

  it('has a scale that one extreme cell does not set', () => {
    const values = Float32Array.from({ length: 1000 }, (_, at) => (at === 500 ? 1e9 : at / 1000))
    expect(heatRange(values)?.high).toBeLessThan(1)
  })

  it('shows rows in the order that is asked for', () => {
    expect(reds(mapOf([[1], [2], [3]]), [2, 0, 1])).toEqual([255, 0, 128])
  })

  it('with more ranks than pixels shows the highest of neighbours, so that no slow rank is lost', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.integer({ min: 1, max: 40 }), fc.nat(), (ranks, most, where) => {
        const slow = where % ranks
        const rows = Array.from({ length: ranks }, (_, rank) => [rank === slow ? 2 : 1])
        const painted = reds(mapOf(rows), undefined, most)
        expect(painted.length).toBe(Math.min(ranks, most))
        expect(painted.filter(red => red === 255).length).toBe(1)
      }),
    )
  })

  it('knows the mean of each row', () => {
    expect(
      rowMeans(
        mapOf([
          [1, 3, NaN],
          [NaN, NaN, NaN],
        ]),
      ),
    ).toEqual([2, NaN])
  })

  it('comes out of its bytes as it went in', () => {
    const map = mapOf([
      [1, NaN, 2.5],
      [4, 5, 6],
    ])
    const bytes = encodeHeat(map)
    expect(decodeHeat(bytes.slice().buffer)).toEqual(map)
  })

  it('has no more labels than find room', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.integer({ min: 1, max: 100 }), (count, most) => {
        expect(labelPlaces(count, most).length).toBeLessThanOrEqual(most)
      }),
    )
  })
})
