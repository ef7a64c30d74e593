/**
 * From devices alone, an estimate. A device that waits in a collective spins: it says that it is fully used, and draws little.
 * Whom the others wait for computes all the time and draws more than they do; or its clock is lower than theirs.
 */
import { format } from '../base/units'
import { Axis } from './axis'
import { costOf } from './cost'
import { defineDetector, type DetectorWindow, type DeviceColumns } from './detector'
import { median } from './statistics'
import { stragglersOf, type Likeness } from './stragglers'

/** Less used are devices of another job, or of none. */
const USED = 0.9
/** Of fewer nobody can say what is usual; and more than this share of them are not held back by one. */
const DEVICES_LEAST = 4
const SLOW_MOST = 0.25

/**
 * Chips that are alike draw within some percent of each other, and clock within less; under load they differ in speed by 8 %
 * on average (Sinha et al. 2022, https://arxiv.org/abs/2208.11035). As nothing but a device is seen here, it must be off by
 * twice that in power, which falls to half and less while it spins in a collective. A clock is its own evidence: a step of it
 * is 15 MHz, and 5 % are five of these.
 */
const COMMON = { apartOfScatter: 0.33, wanderOfScatter: 0.2, lookAt: 'all' } as const
const never = Infinity
const OF_POWER: Likeness = {
  ...COMMON,
  apart: 0.04,
  wander: 0.02,
  floors: { level: 0.15, change: 0.15, intermittent: never },
}
const OF_CLOCKS: Likeness = {
  ...COMMON,
  apart: 0.01,
  wander: 0.005,
  floors: { level: 0.05, change: 0.05, intermittent: never },
}

type Column = 'powerWatts' | 'smClockHertz' | 'utilizationRatio'

/** What a device is told by. `own` and `peers` are medians. */
interface Sign {
  readonly column: Column
  readonly likeness: Likeness
  /** Whether the one that holds the others back has less of it. */
  readonly isBelow: boolean
  readonly unit: 'hertz' | 'watts'
  /** At most, of a step. */
  cost(step: number, own: number, peers: number): number
  title(device: string): string
  says(own: string, peers: string): string
  why(cost: string): string
}

const CLOCK: Sign = {
  column: 'smClockHertz',
  likeness: OF_CLOCKS,
  isBelow: true,
  unit: 'hertz',
  // Of a step that is all computing, a lower clock takes off so much.
  cost: (step, own, peers) => step * (1 - own / peers),
  title: device => `${device} runs at a lower clock than its peers`,
  says: (own, peers) => `Its clock is ${own}, its peers’ ${peers}`,
  why: cost => `A synchronous step waits for the slowest: at most ${cost} of it.`,
}
const POWER: Sign = {
  column: 'powerWatts',
  likeness: OF_POWER,
  isBelow: false,
  unit: 'watts',
  cost: () => NaN,
  title: device => `${device} may hold the others back`,
  says: (own, peers) => `It draws ${own}, its peers ${peers}`,
  why: () => 'A device that waits in a collective looks busy and draws little: the others seem to wait.',
}

interface Matrix {
  /** Numbers of the devices. */
  readonly used: readonly number[]
  readonly times: Float64Array
  /** By used device and stretch of time. */
  readonly column: (name: Column) => Float64Array
}

function matrixOf(columns: DeviceColumns): Matrix {
  const axis = new Axis(columns.time)
  const { length } = axis.values
  const all = (name: Column) => {
    const cells = new Float64Array(columns.devices.length * length).fill(NaN)
    for (let row = 0; row < columns.device.length; row += 1) {
      const [device, at] = [columns.device[row] ?? -1, axis.place(columns.time[row] ?? NaN)]
      if (columns.devices[device] !== undefined && at >= 0) cells[device * length + at] = columns[name][row] ?? NaN
    }
    return cells
  }
  const use = all('utilizationRatio')
  const used = [...columns.devices.keys()].filter(
    device => median(use.subarray(device * length, (device + 1) * length)) >= USED,
  )
  return {
    used,
    times: axis.values,
    column: name => {
      const cells = all(name)
      const own = new Float64Array(used.length * length)
      for (const [place, device] of used.entries())
        own.set(cells.subarray(device * length, (device + 1) * length), place * length)
      return own
    },
  }
}

/** Each cell over the median of all devices at that time, or that over it, less one. */
function beside(cells: Float64Array, count: number, isBelow: boolean): Float32Array {
  const length = cells.length / Math.max(1, count)
  const excess = new Float32Array(cells.length)
  for (let at = 0; at < length; at += 1) {
    const usual = median(Array.from({ length: count }, (_, place) => cells[place * length + at] ?? NaN))
    for (let cell = at; cell < cells.length; cell += length) {
      const ratio = (cells[cell] ?? NaN) / usual
      excess[cell] = (isBelow ? 1 / ratio : ratio) - 1
    }
  }
  return excess
}

interface Outlier {
  readonly device: number
  readonly own: number
  readonly peers: number
  readonly since: number | undefined
}

/** Devices that stand out by a sign, with the medians of theirs and of their peers since then. */
function outliers({ used, times, column }: Matrix, { column: name, likeness, isBelow }: Sign): Outlier[] {
  const values = column(name)
  const excess = beside(values, used.length, isBelow)
  const ranks = Float64Array.from(used.keys())
  const found = stragglersOf({ ranks, steps: times, excess, ahead: cell => excess[cell] ?? NaN }, likeness).filter(
    ({ pattern }) => pattern !== 'intermittent' && pattern !== 'past',
  )
  if (found.length > SLOW_MOST * used.length) return []
  return found.map(({ place, from }) => {
    const of = (one: number) => median(values.subarray(one * times.length + from, (one + 1) * times.length))
    const peers = median(used.flatMap((_, other) => (other === place ? [] : [of(other)])))
    return { device: used[place] ?? -1, own: of(place), peers, since: times[from] }
  })
}

function toFinding(window: DetectorWindow, columns: DeviceColumns, count: number, one: Outlier, sign: Sign) {
  const { node = '', index = NaN } = columns.devices[one.device] ?? {}
  const step = median(window.steps.stepSeconds)
  const cost = sign.cost(step, one.own, one.peers)
  const says = sign.says(format(one.own, sign.unit), format(one.peers, sign.unit))
  return {
    detector: 'device-pace',
    run: window.run,
    provenance: 'estimated' as const,
    ...costOf(cost, step),
    // An estimate is never loud.
    severity: 'info' as const,
    nodes: [node],
    title: sign.title(`Device ${index} of ${node}`),
    evidence:
      `${says} (medians), and all ${count} are fully used. ${sign.why(format(cost, 'seconds'))} ` +
      `Estimated from the devices alone; no rank tells of itself.`,
    since: one.since ?? window.facts.startedAt,
    nextStep: 'Attach the hook: each rank’s time in computing and in collectives says who waits for whom.',
  }
}

export const devicePace = defineDetector({
  name: 'device-pace',
  help: 'From devices alone: one has a lower clock than its peers, or draws more while all say they are busy.',
  detect(window) {
    const { devices, ranks } = window
    if (devices === undefined || ranks.step.length > 0) return []
    const matrix = matrixOf(devices)
    const { length } = matrix.used
    if (length < DEVICES_LEAST) return []
    // Where clocks tell, power says the same again, or less.
    for (const sign of [CLOCK, POWER]) {
      const found = outliers(matrix, sign)
      if (found.length > 0) return found.map(one => toFinding(window, devices, length, one, sign))
    }
    return []
  },
})
