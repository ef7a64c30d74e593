/**
 * One look of the detectors at fleets from 64 ranks on, all that they tell included, against the limit: 16,384 ranks every
 * ten seconds in less than one second of one core. Processor time, so that a busy machine counts for nothing.
 * `npm run bench:analysis -- [most ranks]`.
 */
import { detectAll } from '../../analysis/index'
import type { DetectorWindow } from '../../analysis/detector'
import { Fleet, USUAL_TRANSFERS } from '../../cli/simulate/fleet'
import { layoutOf } from '../../cli/simulate/layout'
import { usualNoise } from '../../cli/simulate/noise'
import { windowSteps } from '../../hub/window'
import { ALL_SEEN, FleetWindow } from '../fleet-window'

const LIMIT_SECONDS = 1
const LOOKS = 3
const SHAPES = [
  { tensor: 4, pipeline: 2, data: 8 },
  { tensor: 8, pipeline: 4, data: 8 },
  { tensor: 8, pipeline: 4, data: 32 },
  { tensor: 8, pipeline: 8, data: 64 },
  { tensor: 8, pipeline: 8, data: 256 },
] as const
const [most = 16_384] = process.argv.slice(2).map(Number)

function processorSeconds(work: () => void): number {
  const began = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1e6
}

function windowOf(shape: (typeof SHAPES)[number], isBroken: boolean): DetectorWindow {
  const layout = layoutOf({ ...shape, gpusPerNode: 8, nodesPerLeaf: 4, rails: false, microBatches: 8 })
  const steps = windowSteps(layout.worldSize)
  const fault = { ranks: [], links: ['leaf leaf001'], size: 0.3, from: 1, to: Infinity, pattern: 'constant' } as const
  const fleet = new Fleet({
    layout,
    noise: usualNoise,
    faults: isBroken ? [{ ...fault, kind: 'link' }] : [],
    seed: 1,
    computeSeconds: 2,
    transferRatio: USUAL_TRANSFERS,
    crossLeafRatio: 1.2,
  })
  const window = new FleetWindow(fleet, ALL_SEEN, steps)
  for (let step = 0; step < steps; step += 1) window.push(fleet.next())
  return counted(window.window())
}

/** With what every hook on Linux counts as well: here nobody is held back. */
function counted(window: DetectorWindow): DetectorWindow {
  const { length } = window.ranks.step
  const column = (seconds: number) => new Float64Array(length).fill(seconds)
  const counts = { cpuSeconds: column(0.5), runDelaySeconds: column(0.001), throttledSeconds: column(0) }
  return { ...window, ranks: { ...window.ranks, ...counts } }
}

/** The least of several looks: the first one compiles. */
function look(window: DetectorWindow): number {
  const failed = (detector: string, message: string) => console.error(`${detector}: ${message}`)
  const times = Array.from({ length: LOOKS }, () => processorSeconds(() => detectAll({ ...window }, failed)))
  return Math.min(...times)
}

const rows = SHAPES.filter(({ tensor, pipeline, data }) => tensor * pipeline * data <= most).map(shape => {
  const ranks = shape.tensor * shape.pipeline * shape.data
  const healthy = windowOf(shape, false)
  const [well, slow] = [look(healthy), look(windowOf(shape, true))]
  return {
    ranks,
    groups: healthy.groups?.groups.length,
    steps: windowSteps(ranks),
    'healthy, s': well.toFixed(3),
    'slow leaf, s': slow.toFixed(3),
    'of the limit': `${((Math.max(well, slow) / LIMIT_SECONDS) * 100).toFixed(1)} %`,
    'µs a rank': ((slow / ranks) * 1e6).toFixed(1),
  }
})
console.table(rows)
