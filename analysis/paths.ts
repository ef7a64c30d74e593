/**
 * Which way between nodes is slow, from what the kernel counts of each connection. A hop is busy as long as bytes are on
 * their way: in a ring all hops carry alike and only the slow one is busy all the time, so that even a single group tells
 * which of its links it is.
 */
import { grouped } from '../base/grouped'
import type { DetectorWindow, FlowStepColumns } from './detector'
import { known, median } from './statistics'

/** From one node to another; by step number of the window, NaN where absent. */
export interface Path {
  readonly from: string
  readonly to: string
  readonly busySeconds: Float64Array
  /** Seconds that a byte takes. */
  readonly pace: Float64Array
  readonly bytes: Float64Array
}

export interface Paths {
  /** Ascending. */
  readonly steps: Float64Array
  readonly paths: readonly Path[]
}

/** Seconds of the clock by which the kernel counts (at 250 Hz): of what is faster it says 0, and nothing is faster than 0. */
const TICK = 0.004
/** Fewer bytes go through before a queue fills: small messages lie. */
const LEAST_BYTES = 256 * 1024
const MAX_CELLS = 1 << 24

export function pathsOf({ flows }: Pick<DetectorWindow, 'flows'>): Paths | undefined {
  if (flows === undefined) return undefined
  const steps = Float64Array.from(new Set(Array.from(flows.step))).sort()
  if (steps.length * flows.paths.length > MAX_CELLS) return undefined
  const column = () => new Float64Array(steps.length).fill(NaN)
  const paths = flows.paths.map(path => ({
    ...path,
    busySeconds: column(),
    pace: column(),
    bytes: column(),
  }))
  fill(paths, steps, flows)
  return { steps, paths: paths.filter(({ bytes }) => median(bytes) >= LEAST_BYTES) }
}

function fill(paths: readonly Path[], steps: Float64Array, flows: FlowStepColumns): void {
  const places = new Map(Array.from(steps, (step, place) => [step, place]))
  for (let row = 0; row < flows.step.length; row += 1) {
    const path = paths[flows.path[row] ?? -1]
    const place = places.get(flows.step[row] ?? NaN)
    const [busy, bytes] = [flows.busySeconds[row] ?? NaN, flows.bytes[row] ?? NaN]
    if (path === undefined || place === undefined || !(bytes > 0) || !(busy >= 0)) continue
    path.busySeconds[place] = busy
    path.bytes[place] = bytes
    path.pace[place] = Math.max(busy, TICK) / bytes
  }
}

export interface SlowPath {
  readonly path: Path
  /** Of its pace over that of the faster ones: 1 takes twice as long. */
  readonly excess: number
  /** Place in the steps from which on. */
  readonly from: number
  /** Medians of a step since then: what it is busy, and what it would be at the usual pace. */
  readonly busySeconds: number
  readonly usualSeconds: number
}

/** Steps that are looked at, at most and at least. */
export const RECENT = 24
const LEAST_STEPS = 8
/** Half the speed of the faster ones, and slower. */
const SLOW_FROM = 1
/** A path that loses less than this share of what the slowest loses waits for that one, as the next of a ring does for half and more of it. */
const SHARE_OF_SLOWEST = 0.7
/** Of the step: less is nobody’s worry. */
const COST_FLOOR = 0.05
/** Seconds. */
const LEAST_LOST = 5 * TICK
const USUAL_QUANTILE = 0.25

/** `classOf` a path: only those alike are compared, unless none has another like it. */
export function slowPaths(all: Paths, stepSeconds: number, classOf: (path: Path) => string): SlowPath[] {
  const classes = [...grouped(all.paths, classOf).values()]
  const compared = classes.every(members => members.length < 2) ? [all.paths] : classes
  const found = compared.flatMap(members => {
    const usual = usualOf(members.map(({ pace }) => pace))
    return Number.isNaN(usual) ? [] : members.map(path => measure(path, usual))
  })
  const slow = found.filter(({ excess }) => excess >= SLOW_FROM)
  const most = slow.reduce((worst, one) => Math.max(worst, lostSeconds(one) || 0), 0)
  const least = Math.max(SHARE_OF_SLOWEST * most, COST_FLOOR * stepSeconds, LEAST_LOST)
  return slow.filter(one => lostSeconds(one) >= least)
}

/** Of a step, on the way: what the faster steps take longer than usual. */
export const lostSeconds = ({ excess, usualSeconds }: SlowPath) => excess * usualSeconds

function usualOf(all: readonly Float64Array[]): number {
  const ascending = known(all.map(recentOf)).sort((one, other) => one - other)
  return ascending.length < 2 ? NaN : (ascending[Math.floor(USUAL_QUANTILE * (ascending.length - 1))] ?? NaN)
}

/** A slow link is slow in every step, a host that has no time to read in many: what the faster steps take tells them apart. */
const FASTER_STEPS = 0.25

function recentOf(values: Float64Array): number {
  const ascending = known(values.subarray(-RECENT)).sort((one, other) => one - other)
  return ascending.length < LEAST_STEPS ? NaN : (ascending[Math.floor(FASTER_STEPS * (ascending.length - 1))] ?? NaN)
}

function measure(path: Path, usual: number): SlowPath {
  const excess = recentOf(path.pace) / usual - 1
  const from = excess >= SLOW_FROM ? onsetOf(path.pace, usual, excess) : 0
  const busySeconds = median(path.busySeconds.subarray(Math.max(from, path.pace.length - RECENT)))
  return { path, excess, from, busySeconds, usualSeconds: median(path.bytes.subarray(-RECENT)) * usual }
}

/** So many steps in a row on the other side end it: one is a hiccup. */
const SIDE_STEPS = 4

/** Backwards from now: the first of the steps in which it is nearer to what it is now than to the usual. */
function onsetOf(pace: Float64Array, usual: number, excess: number): number {
  const border = usual * Math.sqrt(1 + excess)
  let [from, below] = [pace.length, 0]
  for (let place = pace.length - 1; place >= 0 && below < SIDE_STEPS; place -= 1) {
    const value = pace[place] ?? NaN
    if (Number.isNaN(value)) continue
    below = value < border ? below + 1 : 0
    if (below === 0) from = place
  }
  return below < SIDE_STEPS ? 0 : from
}
