/** Who and what holds a run back, and what each costs: one look at a window for all detectors that tell of it. */
import { costBeside, longerSince } from './before-after'
import type { DetectorWindow, GroupFacts } from './detector'
import { fabricOf, type Fabric } from './fabric'
import { groupMatrix, type GroupMatrix } from './group-matrix'
import { rankMatrix, type RankMatrix } from './rank-matrix'
import { rolesOf, type Roles } from './roles'
import { NODE_LEAST, ranksByNode, slowNodesOf } from './slow-nodes'
import { slowLinksOf, type SlowLink } from './slow-links'
import { byWork, heldBackOf, slowLoadersOf } from './slow-parts'
import { isOfReplica, skewOf, type Skew } from './skew'
import { sampleOf } from './sample'
import { heldBackSeconds } from './starved'
import { median } from './statistics'
import type { Straggler } from './straggler'
import { stragglersOf } from './stragglers'
import type { Cause } from './replay'
import { costsOf, firstStepOf, type Cost } from './what-if'

/** Stragglers that have one cause: all known ranks of a node together, else each alone. */
export interface SlowRanks {
  readonly node: string | undefined
  readonly own: readonly Straggler[]
  /** Seconds per step. */
  readonly cost: number
}

export interface Diagnosis {
  readonly roles: Roles
  readonly matrix: RankMatrix
  /** Undefined where replicas have alike sequences, as far as it is seen. */
  readonly skew: Skew | undefined
  /** Median over ranks and steps. */
  readonly stepSeconds: number
  readonly groups: GroupMatrix | undefined
  readonly fabric: Fabric | undefined
  readonly slowRanks: readonly SlowRanks[]
  readonly slowLinks: readonly (SlowLink & { readonly cost: number })[]
}

const known = new WeakMap<DetectorWindow, Diagnosis | 'nothing'>()

/** Undefined where ranks cannot be compared. The same window is looked at once. */
export function diagnose(window: DetectorWindow): Diagnosis | undefined {
  const before = known.get(window)
  if (before !== undefined) return before === 'nothing' ? undefined : before
  const diagnosis = look(window)
  known.set(window, diagnosis ?? 'nothing')
  return diagnosis
}

function look(window: DetectorWindow): Diagnosis | undefined {
  // Pipeline stages do unlike work: without roles, comparing them would blame the fullest stage.
  const roles = rolesOf(window)
  if (roles === undefined) return undefined
  const matrix = rankMatrix(window.ranks, roles.roles, window.places)
  if (matrix === undefined) return undefined
  const byNode = ranksByNode(matrix, window.places)
  const stragglers = new Map([...slowNodesOf(matrix, byNode), ...stragglersOf(matrix)].map(one => [one.place, one]))
  const { length } = matrix.steps
  const heldBack = heldBackOf(matrix)
  for (const one of [...slowLoadersOf(matrix), ...heldBack])
    if (!(allOf(stragglers.get(one.place) ?? one, length) > allOf(one, length))) stragglers.set(one.place, one)
  // Replicas are held against all others, whatever nodes they are on.
  const isAmongAll = matrix.roles.every(({ members, peers }) => members === peers)
  const amongAll = isAmongAll ? matrix : (rankMatrix(window.ranks, roles.roles) ?? matrix)
  const skew = skewOf(amongAll, roles)
  const own = [...stragglers.values()]
    .map(one => (heldBack.includes(one) ? byWork(matrix, one) : one))
    .filter(one => skew === undefined || !isOfReplica(skew, amongAll, one))
  const ranks = togetherOf(own, byNode)
  const { groups, fabric } = groupsOf(window, matrix.steps)
  const links =
    groups === undefined || fabric === undefined
      ? []
      : slowLinksOf(groups, fabric).filter(link => !isWaitFor(link, groups, ranks, roles, matrix))
  const causes = [...ranks.map(({ own }) => ({ ranks: own })), ...links.map(link => ({ ranks: [], link }))]
  const costs = besideSteps(costsOf(matrix, roles.plan, groups, causes), causes, window, matrix)
  // What is a little slow and costs nothing holds nobody back: a message that the bubble hides, a loader that is early enough.
  const stepSeconds = median(sampleOf(window.ranks.stepSeconds, ENOUGH_STEPS))
  const costing = <T>(found: readonly T[], first: number, slowOf: (one: T) => readonly Straggler[]) =>
    found.flatMap((one, index) => {
      const { alone, share } = costs[first + index] ?? { alone: NaN, share: NaN }
      const isLittle = alone < leastCost(slowOf(one)) * (stepSeconds || 0)
      return isLittle && slowOf(one).every(({ excess }) => excess < CLEARLY_SLOW) ? [] : [{ ...one, cost: share }]
    })
  return {
    roles,
    matrix,
    skew,
    stepSeconds,
    groups,
    fabric,
    slowRanks: costing(ranks, 0, ({ own }) => own),
    slowLinks: costing(links, ranks.length, ({ slow }) => [slow]),
  }
}

/** What it takes longer in all steps together: of two signs of one rank the one that tells of more says more. */
const allOf = ({ excess, from, to }: Straggler, steps: number) => excess * ((to ?? steps) - from)

/**
 * Ranks of one stage wait for each other at their first collective and at all after it: where one of them is slow, what the
 * least waiting one spent is no transfer, and the way between them is not why.
 */
function isWaitFor(
  { groups: slow }: SlowLink,
  { groups }: GroupMatrix,
  ranks: readonly { readonly own: readonly Straggler[] }[],
  { plan }: Roles,
  matrix: RankMatrix,
): boolean {
  const late = new Set(ranks.flatMap(({ own }) => own.map(({ place }) => matrix.ranks[place])))
  const unitOf = (rank: number) => {
    const { data = rank, pipeline = 0 } = plan?.coordinates.get(rank) ?? {}
    return `${data} ${pipeline}`
  }
  return slow.every(number => {
    const members = groups[number]?.ranks ?? []
    return new Set(members.map(unitOf)).size === 1 && members.some(rank => late.has(rank))
  })
}

/**
 * The dearest, by its replay or by what a quota held back, is measured by the steps before and since, where it is there for good
 * from a step on; less what else began then or later. What no replay tells of is most likely its own.
 */
function besideSteps(
  costs: readonly Cost[],
  causes: readonly Cause[],
  { steps }: DetectorWindow,
  matrix: RankMatrix,
): readonly Cost[] {
  const heldBack = causes.map(({ ranks }) => Math.max(...ranks.map(one => heldBackSeconds(matrix, one))))
  const most = costs.map(({ share }, at) => Math.max(share, heldBack[at] || 0))
  const dearest = most.indexOf(Math.max(...most))
  const [cost, cause] = [costs[dearest], causes[dearest]]
  if (cost === undefined || cause === undefined) return costs
  const from = firstStepOf(cause)
  const own = cause.link === undefined ? cause.ranks : [cause.link.slow]
  if (from === 0 || own.some(({ pattern }) => pattern !== 'constant')) return costs
  const change = longerSince(steps, matrix.steps[from] ?? NaN)
  if (change === undefined) return costs
  const others = costs.filter((_, at) => at !== dearest && firstStepOf(causes[at] ?? cause) >= from)
  const seconds = others.reduce((left, { share }) => left - share, change.seconds)
  const share = costBeside(cost.share, { ...change, seconds }, heldBack[dearest] ?? NaN)
  return costs.with(dearest, { ...cost, share })
}

/** Of all ranks: more say no more of the median. */
const ENOUGH_STEPS = 1 << 15
/**
 * Of the step time: what somebody might miss. What became slow is told from half of that on, as what it costs is estimated; what
 * was never otherwise may be how things that are alike differ.
 */
const COSTS_LEAST = 0.002
const leastCost = (slow: readonly Straggler[]) => (slow.some(({ from }) => from > 0) ? COSTS_LEAST / 2 : COSTS_LEAST)
/** A card that takes so much longer is broken, whether anybody waits for it today or not. */
const CLEARLY_SLOW = 0.2

function groupsOf({ groups, places, topology }: DetectorWindow, steps: Float64Array) {
  if (groups === undefined || places === undefined) return {}
  const fabric = fabricOf(groups.groups, places, topology)
  return { fabric, groups: groupMatrix(groups, steps, (group, number) => classOf(group, fabric.spans[number])) }
}

/** Buffers within a tenth of each other’s size are alike. */
const SIZES_PER_OCTAVE = 8

function classOf({ operation, ranks, bytes }: GroupFacts, span: Fabric['spans'][number]): string | undefined {
  if (span === undefined) return undefined
  const size = bytes > 0 ? Math.round(Math.log2(bytes) * SIZES_PER_OCTAVE) : ''
  return `${operation} ${ranks.length} ${span} ${size}`
}

/** All known ranks of a node are one cause. */
function togetherOf(
  stragglers: readonly Straggler[],
  byNode: ReadonlyMap<string, readonly number[]>,
): Omit<SlowRanks, 'cost'>[] {
  const slow = new Map(stragglers.map(one => [one.place, one]))
  const whole = [...byNode].flatMap(([node, places]) => {
    const own = places.flatMap(place => slow.get(place) ?? [])
    if (places.length < NODE_LEAST || own.length < places.length) return []
    for (const place of places) slow.delete(place)
    return [{ node, own }]
  })
  const single = [...slow.values()].sort((one, other) => one.place - other.place)
  return [...whole, ...single.map(one => ({ node: undefined, own: [one] }))]
}
