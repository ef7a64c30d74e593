/**
 * One rank or several are steadily late, and their own work is why. Measure, then judge. Two signs must agree, as either
 * alone misleads: behind a barrier a slow link makes some ranks wait little as well, and a busy machine makes compute times
 * scatter. Both are held against the median of the peers, so that one straggler does not hide another.
 */
import { format } from '../base/units'
import type { Finding } from '../wire/findings'
import { defineDetector, type DetectorWindow } from './detector'
import { PHASES, samplesByRank, type Phase, type Sample } from './peers'
import { median, share } from './statistics'

/** Fewer steps than this say nothing steady. */
const MIN_STEPS = 8
/** Share of steps in which the rank must wait less and work longer than its peers. */
const STEADY = 0.7
/** Extra work over the peers' median work. Healthy ranks on a crowded machine differ by up to a tenth over 25 steps. */
const CLEAR_RATIO = 0.25
/** A phase with this share of all the extra work is named as its place. */
const MOST = 0.8

interface Measure {
  readonly rank: number
  /** Share of steps in which it spends less time in collectives than its peers. */
  readonly waitsLess: number
  /** The phase with most of the excess over its peers, or all work. */
  readonly phase: Phase | 'work'
  readonly ownSeconds: number
  readonly peerSeconds: number
  readonly peerWorkSeconds: number
  /** Share of steps in which it exceeds its peers in that phase by half of the clear ratio. */
  readonly worksLonger: number
  readonly waitGapSeconds: number
  readonly since: number
}

function measurePhase(samples: readonly Sample[], phase: Phase | 'work') {
  const own = median(samples.map(sample => sample.own[phase]))
  const peers = median(samples.map(sample => sample.peers[phase]))
  return { phase, own, peers, excess: own - peers }
}

/** Where the excess is: one phase where it has most of it. */
function worstPhase(samples: readonly Sample[]) {
  const work = measurePhase(samples, 'work')
  const phases = PHASES.map(phase => measurePhase(samples, phase)).filter(({ excess }) => excess >= MOST * work.excess)
  return phases.reduce((one, other) => (other.excess > one.excess ? other : one), phases[0] ?? work)
}

const waitsLess = ({ own, peers }: Sample) => own.communication < peers.communication

function measure(rank: number, samples: readonly Sample[]): Measure {
  const worst = worstPhase(samples)
  const peerWorkSeconds = median(samples.map(({ peers }) => peers.work))
  const longer = samples.map(
    ({ own, peers }) => own[worst.phase] - peers[worst.phase] > (CLEAR_RATIO / 2) * peerWorkSeconds,
  )
  const first = samples.find((sample, index) => longer[index] === true && waitsLess(sample))
  return {
    ...{ rank, phase: worst.phase, ownSeconds: worst.own, peerSeconds: worst.peers, peerWorkSeconds },
    waitsLess: share(samples.map(waitsLess)),
    worksLonger: share(longer),
    waitGapSeconds: median(samples.map(({ own, peers }) => peers.communication - own.communication)),
    since: first?.time ?? NaN,
  }
}

/** Ranks measured against the ranks of their role. */
export function measureRanks(window: DetectorWindow): Measure[] {
  return [...samplesByRank(window)]
    .filter(([, samples]) => samples.length >= MIN_STEPS)
    .map(([rank, samples]) => measure(rank, samples))
}

function isSlow(one: Measure): boolean {
  const excess = one.ownSeconds - one.peerSeconds
  return (
    one.waitsLess >= STEADY &&
    one.worksLonger >= STEADY &&
    excess > CLEAR_RATIO * one.peerWorkSeconds &&
    one.waitGapSeconds > 0
  )
}

const COMPUTE =
  'Compare clocks, throttle reasons, temperature and other processes of that rank’s device with its peers.'
const NEXT: Record<Phase | 'work', string> = {
  data: 'Look at the data loader and the storage of that rank’s node.',
  ...{ forward: COMPUTE, backward: COMPUTE, work: COMPUTE },
}

function toFinding(one: Measure, window: DetectorWindow): Finding {
  const seconds = (value: number) => format(value, 'seconds')
  const phase = one.phase === 'work' ? 'forward, backward and data' : one.phase
  return {
    detector: 'slow-rank',
    run: window.run,
    severity: 'warning',
    title: `Rank ${one.rank} is slow`,
    evidence:
      `Its ${phase} takes ${seconds(one.ownSeconds)} a step, its peers’ ${seconds(one.peerSeconds)} (medians); ` +
      `in ${Math.round(one.waitsLess * 100)} % of the steps it waits less than they do, by ${seconds(one.waitGapSeconds)}.`,
    since: Number.isNaN(one.since) ? window.facts.startedAt : one.since,
    costSecondsPerStep: one.ownSeconds - one.peerSeconds,
    ranks: [one.rank],
    nextStep: NEXT[one.phase],
    provenance: 'derived',
  }
}

export const slowRank = defineDetector({
  name: 'slow-rank',
  help: 'A rank is steadily late, and its own work takes longer than that of its peers.',
  detect(window) {
    // Pipeline stages do unlike work: without roles, comparing them would blame the fullest stage.
    if ((window.config?.parallelism?.pipeline ?? 1) > 1 && window.roles === undefined) return []
    return measureRanks(window)
      .filter(isSlow)
      .map(one => toFinding(one, window))
  },
})
