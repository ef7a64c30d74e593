import { describe, expect, it } from 'vitest'
import { observe, openOf, settle, type Holdings } from '../../hub/findings/life'
import type { Finding } from '../../wire/findings'

const slow = (rank: number, costSecondsPerStep = 0.1, change: Partial<Finding> = {}): Finding => ({
  detector: 'slow-rank',
  run: 'run',
  severity: 'warning',
  title: `Rank ${rank} is slow`,
  evidence: '',
  since: 100,
  ranks: [rank],
  costSecondsPerStep,
  nextStep: '',
  provenance: 'derived',
  ...change,
})
const crash: Finding = { ...slow(0), detector: 'crash', costSecondsPerStep: undefined }

/** Looks every 16 steps; of each what was found. Gives what changed, and what is held in the end. */
function live(looks: readonly (readonly Finding[])[]) {
  let holdings: Holdings = []
  const changes = looks.flatMap((findings, number) => {
    const look = { step: 16 * number, time: 1000 + number }
    const next = observe(holdings, findings, look)
    holdings = next.holdings
    return next.changes.map(({ what, finding }) => `${number} ${what} ${finding.title}`)
  })
  return { changes, holdings }
}

describe('a finding', () => {
  it('opens when it was seen twice, and closes when it is gone for a while', () => {
    const { changes, holdings } = live([[slow(3)], [slow(3)], [slow(3)], [], [], []])
    expect(changes).toEqual(['1 opened Rank 3 is slow', '4 closed Rank 3 is slow'])
    expect(holdings).toEqual([])
  })

  it('does not flap: one look alone opens none, and one without it closes none', () => {
    expect(live([[slow(3)], [], [], [slow(3)]]).changes).toEqual([])
    expect(live([[slow(3)], [slow(3)], [], [slow(3)], [], [slow(3)]]).changes).toEqual(['1 opened Rank 3 is slow'])
  })

  it('of an uplink that turns out to be the whole switch is one and the same', () => {
    const of = (link: string): Finding => {
      return { ...slow(0), ranks: undefined, detector: 'slow-path', title: `${link} is slow`, links: [link] }
    }
    const { changes, holdings } = live([[of('uplink leaf1')], [of('uplink leaf1')], [of('leaf leaf1')]])
    expect(changes).toEqual(['1 opened uplink leaf1 is slow'])
    expect(openOf(holdings).map(({ title }) => title)).toEqual(['leaf leaf1 is slow'])
    expect(
      live([
        [of('uplink leaf1'), of('uplink leaf2')],
        [of('uplink leaf1'), of('uplink leaf2')],
      ]).changes,
    ).toHaveLength(2)
  })

  it('is said at once where it is an event', () => {
    expect(live([[crash]]).changes).toEqual(['0 opened Rank 0 is slow'])
  })

  it('is one, whatever else it is called: it keeps its id, its earliest beginning and its worst severity', () => {
    const looks = [
      [slow(3)],
      [slow(3, 0.1, { severity: 'critical', since: 90 })],
      [slow(3, 0.1, { ranks: [3, 4], since: 95 })],
    ]
    const { holdings, changes } = live(looks)
    expect(changes).toHaveLength(1)
    expect(openOf(holdings)).toMatchObject([{ since: 90, severity: 'critical', ranks: [3, 4], state: 'open' }])
    const ids = new Set(openOf(holdings).map(({ id }) => id))
    expect([...ids][0]).toMatch(/^slow-rank-[0-9a-f]{10}$/)
    // The same blame twice in one look is one.
    expect(
      openOf(
        live([
          [slow(1), slow(1)],
          [slow(1), slow(1)],
        ]).holdings,
      ),
    ).toHaveLength(1)
    expect(
      openOf(
        live([
          [slow(1), slow(2)],
          [slow(1), slow(2)],
        ]).holdings,
      ),
    ).toHaveLength(2)
  })

  it('is told again when its cost changes by much', () => {
    const looks = [[slow(3)], [slow(3)], [slow(3, 0.11)], [slow(3, 0.2)]]
    expect(live(looks).changes).toEqual(['1 opened Rank 3 is slow', '3 changed Rank 3 is slow'])
  })

  it('has cost what it cost since it began, not since the window that shows it', () => {
    const priced = (finding: Finding) => ({ ...finding, costGpuHours: 1000 - finding.since })
    const look = { step: 16, time: 1000 }
    const { holdings } = observe([], [slow(3, 0.1, { since: 200 })], { ...look, step: 0 }, priced)
    const next = observe(holdings, [slow(3, 0.1, { since: 900 })], look, priced)
    expect(openOf(next.holdings)).toMatchObject([{ since: 200, costGpuHours: 800 }])
  })

  it('closes with the run, as it was seen last', () => {
    const { holdings } = live([[slow(3)], [slow(3)], []])
    expect(settle(holdings)).toMatchObject([{ what: 'closed', finding: { state: 'closed', until: 1001 } }])
  })
})
