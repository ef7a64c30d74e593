import { expect, it } from 'vitest'
import { Turn } from '../../agent/turn'
import { seededRandom } from '../../base/random'

const [AGENTS, PACE, TICK, SECONDS] = [1000, 5, 0.25, 60]

/** By tick: how many of the agents, all begun at second 0, send. */
function sentBy(paceAt: (second: number) => number): number[] {
  const random = seededRandom(1)
  const turns = Array.from({ length: AGENTS }, () => new Turn(random()))
  return Array.from({ length: SECONDS / TICK }, (_, tick) => {
    const now = 1000 + tick * TICK
    return turns.filter(turn => turn.take(now, paceAt(tick * TICK))).length
  })
}

it('comes once a pace for each agent, and for those that began together at moments of their own', () => {
  const sent = sentBy(() => PACE)
  expect(sent[0]).toBe(AGENTS)
  const later = sent.slice(1)
  const even = (AGENTS * TICK) / PACE
  for (const count of later) expect(count).toBeGreaterThan(even / 2)
  for (const count of later) expect(count).toBeLessThan(even * 2)
  expect(later.slice(0, PACE / TICK).reduce((sum, count) => sum + count, 0)).toBe(AGENTS)
})

it('comes at once where the pace becomes another, and then at its own moments again', () => {
  const sent = sentBy(second => (second < 20 ? 1 : PACE))
  expect(sent[20 / TICK]).toBeGreaterThan(AGENTS / 2)
  for (const count of sent.slice(20 / TICK + 1)) expect(count).toBeLessThan(AGENTS / 10)
})
