/** What a probe of idle nodes says: which links are slow, by the ways that are slower than others that are alike, and which devices. */
import { grouped } from '../base/grouped'
import { format } from '../base/units'
import type { ProbePair, ProbeProduct, ProbeVerdict } from '../wire/probe'
import type { RecordOf } from '../wire/records'
import { blameTitle, nodesOf } from './link-names'
import { Roads, type Blame } from './roads'
import { median } from './statistics'

/** Of what the faster ones of its kind reach. */
const SLOW_LINK = 0.5
const SLOW_DEVICE = 0.9
const USUAL_QUANTILE = 0.75

function quantile(values: readonly number[], share: number): number {
  const ascending = values.toSorted((one, other) => one - other)
  return ascending[Math.round(share * (ascending.length - 1))] ?? NaN
}

/** Ways by how far they go: those within a leaf are faster. Where only one kind is left that is well, it is the measure. */
function slowWays(pairs: readonly ProbePair[], roads: Roads): Map<ProbePair, number> {
  const usual = new Map(
    Array.from(
      grouped(pairs, pair => roads.spanOf(pair)),
      ([span, alike]) => [
        span,
        quantile(
          alike.map(({ bytesPerSecond }) => bytesPerSecond),
          USUAL_QUANTILE,
        ),
      ],
    ),
  )
  const slow = new Map<ProbePair, number>()
  for (const pair of pairs) {
    const of = usual.get(roads.spanOf(pair)) ?? NaN
    if (pair.bytesPerSecond < SLOW_LINK * of) slow.set(pair, of)
  }
  return slow
}

function toVerdict(blame: Blame, slow: ReadonlyMap<ProbePair, number>, isInferred: boolean): ProbeVerdict {
  const own = [...slow].filter(([pair]) => blame.slow.includes(pair))
  const speed = (value: number) => format(8 * value, 'bitsPerSecond')
  const reached = median(own.map(([{ bytesPerSecond }]) => bytesPerSecond))
  return {
    title: blameTitle(blame),
    evidence:
      `${own.length} ${own.length === 1 ? 'way reaches' : 'ways reach'} ${speed(reached)}; others that are alike ` +
      `${speed(median(own.map(([, usual]) => usual)))} (medians).${isInferred ? ' The topology is not known: this is inferred.' : ''}`,
    links: blame.links.map(({ name }) => name),
    nodes: nodesOf(blame.links),
  }
}

function slowDevices(products: readonly ProbeProduct[]): ProbeVerdict[] {
  const alike = grouped(products, ({ name, dtype }) => `${name} ${dtype}`)
  return [...alike.values()].flatMap(all => {
    const usual = median(all.map(({ flopsPerSecond }) => flopsPerSecond))
    return all
      .filter(({ flopsPerSecond }) => flopsPerSecond < SLOW_DEVICE * usual)
      .map(({ node, device, flopsPerSecond }) => ({
        title: `${device} of ${node} is slow`,
        evidence: `Its best matrix product reaches ${format(flopsPerSecond, 'flopsPerSecond')}; the median of those alike ${format(usual, 'flopsPerSecond')}.`,
        links: [],
        nodes: [node],
      }))
  })
}

/** Empty where nothing stands out. */
export function probeVerdicts(
  pairs: readonly ProbePair[],
  products: readonly ProbeProduct[],
  topology: readonly RecordOf<'topology'>[] | undefined,
): ProbeVerdict[] {
  const roads = new Roads(pairs, topology)
  const slow = slowWays(pairs, roads)
  const blames = slow.size === 0 ? [] : roads.blame([...slow.keys()])
  return [...blames.map(blame => toVerdict(blame, slow, roads.isInferred)), ...slowDevices(products)]
}
