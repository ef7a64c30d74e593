import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keptPlaces, linePath } from '../../app/chart/path'
import { nearestPlace } from '../../app/chart/plot'
import { stepOf, timeTicks, valueScale } from '../../app/chart/ticks'
import { lineColumns, tableColumns, toCsv } from '../../app/data/csv'
import { moved, readWindow, spanOf, within, writeWindow, zoomed } from '../../app/data/time-window'
import { commandsFor, distance } from '../../app/palette/commands'
import { changed, readChanges, writeChanges } from '../../app/runs/[run]/plan/what-if'
import { nextSort, sortRows } from '../../app/ui/sort'

const RUN = { from: 1000, to: 5000 }
const moment = fc.double({ min: 0, max: 6000, noNaN: true })

describe('the stretch of time that is looked at', () => {
  it('comes out of the address as it went in', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4e9 }), fc.integer({ min: 1, max: 4e6 }), (from, seconds) => {
        const window = { from, to: from + seconds }
        const given = Object.entries(writeWindow(window)).filter(
          (pair): pair is [string, string] => pair[1] !== undefined,
        )
        expect(readWindow(new URLSearchParams(given))).toEqual(window)
      }),
    )
  })

  it('ignores what makes no sense', () => {
    for (const text of ['from=9&to=3', 'from=a&to=b', 'last=-4', 'last=', 'to=5'])
      expect(readWindow(new URLSearchParams(text))).toEqual({})
  })

  it('never leaves the run, and is never shorter than a second, however it is brushed, zoomed and moved', () => {
    fc.assert(
      fc.property(
        moment,
        moment,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        (one, other, by, way) => {
          const brushed = spanOf(within({ from: one, to: other }, RUN), RUN)
          for (const window of [zoomed(brushed, by, (brushed.from + brushed.to) / 2, RUN), moved(brushed, way, RUN)]) {
            const { from, to } = spanOf(window, RUN)
            expect(from).toBeGreaterThanOrEqual(RUN.from - 1e-6)
            expect(to).toBeLessThanOrEqual(RUN.to + 1e-6)
            expect(to - from).toBeGreaterThanOrEqual(1 - 1e-6)
          }
        },
      ),
    )
  })
})

describe('a line of very many points', () => {
  it('keeps its least and its most wherever they are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5000, max: 20_000 }), fc.nat(), fc.nat(), (count, high, low) => {
        const x = Array.from({ length: count }, (_, at) => at)
        const y = x.map(at => (at === high % count ? 9 : at === low % count ? -9 : Math.sin(at)))
        const kept = keptPlaces(x, y, { low: 0, high: count })
        expect(kept.length).toBeLessThan(count / 2)
        for (const extreme of [Math.max(...y), Math.min(...y)]) expect(kept.some(at => y[at] === extreme)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('is broken where nothing is known, and shows a point alone as a dot', () => {
    const path = linePath([0, 1, 2, 3], [1, null, 1, 1], { low: 0, high: 4 }, { low: 0, high: 2 })
    expect(path).toBe('M0 500h0M500 500L750 500')
  })
})

describe('ticks', () => {
  it('span all values, at round distances', () => {
    const low = fc.double({ min: -1e9, max: 1e9, noNaN: true })
    const share = fc.double({ min: 1e-6, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(low, share, (low, share) => {
        const span = Math.max(1, Math.abs(low)) * share
        const scale = valueScale({ low, high: low + span }, 'none')
        expect(scale.low).toBeLessThanOrEqual(low + span * 1e-3)
        expect(scale.high).toBeGreaterThanOrEqual(low + span * (1 - 1e-3))
        expect(scale.ticks.length).toBeLessThan(9)
      }),
    )
  })

  it('of clocks are whole minutes and hours', () => {
    expect([stepOf(40, 'seconds'), stepOf(700, 'seconds'), stepOf(0.3, 'seconds')]).toEqual([60, 900, 0.5])
    expect(timeTicks({ low: 0, high: 7200 }, 'utc').map(({ text }) => text)).toEqual([
      '1 Jan',
      '00:30',
      '01:00',
      '01:30',
      '02:00',
    ])
  })
})

describe('the point nearest to the pointer', () => {
  it('is that which a look at all of them finds', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }),
        fc.integer({ min: -9, max: 1010 }),
        (places, at) => {
          const x = places.sort((a, b) => a - b)
          const found = x[nearestPlace(x, at)] ?? NaN
          expect(Math.abs(found - at)).toBe(Math.min(...x.map(one => Math.abs(one - at))))
        },
      ),
    )
  })
})

describe('a table', () => {
  const columns = [{ name: 'size', value: (row: { size: number | null }) => row.size }]
  const rows = [{ size: 2 }, { size: null }, { size: 10 }]

  it('shows the largest first, then the least, absent values last either way, then the order of before', () => {
    const first = nextSort(undefined, 'size')
    expect(sortRows(rows, columns, first).map(({ size }) => size)).toEqual([10, 2, null])
    const second = nextSort(first, 'size')
    expect(sortRows(rows, columns, second).map(({ size }) => size)).toEqual([2, 10, null])
    expect(nextSort(second, 'size')).toBeUndefined()
  })

  it('leaves as CSV that no spreadsheet takes for formulas', () => {
    const named = [{ name: 'name', value: (row: string) => row }]
    expect(toCsv(tableColumns(named, ['=1+1', 'a "b", c']))).toBe('name\r\n\'=1+1\r\n"a ""b"", c"\r\n')
  })

  it('of lines has a row for each moment at which any has a point', () => {
    const lines = [
      { name: 'a', x: [1, 2], y: [10, null] },
      { name: 'b', x: [2, 3], y: [20, 30] },
    ]
    expect(toCsv(lineColumns('time', lines))).toBe('time,a,b\r\n1,10,\r\n2,,20\r\n3,,30\r\n')
  })
})

describe('the palette', () => {
  it('finds letters in order, words by their beginnings first', () => {
    expect(distance('gp', 'GPUs')).toBeLessThan(distance('gp', 'a long page') ?? 0)
    expect(distance('zz', 'GPUs')).toBeUndefined()
  })

  it('goes to a rank of the run that is open, and to none without one', () => {
    const [first] = commandsFor({ query: 'rank 40', run: 'r', runs: [] })
    expect(first?.go).toBe('/runs/r/gpus?rank=40#rank')
    expect(commandsFor({ query: '40', run: undefined, runs: [] })).toEqual([])
  })
})

describe('what if', () => {
  const config = { parallelism: { worldSize: 8, data: 8, tensor: 1 }, batch: { micro: 1 }, recompute: 'none' }

  it('takes changes from the address, and leaves out those that make no sense', () => {
    expect(readChanges('tensor:2,micro:-1,recompute:sometimes,nothing:3,zeroStage:0')).toEqual({
      tensor: '2',
      zeroStage: '0',
    })
    expect(writeChanges({ tensor: '2', micro: '4' })).toBe('tensor:2,micro:4')
    expect(writeChanges({})).toBeUndefined()
  })

  it('lets data parallelism follow from the other degrees', () => {
    const { parallelism } = changed(config, { tensor: '4' })
    expect(parallelism).toEqual({ worldSize: 8, data: undefined, tensor: 4 })
  })
})
