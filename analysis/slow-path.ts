/** A card, a switch or its uplink is slow: what goes over it is long on its way, as the kernel counts for each connection. */
import { format } from '../base/units'
import type { Finding } from '../wire/findings'
import { costOf } from './cost'
import { defineDetector, type DetectorWindow } from './detector'
import { listed, NAMES, NEXT, nodesOf } from './link-names'
import { pathsOf, RECENT, slowPaths, type Paths, type SlowPath } from './paths'
import { Roads, type Blame } from './roads'
import { known, median } from './statistics'

/** Steps before it began, without which what it costs is not told from them. */
const BEFORE_LEAST = 8

function timeOf(window: DetectorWindow, step: number | undefined): number {
  const row = Array.from(window.steps.step).indexOf(step ?? NaN)
  const time = window.steps.time[row] ?? NaN
  return Number.isNaN(time) ? window.facts.startedAt : time
}

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
  const { step, stepSeconds } = window.steps
  const rows = Array.from(step, (_, row) => row)
  const before = known(rows.filter(row => (step[row] ?? NaN) < from).map(row => stepSeconds[row] ?? NaN))
  const since = known(rows.filter(row => (step[row] ?? NaN) >= from).map(row => stepSeconds[row] ?? NaN))
  if (before.length >= BEFORE_LEAST) return Math.max(0, median(since) - median(before))
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

function titleOf({ where, links }: Blame): string {
  const names = links.map(({ kind, name }) => NAMES[kind](name.slice(kind.length + 1)))
  return where === 'between'
    ? `The way between ${listed(nodesOf(links), 'and', 'nodes')} and the others is slow`
    : `${listed(names, 'or', 'links, one of which')} is slow`
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
  const since = timeOf(window, all.steps[Math.min(...own.map(one => one.from))])
  const [first] = blame.links
  return {
    detector: 'slow-path',
    run: window.run,
    provenance: isInferred ? 'estimated' : 'derived',
    links: blame.links.map(({ name }) => name),
    ...(nodes.length === 0 ? {} : { nodes }),
    ...costOf(costSeconds(window, all, own), median(Array.from(window.ranks.stepSeconds))),
    title: titleOf(blame),
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

export const slowPath = defineDetector({
  name: 'slow-path',
  help: 'Bytes over a card, a switch or its uplink are longer on their way than over others.',
  detect(window) {
    const all = pathsOf(window)
    if (all === undefined) return []
    const roads = new Roads(all.paths, window.topology)
    const stepSeconds = median(Array.from(window.ranks.stepSeconds))
    const slow = slowPaths(all, stepSeconds, path => roads.spanOf(path) ?? '')
    if (slow.length === 0) return []
    return roads.blame(slow.map(({ path }) => path)).map(blame => toFinding(window, all, blame, slow, roads.isInferred))
  },
})
