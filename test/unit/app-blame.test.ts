/** What a finding says in one sentence, and whom it blames. */
import { describe, expect, it } from 'vitest'
import { blamedBy, lostText, slowdownText, worstOf } from '../../app/data/blame'
import type { Finding } from '../../wire/findings'

const finding = (change: Partial<Finding>): Finding => ({
  detector: 'slow-rank',
  run: 'run',
  severity: 'info',
  provenance: 'derived',
  title: 'Rank 3 is slow',
  evidence: 'It is.',
  since: 1,
  nextStep: 'Look.',
  ...change,
})
const slower = (costSecondsPerStep: number, step: number) =>
  slowdownText(finding({ costSecondsPerStep, costRatio: costSecondsPerStep / step }))

describe('a slowdown', () => {
  it('sets the step beside what it would be', () => {
    expect(slower(0.493, 1.3)).toBe('steps take 1.30 s instead of 807 ms (+61 %)')
  })

  it('tells the difference itself where three digits of the whole do not show it', () => {
    expect(slower(0.00144, 1.44)).toBe('steps of 1.44 s take 1.44 ms longer (+0.1 %)')
  })

  it('has cost what it has, however little, and roughly where it is much', () => {
    const lost = (seconds: number) => lostText({ steps: 30, seconds, deviceSeconds: 8 * seconds })
    expect(lost(0.042)).toBe('lost so far: 42.0 ms in 30 steps, 336 ms of device time')
    expect(lost(120)).toBe('lost so far: 2 min in 30 steps, 16 min of device time')
    expect(lost(NaN)).toBeUndefined()
  })

  it('is not told where there is none, or where it is all there is', () => {
    expect(slowdownText(finding({}))).toBeUndefined()
    expect(slower(2, 1)).toBeUndefined()
  })
})

describe('who is blamed', () => {
  it('is who never came, before those that failed waiting for it', () => {
    const crash = finding({ detector: 'crash', ranks: [3], costSecondsPerStep: 1 })
    const hang = finding({ detector: 'hang', ranks: [4] })
    expect(worstOf([crash, hang])).toBe(hang)
    expect(worstOf([finding({ detector: 'below-prediction', costSecondsPerStep: 9 }), crash])).toBe(crash)
  })

  it('is told by the kind of the link', () => {
    const links = ['nic node0001 mlx5_0', 'leaf a b', 'uplink c', 'spine d']
    const { nodes, switches, uplinks, spines } = blamedBy([finding({ links, nodes: ['node0001'] })])
    expect([nodes, switches, uplinks, spines].map(names => [...names])).toEqual([['node0001'], ['a b'], ['c'], ['d']])
  })
})
