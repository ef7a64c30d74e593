/**
 * One rank is steadily late, and its own work is why. Measure, then judge. Two signs must agree, as either alone misleads:
 * behind a barrier a slow link makes some ranks wait little as well, and a busy machine makes compute times scatter.
 */
import { format } from '../base/units'
import type { Finding } from '../wire/findings'
import { defineDetector, type DetectorWindow } from './detector'
import { median, share } from './statistics'

/** Fewer steps than this say nothing steady. */
const MIN_STEPS = 8
/** Share of steps in which the rank must be the one that waits least and works longest. */
const STEADY = 0.7
/** Extra work over the peers' median work. Healthy ranks on a crowded machine differ by up to a tenth over 25 steps. */
const CLEAR_RATIO = 0.25
const PHASES = ['data', 'forward', 'backward'] as const
type Phase = (typeof PHASES)[number]

interface Row {
  readonly rank: number
  readonly time: number
  readonly communication: number
  readonly phases: Record<Phase, number>
  readonly work: number
}

function readRow({ ranks }: DetectorWindow, row: number): Row {
  const phases = {
    data: ranks.dataSeconds[row] ?? NaN,
    forward: ranks.forwardSeconds[row] ?? NaN,
    backward: ranks.backwardSeconds[row] ?? NaN,
  }
  const values = Object.values(phases).filter(Number.isFinite)
  return {
    ...{ rank: ranks.rank[row] ?? NaN, time: ranks.time[row] ?? NaN, phases },
    communication: ranks.communicationSeconds[row] ?? NaN,
    work: values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0),
  }
}

/** Steps with at least two ranks of which both time in collectives and work are known, ascending. */
function completeSteps(window: DetectorWindow): Row[][] {
  const steps = new Map<number, Map<number, Row>>()
  for (let index = 0; index < window.ranks.step.length; index += 1) {
    const step = window.ranks.step[index] ?? NaN
    const row = readRow(window, index)
    if (![step, row.rank, row.communication, row.work].every(Number.isFinite)) continue
    const rows = steps.get(step) ?? new Map<number, Row>()
    steps.set(step, rows.set(row.rank, row))
  }
  const ascending = [...steps].sort(([one], [other]) => one - other)
  return ascending.map(([, rows]) => [...rows.values()]).filter(rows => rows.length >= 2)
}

interface Measure {
  readonly rank: number
  /** Share of steps in which it spends the least time in collectives. */
  readonly waitsLeast: number
  /** The phase (or all work) in which it exceeds its peers most. */
  readonly phase: Phase | 'work'
  readonly ownSeconds: number
  readonly peerSeconds: number
  readonly peerWorkSeconds: number
  /** Share of steps in which it exceeds the peers' median in that phase by half of the clear ratio. */
  readonly worksLonger: number
  readonly waitGapSeconds: number
  readonly since: number
}

const valueOf = (row: Row, phase: Phase | 'work') => (phase === 'work' ? row.work : row.phases[phase])

interface Pair {
  readonly own: Row
  readonly peers: readonly Row[]
}

function measurePhase(pairs: readonly Pair[], phase: Phase | 'work') {
  const own = median(pairs.map(pair => valueOf(pair.own, phase)))
  const peers = median(pairs.map(pair => median(pair.peers.map(peer => valueOf(peer, phase)))))
  return { phase, own, peers, excess: own - peers }
}

const least = (pair: Pair) => pair.own.communication < Math.min(...pair.peers.map(peer => peer.communication))

function measure(rank: number, pairs: readonly Pair[]): Measure {
  const phases = ([...PHASES, 'work'] as const).map(phase => measurePhase(pairs, phase))
  const worst = phases.reduce((one, other) => (other.excess > one.excess || Number.isNaN(one.excess) ? other : one))
  const peerWorkSeconds = median(pairs.map(pair => median(pair.peers.map(peer => peer.work))))
  const longer = pairs.map(pair => {
    const peer = median(pair.peers.map(one => valueOf(one, worst.phase)))
    return valueOf(pair.own, worst.phase) - peer > (CLEAR_RATIO / 2) * peerWorkSeconds
  })
  const first = pairs.find((pair, index) => longer[index] === true && least(pair))
  return {
    ...{ rank, phase: worst.phase, ownSeconds: worst.own, peerSeconds: worst.peers, peerWorkSeconds },
    waitsLeast: share(pairs.map(least)),
    worksLonger: share(longer),
    waitGapSeconds: median(
      pairs.map(pair => median(pair.peers.map(peer => peer.communication)) - pair.own.communication),
    ),
    since: first?.own.time ?? NaN,
  }
}

/** Ranks measured against the ranks of their role. */
export function measureRanks(window: DetectorWindow): Measure[] {
  const steps = completeSteps(window)
  const pairs = new Map<number, Pair[]>()
  for (const rows of steps) {
    for (const own of rows) {
      const peers = rows.filter(row => row !== own && window.roles?.get(row.rank) === window.roles?.get(own.rank))
      if (peers.length > 0) pairs.set(own.rank, [...(pairs.get(own.rank) ?? []), { own, peers }])
    }
  }
  return [...pairs].filter(([, own]) => own.length >= MIN_STEPS).map(([rank, own]) => measure(rank, own))
}

function isSlow(one: Measure): boolean {
  const excess = one.ownSeconds - one.peerSeconds
  return (
    one.waitsLeast >= STEADY &&
    one.worksLonger >= STEADY &&
    excess > CLEAR_RATIO * one.peerWorkSeconds &&
    one.waitGapSeconds > 0
  )
}

const NEXT: Record<Phase | 'work', string> = {
  data: 'Look at the data loader and the storage of that rank’s node.',
  forward: 'Compare clocks, throttle reasons, temperature and other processes of that rank’s device with its peers.',
  backward: 'Compare clocks, throttle reasons, temperature and other processes of that rank’s device with its peers.',
  work: 'Compare clocks, throttle reasons, temperature and other processes of that rank’s device with its peers.',
}

function toFinding(one: Measure, window: DetectorWindow): Finding {
  const seconds = (value: number) => format(value, 'seconds')
  const phase = one.phase === 'work' ? 'forward, backward and data' : one.phase
  const cost = one.ownSeconds - one.peerSeconds
  const least = Math.round(one.waitsLeast * 100)
  return {
    detector: 'slow-rank',
    run: window.run,
    severity: 'warning',
    title: `Rank ${one.rank} is slow`,
    evidence:
      `Its ${phase} takes ${seconds(one.ownSeconds)} a step, its peers’ ${seconds(one.peerSeconds)} (medians); ` +
      `in ${least} % of the steps it waits least, and the others wait ${seconds(one.waitGapSeconds)} longer.`,
    since: one.since,
    costSecondsPerStep: cost,
    ranks: [one.rank],
    nextStep: NEXT[one.phase],
    provenance: 'derived',
  }
}

export const slowRank = defineDetector({
  name: 'slow-rank',
  help: 'One rank is steadily last, and its own work takes longer than that of its peers.',
  detect(window) {
    // Pipeline stages do unlike work: without roles, comparing them would blame the fullest stage.
    if ((window.config?.parallelism?.pipeline ?? 1) > 1 && window.roles === undefined) return []
    return measureRanks(window)
      .filter(isSlow)
      .map(one => toFinding(one, window))
  },
})
