/** What a run's devices and cards show of its hardware, where its configuration does not say. */
import type { DetectorWindow } from '../analysis/detector'
import { median } from '../analysis/statistics'
import { grouped } from '../base/grouped'
import type { HardwareInput } from '../math/input'

const BITS = 8

/** The one device that all have, and what each rank's share of its node's cards carries to other nodes: the median of the nodes. */
export function seenHardware(
  names: readonly string[],
  cables: NonNullable<DetectorWindow['topology']>,
  places: DetectorWindow['places'],
): HardwareInput {
  const [gpu, ...others] = names
  const ranks = grouped(places?.values() ?? [], ({ node }) => node)
  const cards = grouped(
    cables.filter(({ node, tier }) => node !== undefined && tier !== 'spine'),
    ({ node }) => node,
  )
  const shares = [...cards].map(([node, own]) => {
    const bits = own.reduce((sum, { rateBitsPerSecond = NaN }) => sum + rateBitsPerSecond, 0)
    return bits / BITS / (ranks.get(node ?? '')?.length ?? NaN)
  })
  const networkBytesPerSecond = median(shares)
  return {
    ...(gpu !== undefined && others.length === 0 && { gpu }),
    ...(networkBytesPerSecond > 0 && { networkBytesPerSecond }),
  }
}
