/** Scenarios of the simulator, as detectors see them: what is told, and what it costs beside the same fleet without them. */
import { describe, expect, it } from 'vitest'
import { detectAll } from '../../analysis/index'
import { seededRandom } from '../../base/random'
import { Fleet, USUAL_TRANSFERS, type FleetStep } from '../../cli/simulate/fleet'
import { layoutOf } from '../../cli/simulate/layout'
import { usualNoise } from '../../cli/simulate/noise'
import { scenarios } from '../../cli/simulate/scenarios'
import { FleetWindow } from '../fleet-window'

const STEPS = 120
const endOf = ({ end }: FleetStep) => Math.max(...end)

/** Of 32 ranks on four nodes: each node is half of a pipeline stage. */
function look(name: string, from: number, size: number) {
  const layout = layoutOf({
    tensor: 2,
    pipeline: 2,
    data: 8,
    gpusPerNode: 8,
    nodesPerLeaf: 2,
    rails: false,
    microBatches: 8,
  })
  const faults = scenarios.get(name)?.faults({ layout, size, from, random: seededRandom(5) }) ?? []
  const options = { layout, seed: 5, computeSeconds: 1, noise: usualNoise, crossLeafRatio: 1.2 }
  const [broken, healthy] = [faults, []].map(own => {
    return new Fleet({ ...options, transferRatio: USUAL_TRANSFERS, faults: own })
  })
  if (broken === undefined || healthy === undefined) throw new Error('there is no fleet')
  const window = new FleetWindow(broken)
  const ends = { broken: 0, healthy: 0 }
  for (let step = 1; step <= STEPS; step += 1) {
    const now = broken.next()
    window.push(now)
    ends.broken = endOf(now)
    ends.healthy = endOf(healthy.next())
  }
  const failed = (detector: string, message: string) => expect.fail(`${detector}: ${message}`)
  const findings = detectAll(window.window(), failed).map(({ detector, title, costSecondsPerStep }) => {
    return { detector, title, cost: costSecondsPerStep ?? NaN }
  })
  const began = faults[0]?.from ?? 1
  return { findings, cost: (ends.broken - ends.healthy) / (STEPS - began + 1) }
}

describe('a simulated fleet', () => {
  it.each([
    ['cpu-steal', 0.6, 40, /^Node node0002 is slow now and then$/],
    ['slow-storage', 0.3, 40, /^Node node0002 is slow$/],
    ['start-up', 0.3, 30, /^Rank 22 was slow in the first 29 steps$/],
    ['data-skew', 0.3, 1, /^Sequences of uneven length make now one replica slow/],
  ] as const)(
    'with %s is told of that and of nothing else, within a tenth of what it costs',
    (name, size, from, title) => {
      const { findings, cost } = look(name, from, size)
      expect(findings).toHaveLength(1)
      expect(findings[0]?.title).toMatch(title)
      expect((findings[0]?.cost ?? NaN) / cost).toBeGreaterThan(0.9)
      expect((findings[0]?.cost ?? NaN) / cost).toBeLessThan(1.1)
    },
  )
})
