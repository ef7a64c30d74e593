/**
 * From devices alone, an estimate. A device that waits in a collective spins: it says that it is fully used, and draws little.
 * Whom the others wait for computes all the time and draws more than they do; or its clock is lower than theirs.
 */
import { format } from '../base/units'
import { Axis } from './axis'
import { costOf } from './cost'
import { defineDetector, type DetectorWindow, type DeviceColumns } from './detector'
import { median } from './statistics'
import { stragglersOf, type Likeness, type Straggler } from './stragglers'

/** Less used are devices of another job, or of none. */
const USED = 0.9
/** Of fewer nobody can say what is usual; and more than this share of them are not held back by one. */
const DEVICES_LEAST = 4
const SLOW_MOST = 0.25

/** Chips that are alike draw within some percent of each other, and clock within less. */
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
function beside(cells: Float64Array, count: number, isBelow: boolean): Float64Array {
  const length = cells.length / Math.max(1, count)
  const excess = new Float64Array(cells.length)
  for (let at = 0; at < length; at += 1) {
    const usual = median(Array.from({ length: count }, (_, place) => cells[place * length + at] ?? NaN))
    for (let cell = at; cell < cells.length; cell += length) {
      const ratio = (cells[cell] ?? NaN) / usual
      excess[cell] = (isBelow ? 1 / ratio : ratio) - 1
    }
  }
  return excess
}

function standingOut({ used, times }: Matrix, excess: Float64Array, likeness: Likeness): Straggler[] {
  const ranks = Float64Array.from(used.keys())
  const found = stragglersOf({ ranks, steps: times, excess, ahead: excess }, likeness).filter(
    ({ pattern }) => pattern !== 'intermittent',
  )
  return found.length > SLOW_MOST * used.length ? [] : found
}

type Sign = 'clock' | 'power'

function toFinding(window: DetectorWindow, columns: DeviceColumns, matrix: Matrix, one: Straggler, sign: Sign) {
  const { node = '', index = NaN } = columns.devices[matrix.used[one.place] ?? -1] ?? {}
  const values = matrix.column(sign === 'clock' ? 'smClockHertz' : 'powerWatts')
  const { length } = matrix.times
  const of = (place: number) => median(values.subarray(place * length + one.from, (place + 1) * length))
  const own = of(one.place)
  const peers = median(matrix.used.flatMap((_, place) => (place === one.place ? [] : [of(place)])))
  const unit = sign === 'clock' ? 'hertz' : 'watts'
  const step = median(window.steps.stepSeconds)
  // Of a step that is all computing, a lower clock takes off so much: what it costs at most.
  const cost = sign === 'clock' ? step * (1 - own / peers) : NaN
  const name = `Device ${index} of ${node}`
  const says = `${sign === 'clock' ? 'Its clock is' : 'It draws'} ${format(own, unit)}, ${sign === 'clock' ? 'its peers’' : 'its peers'} ${format(peers, unit)} (medians)`
  return {
    detector: 'device-pace',
    run: window.run,
    provenance: 'estimated' as const,
    ...costOf(cost, step),
    // An estimate is never loud.
    severity: 'info' as const,
    nodes: [node],
    title: sign === 'clock' ? `${name} runs at a lower clock than its peers` : `${name} may hold the others back`,
    evidence:
      `${says}, and all ${matrix.used.length} are fully used. ` +
      `${sign === 'clock' ? `A synchronous step waits for the slowest: at most ${format(cost, 'seconds')} of it. ` : 'A device that waits in a collective looks busy and draws little: the others seem to wait. '}` +
      `Estimated from the devices alone; no rank tells of itself.`,
    since: matrix.times[one.from] ?? window.facts.startedAt,
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
    const slow = standingOut(matrix, beside(matrix.column('smClockHertz'), length, true), OF_CLOCKS)
    // Where clocks tell, power says the same again, or less.
    if (slow.length > 0) return slow.map(one => toFinding(window, devices, matrix, one, 'clock'))
    const more = standingOut(matrix, beside(matrix.column('powerWatts'), length, false), OF_POWER)
    return more.map(one => toFinding(window, devices, matrix, one, 'power'))
  },
})
