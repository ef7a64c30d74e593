/** What a finding says of whom, in the words of one sentence, and which ranks, nodes and links it blames. Pure. */
import { format } from '../../base/units'
import type { StepSeries } from '../../wire/api'
import type { FabricPicture } from '../../wire/fabric-picture'
import type { Finding } from '../../wire/findings'
import { roughly } from './health'

export interface Cost {
  /** Steps since it began, up to its end where it has one. */
  readonly steps: number
  /** Lost so far; NaN where no cost is known. */
  readonly seconds: number
  /** The same for each device of the job. */
  readonly deviceSeconds: number
}

/** Steps of buckets that began since then. */
function stepsBetween({ time, bucketSteps }: StepSeries, since: number, until: number): number {
  let count = 0
  for (const at of time) if (at >= since && at <= until) count += bucketSteps
  return count
}

export function costOf(finding: Finding, steps: StepSeries, ranks: number): Cost {
  const count = stepsBetween(steps, finding.since, finding.until ?? Infinity)
  const seconds = (finding.costSecondsPerStep ?? NaN) * count
  const deviceSeconds = finding.costGpuHours === undefined ? seconds * ranks : finding.costGpuHours * 3600
  return { steps: count, seconds, deviceSeconds }
}

/** `lost so far: 42 ms in 30 steps, 336 ms of device time`: what is little is told as it is, and not as the next five seconds. */
export function lostText({ seconds, steps, deviceSeconds }: Cost): string | undefined {
  if (!Number.isFinite(seconds)) return undefined
  const time = (value: number) => (value < ROUGH_SECONDS ? format(value, 'seconds') : roughly(value))
  return `lost so far: ${time(seconds)} in ${steps} steps, ${time(deviceSeconds)} of device time`
}

/** From here on nobody minds a few seconds. */
const ROUGH_SECONDS = 60

/** `1,240 USD`, `0.42 €`; without a currency what was given stands alone. */
export function moneyText(amount: number, currency = ''): string {
  const digits = amount < 100 ? 2 : 0
  const text = amount.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return currency === '' ? `${text} at your price` : `${text} ${currency}`
}

/** Less is not seen in three digits of the whole: the difference is told itself. */
const SEEN_BESIDE = 0.05

/** `steps take 1.30 s instead of 807 ms (+61 %)`, or `steps of 1.44 s take 1.4 ms longer (+0.1 %)`. */
export function slowdownText({ costSecondsPerStep, costRatio }: Finding): string | undefined {
  if (costSecondsPerStep === undefined || costRatio === undefined || costRatio >= 1) return undefined
  const now = costSecondsPerStep / costRatio
  const without = now - costSecondsPerStep
  if (!(without > 0)) return undefined
  const ratio = (100 * costSecondsPerStep) / without
  const more = ratio < 10 ? ratio.toFixed(1) : Math.round(ratio)
  if (costSecondsPerStep < SEEN_BESIDE * without)
    return `steps of ${format(now, 'seconds')} take ${format(costSecondsPerStep, 'seconds')} longer (+${more} %)`
  return `steps take ${format(now, 'seconds')} instead of ${format(without, 'seconds')} (+${more} %)`
}

/** Who never came is why others fail waiting; then the dearest that holds the run back; what only tells of the plan comes last. */
export function worstOf(findings: readonly Finding[]): Finding | undefined {
  const isHang = ({ detector }: Finding) => detector === 'hang'
  const blames = ({ ranks = [], nodes = [], links = [] }: Finding) => ranks.length + nodes.length + links.length > 0
  return findings.toSorted(
    (one, other) =>
      Number(isHang(other)) - Number(isHang(one)) ||
      Number(blames(other)) - Number(blames(one)) ||
      (other.costSecondsPerStep ?? 0) - (one.costSecondsPerStep ?? 0),
  )[0]
}

export interface Blamed {
  readonly ranks: ReadonlySet<number>
  readonly nodes: ReadonlySet<string>
  readonly switches: ReadonlySet<string>
  readonly uplinks: ReadonlySet<string>
  readonly spines: ReadonlySet<string>
}

/** `nic NODE CARD`, `nvlink NODE`, `leaf SWITCH`, `uplink SWITCH`, `spine SWITCH`. */
export function blamedBy(findings: readonly Finding[]): Blamed {
  const ranks = new Set<number>()
  const [nodes, switches] = [new Set<string>(), new Set<string>()]
  const [uplinks, spines] = [new Set<string>(), new Set<string>()]
  for (const finding of findings) {
    for (const rank of finding.ranks ?? []) ranks.add(rank)
    const links = finding.links ?? []
    for (const node of links.length === 0 ? (finding.nodes ?? []) : []) nodes.add(node)
    for (const link of links) {
      const [kind, name = ''] = link.split(' ')
      if (kind === 'spine') spines.add(link.slice('spine '.length))
      else if (kind === 'leaf') switches.add(link.slice('leaf '.length))
      else if (kind === 'uplink') uplinks.add(link.slice('uplink '.length))
      else nodes.add(name)
    }
  }
  return { ranks, nodes, switches, uplinks, spines }
}

/** Ranks of the finding: its own, else those on its nodes and below its switches. */
export function ranksOf(finding: Finding | undefined, picture: FabricPicture | undefined): number[] {
  if (finding === undefined || picture === undefined) return []
  if (finding.ranks !== undefined && finding.ranks.length > 0) return [...finding.ranks]
  const { nodes, switches, uplinks } = blamedBy([finding])
  const below = picture.nodes.filter(
    ({ node, switches: own }) => nodes.has(node) || own.some(name => switches.has(name) || uplinks.has(name)),
  )
  const names = new Set(below.map(({ node }) => node))
  return picture.ranks.rank.filter((_, place) => names.has(picture.ranks.node[place] ?? ''))
}
