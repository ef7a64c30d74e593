/**
 * Ranks × steps, dense, each beside the others of its role. A role's median is found once a step: with thousands of ranks,
 * gathering the peers of each anew would take minutes.
 */
import { grouped } from '../base/grouped'
import { Axis } from './axis'
import type { DetectorWindow, RankStepColumns } from './detector'
import { ENOUGH_ALIKE, sampleOf } from './sample'
import { finiteOr0, medianInPlace } from './statistics'

/** What a rank does itself; the rest of its step is in collectives. */
export const PHASES = ['data', 'forward', 'backward', 'optimizer'] as const
export type Phase = (typeof PHASES)[number]

/** Ranks that are compared alike; numbers of them. */
export interface Role {
  readonly members: Int32Array
  /** Against whom: the members themselves, or those on other nodes where a node has too many of them. */
  readonly peers: Int32Array
}

/** `ranks` and `steps` ascend. A cell of rank number r and step number s is at r · steps + s; NaN is absent. */
export interface RankMatrix {
  readonly ranks: Float64Array
  readonly steps: Float64Array
  /** By cell: its row in the window's columns, -1 where its work or its time in collectives is not known. */
  readonly rows: Int32Array
  readonly columns: RankStepColumns
  /** Seconds of the known phases together, as long as the time in collectives is known as well. */
  readonly work: Float32Array
  /** Of each role, and by rank number which role it has. */
  readonly roles: readonly Role[]
  readonly roleOf: Int32Array
  /** By role number and step number: how many peers are known, and the medians of their work and of their time in collectives, seconds. */
  readonly roleKnown: Int32Array
  readonly roleWork: Float64Array
  readonly roleWait: Float64Array
  /** Work over that of the peers, relative to it: 0.1 works 10 % longer. */
  readonly excess: Float32Array
  /** Of a cell: time in collectives below that of the peers, relative to their work: 0.1 waits less by 10 % of it. Asked of few. */
  readonly ahead: (cell: number) => number
}

export type CellColumn = 'time' | 'communicationSeconds' | `${Phase}Seconds`

/** What the window's column says of a cell; NaN is absent. */
export const valueAt = ({ rows, columns }: RankMatrix, column: CellColumn, cell: number): number =>
  columns[column][rows[cell] ?? -1] ?? NaN

/** A window of ranks that share no steps is not a window. */
const MAX_CELLS = 1 << 26

/** Undefined where there is nothing to compare. A rank that repeats a step replaces itself. */
export function rankMatrix(
  columns: RankStepColumns,
  roles: ReadonlyMap<number, string> | undefined,
  places?: DetectorWindow['places'],
): RankMatrix | undefined {
  const [rankAxis, stepAxis] = [new Axis(columns.rank), new Axis(columns.step)]
  const [ranks, steps] = [rankAxis.values, stepAxis.values]
  const cells = ranks.length * steps.length
  if (cells === 0 || cells > MAX_CELLS) return undefined
  // Seven digits are enough, and half the memory is half the way through it.
  const column = () => new Float32Array(cells).fill(NaN)
  const compared = rolesOf(ranks, roles, places)
  const roleOf = new Int32Array(ranks.length)
  for (const [role, { members }] of compared.entries()) for (const place of members) roleOf[place] = role
  const ofRoles = () => new Float64Array(compared.length * steps.length).fill(NaN)
  const matrix = {
    ranks,
    steps,
    columns,
    rows: new Int32Array(cells).fill(-1),
    work: column(),
    excess: new Float32Array(cells),
    roles: compared,
    roleOf,
    roleKnown: new Int32Array(compared.length * steps.length),
    roleWork: ofRoles(),
    roleWait: ofRoles(),
  }
  fill(matrix, rankAxis, stepAxis)
  for (const [role, one] of compared.entries()) compare(matrix, role, one)
  return { ...matrix, ahead: cell => aheadAt(matrix, cell) }
}

type Compared = Omit<RankMatrix, 'ahead'>

function aheadAt(matrix: Compared, cell: number): number {
  const { columns, rows, steps, work, excess, roles, roleOf, roleKnown, roleWait } = matrix
  const step = cell % steps.length
  const role = roleOf[(cell - step) / steps.length] ?? 0
  const at = role * steps.length + step
  const wait = columns.communicationSeconds[rows[cell] ?? -1] ?? NaN
  const peerWait = ofPeers(roleWait[at] ?? NaN, wait, isAmong(roles[role]) ? (roleKnown[at] ?? 0) : 0)
  return ((peerWait - wait) * (1 + (excess[cell] ?? NaN))) / (work[cell] ?? NaN)
}

/** Of two, the median of both is half one's own. */
const ofPeers = (middle: number, own: number, known: number) => (known === 2 ? 2 * middle - own : middle)

const isAmong = (role: Role | undefined) => role?.members === role?.peers

/** A node with a larger share of a role is no minority: were it slow, the median would be its own. So many others speak for themselves. */
const NODE_MOST = 0.4
const OTHERS_LEAST = 4

function rolesOf(
  ranks: Float64Array,
  roles: ReadonlyMap<number, string> | undefined,
  places: DetectorWindow['places'],
): Role[] {
  const byRole = grouped(ranks.keys(), place => roles?.get(ranks[place] ?? NaN))
  return [...byRole.values()].flatMap(own => {
    const members = Int32Array.from(own)
    const byNode = [...grouped(own, place => places?.get(ranks[place] ?? NaN)?.node)].map(([, there]) => there)
    const isOwn = byNode.some(there => there.length > NODE_MOST * own.length)
    if (!isOwn || byNode.some(there => own.length - there.length < OTHERS_LEAST)) return [{ members, peers: members }]
    return byNode.map(there => ({
      members: Int32Array.from(there),
      peers: members.filter(place => !there.includes(place)),
    }))
  })
}

function fill({ rows, work, columns, steps: { length } }: Compared, ranks: Axis, steps: Axis): void {
  for (let row = 0; row < columns.step.length; row += 1) {
    const rank = ranks.place(columns.rank[row] ?? NaN)
    const step = steps.place(columns.step[row] ?? NaN)
    const isTold = Number.isFinite(columns.communicationSeconds[row])
    if (rank < 0 || step < 0 || !isTold) continue
    const data = columns.dataSeconds[row] ?? NaN
    const forward = columns.forwardSeconds[row] ?? NaN
    const backward = columns.backwardSeconds[row] ?? NaN
    const sum = finiteOr0(data) + finiteOr0(forward) + finiteOr0(backward)
    if (!Number.isFinite(data) && !Number.isFinite(forward) && !Number.isFinite(backward)) continue
    const cell = rank * length + step
    rows[cell] = row
    work[cell] = sum + finiteOr0(columns.optimizerSeconds[row])
  }
}

/** Steps that are looked at together: a rank's lie side by side in memory. */
const STRIPE = 8

/** Excess of the ranks of one role, by plain loops: an iterator makes an object for each of millions. Steps in which fewer than two of them are known are left out. */
function compare(matrix: Compared, role: number, { members, peers: compared }: Role): void {
  const { steps, work, rows, excess, roleKnown, roleWork, roleWait } = matrix
  const { communicationSeconds } = matrix.columns
  const asked = sampleOf(compared, ENOUGH_ALIKE)
  const [works, waits] = [new Float64Array(STRIPE * asked.length), new Float64Array(STRIPE * asked.length)]
  const counts = new Int32Array(STRIPE)
  for (let from = 0; from < steps.length; from += STRIPE) {
    const count = Math.min(STRIPE, steps.length - from)
    counts.fill(0)
    for (let member = 0; member < asked.length; member += 1) {
      const first = (asked[member] ?? 0) * steps.length + from
      for (let step = 0; step < count; step += 1) {
        const own = work[first + step] ?? NaN
        if (Number.isNaN(own)) continue
        const at = step * asked.length + (counts[step] ?? 0)
        works[at] = own
        waits[at] = communicationSeconds[rows[first + step] ?? -1] ?? NaN
        counts[step] = (counts[step] ?? 0) + 1
      }
    }
    for (let step = 0; step < count; step += 1) {
      const at = role * steps.length + from + step
      const known = counts[step] ?? 0
      if (known < 2) continue
      roleKnown[at] = known
      roleWork[at] = medianInPlace(works, known, step * asked.length)
      roleWait[at] = medianInPlace(waits, known, step * asked.length)
    }
    for (let member = 0; member < members.length; member += 1) {
      const first = (members[member] ?? 0) * steps.length + from
      for (let step = 0; step < count; step += 1) {
        const own = work[first + step] ?? NaN
        const known = members === compared ? (counts[step] ?? 0) : 0
        const peers = ofPeers(roleWork[role * steps.length + from + step] ?? NaN, own, known)
        excess[first + step] = peers > 0 ? own / peers - 1 : NaN
      }
    }
  }
}
