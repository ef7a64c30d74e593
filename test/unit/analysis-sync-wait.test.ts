import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { syncWait, syncWaitWindow } from '../../analysis/sync-wait'

describe('the sync identity', () => {
  it('of a step worked by hand', () => {
    // Four ranks on one host, rank 2 asleep for 150 ms: seconds inside the all-reduce. Rank 2 comes last and waits for nobody.
    const { transferSeconds, waitSeconds } = syncWait([0.142, 0.14, 0.014, 0.145])
    expect(transferSeconds).toBe(0.014)
    for (const [rank, wait] of [0.128, 0.126, 0, 0.131].entries()) expect(waitSeconds[rank]).toBeCloseTo(wait, 12)
  })

  it('of arrivals: all leave together, so that the last arrival waits for nobody', () => {
    // Arrivals at 10, 13, 11 and 12 s, a transfer of 2 s: all leave at 15 s.
    const arrivals = [10, 13, 11, 12]
    const { transferSeconds, waitSeconds } = syncWait(arrivals.map(arrival => 15 - arrival))
    expect(transferSeconds).toBe(2)
    expect([...waitSeconds]).toEqual([3, 0, 2, 1])
  })

  it('does not tell waiting from transfer on a single rank', () => {
    expect(syncWait([0.5])).toEqual({ transferSeconds: NaN, waitSeconds: Float64Array.of(NaN) })
    expect(syncWait([0.5, NaN, NaN]).transferSeconds).toBeNaN()
    expect(syncWait([])).toEqual({ transferSeconds: NaN, waitSeconds: new Float64Array() })
  })

  it('leaves absent and impossible times absent', () => {
    const { transferSeconds, waitSeconds } = syncWait([3, NaN, -1, Infinity, 2])
    expect(transferSeconds).toBe(2)
    expect([...waitSeconds]).toEqual([1, NaN, NaN, NaN, 0])
  })

  it('parts every time into a wait and the one transfer, whatever clocks say', () => {
    const time = fc.double({ min: 0, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(fc.array(time, { minLength: 2, maxLength: 64 }), times => {
        const { transferSeconds, waitSeconds } = syncWait(times)
        expect(Math.min(...waitSeconds)).toBe(0)
        for (const [rank, wait] of waitSeconds.entries()) {
          expect(wait).toBeGreaterThanOrEqual(0)
          expect(wait + transferSeconds).toBeCloseTo(times[rank] ?? NaN, 6)
        }
      }),
    )
  })
})

describe('the identity over many steps', () => {
  it('takes rows in any order, ranks that are missing, and the newest row of a repeated step', () => {
    const rows = [
      [2, 0, 5],
      [1, 1, 4],
      [1, 0, 9],
      // Rank 0 comes back from a checkpoint and reports step 1 again.
      [1, 0, 6],
      [3, 1, 7],
      [2, 1, 5],
      [NaN, 1, 1],
      [4, NaN, 1],
    ] as const
    const { waitSeconds, step, transferSeconds, meanWaitSeconds } = syncWaitWindow({
      step: rows.map(([step]) => step),
      rank: rows.map(([, rank]) => rank),
      communicationSeconds: rows.map(([, , seconds]) => seconds),
    })
    expect([...step]).toEqual([1, 2, 3])
    expect([...transferSeconds]).toEqual([4, 5, NaN])
    expect([...meanWaitSeconds]).toEqual([1, 0, NaN])
    expect([...waitSeconds]).toEqual([0, 0, NaN, 2, NaN, 0, NaN, NaN])
  })

  it('of nothing is nothing', () => {
    const empty = { step: [], rank: [], communicationSeconds: [] }
    expect(syncWaitWindow(empty).step).toHaveLength(0)
  })

  it('is that of each step alone', () => {
    const rows = fc.uniqueArray(
      fc.record({
        step: fc.nat(5),
        rank: fc.nat(7),
        seconds: fc.oneof(fc.double({ min: 0, max: 9 }), fc.constant(NaN)),
      }),
      { selector: ({ step, rank }) => step * 8 + rank, maxLength: 48 },
    )
    fc.assert(
      fc.property(rows, all => {
        const whole = syncWaitWindow({
          step: all.map(({ step }) => step),
          rank: all.map(({ rank }) => rank),
          communicationSeconds: all.map(({ seconds }) => seconds),
        })
        for (const [index, step] of whole.step.entries()) {
          const alone = syncWait(all.filter(row => row.step === step).map(({ seconds }) => seconds))
          expect(whole.transferSeconds[index]).toBe(alone.transferSeconds)
          const waits = whole.waitSeconds.filter((_, row) => all[row]?.step === step)
          expect([...waits]).toEqual([...alone.waitSeconds])
        }
      }),
    )
  })
})
