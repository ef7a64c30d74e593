/** Much communication without a slow link: the plan, the fabric as a whole, or nothing to say. */
import { describe, expect, it } from 'vitest'
import { communicationBound } from '../../analysis/communication-bound'
import { slowLink } from '../../analysis/slow-link'
import { slowRank } from '../../analysis/slow-rank'
import { Fleet, USUAL_TRANSFERS } from '../../cli/simulate/fleet'
import { layoutOf } from '../../cli/simulate/layout'
import { calmNoise } from '../../cli/simulate/noise'
import { predict } from '../../math/predict'
import { FleetWindow } from '../fleet-window'

const shape = { tensor: 4, pipeline: 1, data: 8, gpusPerNode: 4, nodesPerLeaf: 2, rails: false, microBatches: 4 }

/**
 * `tensor`: seconds of its transfers in a step of two seconds of compute, five times that; `size` of what all leaves carry from
 * a step on.
 */
function windowOf(tensor: number, size: number, communicationSeconds: number, from = 1) {
  const layout = layoutOf(shape)
  const links = Array.from({ length: layout.leaves }, (_, leaf) => `leaf leaf00${leaf}`)
  const fleet = new Fleet({
    layout,
    noise: calmNoise,
    seed: 3,
    computeSeconds: 2,
    transferRatio: { ...USUAL_TRANSFERS, tensor },
    crossLeafRatio: 1.2,
    faults: [{ kind: 'link', ranks: [], links, size, from, to: Infinity, pattern: 'constant' }],
  })
  const window = new FleetWindow(fleet)
  for (let step = 0; step < 40; step += 1) window.push(fleet.next())
  return { ...window.window(), prediction: { ...predict({}), step: { communicationSeconds } } }
}

describe('much communication', () => {
  it('that was predicted is the plan’s, and nobody else’s', () => {
    const window = windowOf(6, 0, 2.4)
    expect(communicationBound.detect(window)).toMatchObject([
      { title: expect.stringMatching(/^The plan spends 5\d % of each step/) as unknown, severity: 'info' },
    ])
    expect([...slowRank.detect(window), ...slowLink.detect(window)]).toEqual([])
  })

  it('that was not predicted, and is alike everywhere, is the fabric’s', () => {
    const window = windowOf(0.4, 4, 0.35)
    const [finding] = communicationBound.detect(window)
    expect(finding?.title).toBe('All of the fabric carries less than predicted')
    // Four times 0.19 s more.
    expect(finding?.costSecondsPerStep).toBeGreaterThan(0.6)
    expect(finding?.costSecondsPerStep).toBeLessThan(0.9)
    expect([...slowRank.detect(window), ...slowLink.detect(window)]).toEqual([])
  })

  it('is told since when it is more, and by how much since then', () => {
    const [always] = communicationBound.detect(windowOf(0.4, 4, 0.35))
    const [since] = communicationBound.detect(windowOf(0.4, 4, 0.35, 21))
    expect(since?.title).toBe('All of the fabric carries less than predicted')
    expect(since?.since).toBeGreaterThan((always?.since ?? Infinity) + 19 * 2)
    expect((since?.costSecondsPerStep ?? 0) / (always?.costSecondsPerStep ?? NaN)).toBeCloseTo(1, 1)
  })

  it('is not said of a healthy fleet, nor where nothing is predicted', () => {
    expect(communicationBound.detect(windowOf(0.4, 0, 0.35))).toEqual([])
    expect(communicationBound.detect({ ...windowOf(6, 0, 2.4), prediction: undefined })).toEqual([])
  })
})
