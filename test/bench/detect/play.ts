/** Plays a case beside the same fleet without the fault, and asks every method at several moments. */
import type { DetectorWindow } from '../../../analysis/detector'
import { detectors } from '../../../analysis/index'
import { Fleet, type FleetStep } from '../../../cli/simulate/fleet'
import { observe, type Holdings } from '../../../hub/findings/life'
import { FleetWindow, STARTED_AT } from '../../fleet-window'
import { bestChance } from './bound'
import { relativeScores, whatIfRatio, zScores } from './baselines'
import { faultOf, fleetOptions, type Case } from './cases'
import { judge, type Method, type Verdict } from './judge'

const OWN = ['slow-rank', 'slow-link'] as const

/** That must be silent where there is no fault; a run that is slower as a whole has nobody to blame. */
const SILENT = [...OWN, 'slower-run'] as const

/** The very detectors that the hub runs. */
const found = (window: DetectorWindow, names: readonly string[] = OWN) =>
  names.flatMap(name => detectors.get(name)?.detect(window) ?? [])

export const plumbline: Method = {
  name: 'plumbline',
  isOfLinks: true,
  blames: window =>
    found(window).map(({ ranks = [], links = [], costSecondsPerStep, since }) => ({
      ranks,
      links,
      since,
      cost: costSecondsPerStep,
    })),
}

export const METHODS: readonly Method[] = [plumbline, zScores, relativeScores, whatIfRatio]

/** The step at which the fault begins, and steps from there at which is looked. */
export const FROM = 128
export const LOOKS = [8, 24, 48, 96] as const

export interface Played {
  readonly case: Case
  /** By method and look. */
  readonly verdicts: ReadonlyMap<string, readonly Verdict[]>
  /** Seconds per step that the fault costs in truth: since it began, and since when the last finding says it did. */
  readonly cost: number
  readonly costSince: number
  /** Of a step without the fault. */
  readonly stepSeconds: number
  /** That the best method there could be finds it at the last look. */
  readonly bestChance: number
}

export function play(one: Case, methods: readonly Method[] = METHODS): Played {
  const options = fleetOptions(one)
  const healthy = new Fleet(options)
  const first = new FleetWindow(healthy, one.seen)
  const fault = faultOf(one, options.layout, first.isMissing, FROM)
  const broken = new Fleet({ ...options, faults: [fault] })
  const window = new FleetWindow(broken, one.seen)
  const verdicts = new Map<string, Verdict[]>(methods.map(({ name }) => [name, []]))
  const ends = { broken: [0], healthy: [0] }
  const last = FROM + Math.max(...LOOKS) - 1
  for (let step = 1; step <= last; step += 1) {
    const now = broken.next()
    window.push(now)
    ends.broken.push(latest(now))
    ends.healthy.push(latest(healthy.next()))
    if (!LOOKS.some(look => FROM + look - 1 === step)) continue
    const seen = window.window()
    for (const method of methods)
      verdicts.get(method.name)?.push(judge(method.blames(seen), fault, options.layout, one.seen.hasTopology))
  }
  // A finding says what a step costs since a moment: from there on it is held against the truth.
  const truthSince = (first: number) => {
    const over = (times: readonly number[]) => ((times[last] ?? NaN) - (times[first - 1] ?? NaN)) / (last - first + 1)
    return over(ends.broken) - over(ends.healthy)
  }
  const since = verdicts.get(plumbline.name)?.at(-1)?.since ?? NaN
  const begin = ends.broken.findIndex(end => STARTED_AT + end >= since - 1e-6)
  return {
    case: one,
    verdicts,
    cost: truthSince(FROM),
    costSince: truthSince(Math.min(Math.max(begin, 1), last)),
    stepSeconds: ((ends.healthy[last] ?? NaN) - (ends.healthy[FROM - 1] ?? NaN)) / (last - FROM + 1),
    bestChance: bestChance(one, fault, options.layout, first.isMissing, last),
  }
}

const latest = ({ end }: FleetStep) => end.reduce((last, one) => Math.max(last, one), 0)

/** Steps of a fault-free hour, of ten seconds each, and how many of them lie between two looks. */
const HOUR_STEPS = 360
const HOUR_LOOK = 8

/** Findings that the hub would open in a fleet in which nothing is wrong: none would be right. */
export function playHour(one: Omit<Case, 'kind' | 'size'>): number {
  const fleet = new Fleet({ ...fleetOptions(one), computeSeconds: 6 })
  const window = new FleetWindow(fleet, one.seen)
  let holdings: Holdings = []
  let opened = 0
  for (let step = 1; step <= HOUR_STEPS; step += 1) {
    const now = fleet.next()
    window.push(now)
    if (step % HOUR_LOOK !== 0) continue
    const look = observe(holdings, found(window.window(), SILENT), { step, time: STARTED_AT + latest(now) })
    holdings = look.holdings
    opened += look.changes.filter(({ what }) => what === 'opened').length
  }
  return opened
}
