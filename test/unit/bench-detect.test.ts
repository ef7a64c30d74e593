/** A floor under `npm run bench:detect`: a few of its cases, and fault-free hours. */
import { describe, expect, it } from 'vitest'
import { casesOf } from '../bench/detect/cases'
import { play, playHour, plumbline } from '../bench/detect/play'
import { scoreOf } from '../bench/detect/scores'

describe('detection', () => {
  it('finds faults of 10 % and more in quiet fleets, and blames nobody else', () => {
    const cases = casesOf(120, 3).filter(({ size, noise }) => size >= 0.1 && noise.name !== 'rough')
    const score = scoreOf(
      cases.slice(0, 8).map(one => play(one, [plumbline])),
      plumbline,
    )
    expect(score.cases).toBeGreaterThan(5)
    expect(score.precision).toBeGreaterThan(0.9)
    expect(score.recall).toBeGreaterThan(0.85)
    expect(score.costError).toBeLessThan(0.1)
  })

  it('is silent in fault-free fleets of an hour', () => {
    const hours = casesOf(4, 4).filter(({ noise }) => noise.name !== 'rough')
    expect(hours.length).toBeGreaterThan(1)
    for (const one of hours) expect(playHour(one), `seed ${one.seed}`).toBe(0)
  })
})
