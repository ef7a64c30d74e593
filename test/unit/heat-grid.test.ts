import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeatGrid, widthOf } from '../../hub/queries/heat-grid'
import { decodeHeat, encodeHeat, withChange, type HeatMap } from '../../wire/heat'

const FIRST = 1000
const LAST = 1019

const sample = fc.record({
  rank: fc.integer({ min: 0, max: 5 }),
  slot: fc.integer({ min: FIRST - 3, max: LAST + 3 }),
  value: fc.integer({ min: -50, max: 50 }),
})
type Sample = typeof sample extends fc.Arbitrary<infer T> ? T : never

function fold(grid: HeatGrid, samples: readonly Sample[]): void {
  grid.begin()
  for (const { rank, slot, value } of samples) grid.fold(rank, slot, value)
}

/** As it comes to the page: over the wire, from `first` on. */
function asked(grid: HeatGrid, first: number, last: number, since?: string): HeatMap {
  const map: HeatMap = { metric: 'stepSeconds', from: first, to: last + 1, ...grid.cells(first, last, since) }
  return decodeHeat(encodeHeat(map).slice().buffer)
}

describe('cells of ranks and time', () => {
  it('hold the highest of their samples, whatever the order and however often they come', () => {
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1 }), samples => {
        const grid = new HeatGrid(FIRST, LAST)
        fold(grid, samples)
        fold(grid, samples.toReversed())
        const { ranks, columns, values } = asked(grid, FIRST, LAST)
        for (const [row, rank] of ranks.entries())
          for (let column = 0; column < columns; column += 1) {
            const own = samples
              .filter(one => one.rank === rank && one.slot === FIRST + column)
              .map(({ value }) => value)
            expect(values[row * columns + column]).toBe(own.length === 0 ? NaN : Math.max(...own))
          }
      }),
    )
  })

  it('come as changes to who has the rest, and make the same map, also when it moves on', () => {
    fc.assert(
      fc.property(fc.array(fc.array(sample), { minLength: 2, maxLength: 6 }), fc.nat(4), (rounds, step) => {
        const grid = new HeatGrid(FIRST, Infinity)
        let page: HeatMap | undefined
        for (const [round, samples] of rounds.entries()) {
          fold(grid, samples)
          const first = FIRST + round * step
          const answer = asked(grid, first, first + 9, page?.version)
          page = page === undefined ? answer : (withChange(page, answer) ?? asked(grid, first, first + 9))
          const whole = asked(grid, first, first + 9)
          expect(page.ranks).toEqual(whole.ranks)
          // Columns that came into sight without a change are absent in neither.
          expect([...page.values]).toEqual([...whole.values])
        }
      }),
    )
  })

  it('are whole again for who has those of another grid, or of fewer ranks', () => {
    const grid = new HeatGrid(FIRST, LAST)
    fold(grid, [{ rank: 0, slot: FIRST, value: 1 }])
    const { version } = asked(grid, FIRST, LAST)
    const unchanged = asked(grid, FIRST, LAST, version)
    expect(unchanged.changed).toEqual([])
    expect(asked(grid, FIRST, LAST, 'no.such.version').changed).toBeUndefined()
    expect(asked(new HeatGrid(FIRST, LAST), FIRST, LAST, version).changed).toBeUndefined()
    fold(grid, [{ rank: 1, slot: FIRST, value: 1 }])
    expect(asked(grid, FIRST, LAST, version).changed).toBeUndefined()
  })

  it('have a width of a power of two, so that no more columns come out than find room', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e8, noNaN: true }),
        fc.integer({ min: 1, max: 20_000 }),
        (seconds, ranks) => {
          const width = widthOf(seconds, 480, ranks, 0.2)
          expect(Number.isInteger(Math.log2(width))).toBe(true)
          expect(seconds / width).toBeLessThanOrEqual(480)
          expect((seconds / width) * ranks).toBeLessThanOrEqual(Math.max(2 ** 21, 64 * ranks))
        },
      ),
    )
  })
})
