/** A card, a switch or its uplink is slow: what goes over it is long on its way, as the kernel counts for each connection. */
import { format } from '../base/units'
import type { Finding } from '../wire/findings'
import { longerSince } from './before-after'
import { costOf } from './cost'
import { diagnose } from './diagnosis'
import type { Straggler } from './straggler'
import { defineDetector, type DetectorWindow } from './detector'
import { blameTitle, NEXT, nodesOf } from './link-names'
import { momentOf } from './moment'
import { lostSeconds, pathsOf, RECENT, slowPaths, type Paths, type SlowPath } from './paths'
import { Roads, type Blame } from './roads'
import { known, median } from './statistics'

/**
 * Seconds per step. Had it been as the others, the slowest of these would decide; but no more is won than the ranks wait.
 * Where it began within the window, the steps before say what it costs.
 */
function costSeconds(window: DetectorWindow, all: Paths, slow: readonly SlowPath[]): number {
  const innocent = all.paths.filter(path => !slow.some(one => one.path === path))
  const lasting = (values: readonly number[]) => Math.max(0, ...known(values))
  const own = lasting(slow.map(one => one.busySeconds))
  const others = lasting([
    ...slow.map(one => one.usualSeconds),
    ...innocent.map(({ busySeconds }) => median(busySeconds.subarray(-RECENT))),
  ])
  const from = all.steps[Math.min(...slow.map(one => one.from))] ?? NaN
  const longer = longerSince(window.steps, from)
  if (longer !== undefined) return Math.max(0, longer.seconds)
  const waits = leastWait(window, from)
  return Math.min(own - others, Number.isNaN(waits) ? Infinity : waits)
}

/** Median over the steps of what the rank that waited least spent in collectives. */
function leastWait({ ranks }: DetectorWindow, from: number): number {
  const least = new Map<number, number>()
  for (let row = 0; row < ranks.step.length; row += 1) {
    const [step, value] = [ranks.step[row] ?? NaN, ranks.communicationSeconds[row] ?? NaN]
    if (step >= from && value < (least.get(step) ?? Infinity)) least.set(step, value)
  }
  return median(Array.from(least.values()))
}

function toFinding(
  window: DetectorWindow,
  all: Paths,
  blame: Blame,
  slow: readonly SlowPath[],
  isInferred: boolean,
): Finding {
  const own = slow.filter(one => blame.slow.includes(one.path))
  const worst = own.toSorted((one, other) => other.busySeconds - one.busySeconds)[0]
  const speed = (seconds: number) =>
    format((8 * median(worst?.path.bytes.subarray(-RECENT) ?? [])) / seconds, 'bitsPerSecond')
  const nodes = nodesOf(blame.links)
  const since = momentOf(window, all.steps[Math.min(...own.map(one => one.from))])
  const [first] = blame.links
  return {
    detector: 'slow-path',
    run: window.run,
    provenance: isInferred ? 'estimated' : 'derived',
    links: blame.links.map(({ name }) => name),
    ...(nodes.length === 0 ? {} : { nodes }),
    ...costOf(costSeconds(window, all, own), median(Array.from(window.ranks.stepSeconds))),
    title: blameTitle(blame),
    evidence:
      `${own
        .map(({ path }) => `${path.from} to ${path.to}`)
        .slice(0, 6)
        .join(', ')}: bytes are on their way for ` +
      `${format(worst?.busySeconds ?? NaN, 'seconds')} of a step, at ${speed(worst?.busySeconds ?? NaN)}; ` +
      `others that are alike send at ${speed(worst?.usualSeconds ?? NaN)} (medians, from the kernel’s count of each connection).` +
      `${isInferred ? ' The topology is not known: this is inferred from which ways are slow.' : ''}`,
    since,
    nextStep: NEXT[blame.where === 'between' ? 'between' : (first?.kind ?? 'nic')],
  }
}

/** Of the step time: who costs less holds nobody back. */
const COSTS_LEAST = 0.02
/** Steps by which the beginning of what is slow is told wrong. */
const ONSET_STEPS = 4

/**
 * A host without processor time is slow to send and to read as well, and what it holds up holds up others: no card’s fault,
 * unless more is lost on the way than that host holds up.
 */
function withoutStarved(window: DetectorWindow, all: Paths, slow: readonly SlowPath[]): SlowPath[] {
  const diagnosis = diagnose(window)
  const { matrix, slowRanks = [] } = diagnosis ?? {}
  const nodeOf = ({ place }: Straggler) => window.places?.get(matrix?.ranks[place] ?? NaN)?.node
  const explains = (rank: Straggler, { path, from }: SlowPath) => {
    const began = all.steps[from] ?? NaN
    const isSince = from > 0 && (matrix?.steps[rank.from] ?? NaN) - ONSET_STEPS <= began
    return isSince || [path.from, path.to].includes(nodeOf(rank) ?? '')
  }
  return slow.filter(one => {
    return !slowRanks.some(({ own, cost }) => cost > lostSeconds(one) && own.some(rank => explains(rank, one)))
  })
}

export const slowPath = defineDetector({
  name: 'slow-path',
  help: 'Bytes over a card, a switch or its uplink are longer on their way than over others.',
  detect(window) {
    const all = pathsOf(window)
    if (all === undefined) return []
    const roads = new Roads(all.paths, window.topology)
    const stepSeconds = median(Array.from(window.ranks.stepSeconds))
    const slow = withoutStarved(
      window,
      all,
      slowPaths(all, stepSeconds, path => roads.spanOf(path) ?? ''),
    )
    if (slow.length === 0) return []
    return roads
      .blame(slow.map(({ path }) => path))
      .map(blame => toFinding(window, all, blame, slow, roads.isInferred))
      .filter(({ costRatio = Infinity }) => costRatio >= COSTS_LEAST)
  },
})
