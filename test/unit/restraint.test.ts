import { afterEach, describe, expect, it } from 'vitest'
import { Restraint } from '../../agent/restraint'

const said: string[] = []
const made: Restraint[] = []
function restraint(bound: number): Restraint {
  const one = new Restraint(bound, line => said.push(line))
  made.push(one)
  return one
}
afterEach(() => {
  for (const one of made.splice(0)) one.close()
  said.length = 0
})

describe('an agent that takes more than its bound', () => {
  it('looks ever more seldom, up to a limit, says so once, and comes back when it is calm', () => {
    const own = restraint(0.05)
    const factors = (shares: readonly number[]) =>
      shares.map(share => {
        own.observe(share)
        return own.factor
      })
    expect(factors([0.01, 0.05])).toEqual([1, 1])
    expect(own.note).toEqual({})
    expect(factors([0.08, 0.07, 0.3, 0.3, 0.3])).toEqual([2, 4, 8, 16, 16])
    expect(own.note.message).toBe(
      'looks 16 times more seldom: the agent took 30.0 % of a processor, its bound is 5.0 %',
    )
    expect(own.note.fix).toContain('--cpu-ratio')
    expect(said).toHaveLength(1)
    // Between calm and too much it stays: no to and fro.
    expect(factors([0.03, 0.01, 0.01, 0.01, 0.01, 0.01])).toEqual([16, 8, 4, 2, 1, 1])
    expect(own.note).toEqual({})
  })

  it('does as it was asked where it has no bound', () => {
    const own = restraint(0)
    own.observe(3)
    expect(own.factor).toBe(1)
  })
})
