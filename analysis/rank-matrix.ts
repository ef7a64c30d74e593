/**
 * Ranks × steps, dense, each beside the others of its role. A role's median is found once a step: with thousands of ranks,
 * gathering the peers of each anew would take minutes.
 */
import { grouped } from '../base/grouped'
import { Axis } from './axis'
import type { RankStepColumns } from './detector'
import { medianInPlace } from './statistics'

export const PHASES = ['data', 'forward', 'backward'] as const
export type Phase = (typeof PHASES)[number]

/** `ranks` and `steps` ascend. A cell of rank number r and step number s is at r · steps + s; NaN is absent. */
export interface RankMatrix {
  readonly ranks: Float64Array
  readonly steps: Float64Array
  /** When the rank's step ended, Unix seconds. */
  readonly time: Float64Array
  /** Seconds of the known phases together, as long as the time in collectives is known as well. */
  readonly work: Float64Array
  readonly communication: Float64Array
  readonly phases: Readonly<Record<Phase, Float64Array>>
  /** Rank numbers of each role. */
  readonly roles: readonly Int32Array[]
  /** By role number and step number: median work of the role's ranks, seconds. */
  readonly roleWork: Float64Array
  /** Work over that of the peers, relative to it: 0.1 works 10 % longer. */
  readonly excess: Float64Array
  /** Time in collectives below that of the peers, relative to their work: 0.1 waits less by 10 % of it. */
  readonly ahead: Float64Array
}

/** A window of ranks that share no steps is not a window. */
const MAX_CELLS = 1 << 26

/** Undefined where there is nothing to compare. A rank that repeats a step replaces itself. */
export function rankMatrix(
  columns: RankStepColumns,
  roles: ReadonlyMap<number, string> | undefined,
): RankMatrix | undefined {
  const [rankAxis, stepAxis] = [new Axis(columns.rank), new Axis(columns.step)]
  const [ranks, steps] = [rankAxis.values, stepAxis.values]
  const cells = ranks.length * steps.length
  if (cells === 0 || cells > MAX_CELLS) return undefined
  const column = () => new Float64Array(cells).fill(NaN)
  const matrix = {
    ranks,
    steps,
    time: column(),
    work: column(),
    communication: column(),
    excess: column(),
    ahead: column(),
    phases: { data: column(), forward: column(), backward: column() },
    roles: membersOf(ranks, roles),
  }
  fill(matrix, columns, rankAxis, stepAxis)
  const roleWork = new Float64Array(matrix.roles.length * steps.length).fill(NaN)
  for (const [role, members] of matrix.roles.entries()) compare({ ...matrix, roleWork }, role, members)
  return { ...matrix, roleWork }
}

function membersOf(ranks: Float64Array, roles: ReadonlyMap<number, string> | undefined): Int32Array[] {
  const members = grouped(ranks.keys(), place => roles?.get(ranks[place] ?? NaN))
  return Array.from(members.values(), places => Int32Array.from(places))
}

function fill(matrix: Omit<RankMatrix, 'roleWork'>, columns: RankStepColumns, ranks: Axis, steps: Axis): void {
  const { data, forward, backward } = matrix.phases
  const { length } = matrix.steps
  for (let row = 0; row < columns.step.length; row += 1) {
    const rank = ranks.place(columns.rank[row] ?? NaN)
    const step = steps.place(columns.step[row] ?? NaN)
    const communication = columns.communicationSeconds[row] ?? NaN
    if (rank < 0 || step < 0 || !Number.isFinite(communication)) continue
    const cell = rank * length + step
    const own = [
      columns.dataSeconds[row] ?? NaN,
      columns.forwardSeconds[row] ?? NaN,
      columns.backwardSeconds[row] ?? NaN,
    ]
    let work = NaN
    for (const value of own) if (Number.isFinite(value)) work = (Number.isNaN(work) ? 0 : work) + value
    ;[data[cell], forward[cell], backward[cell]] = [own[0] ?? NaN, own[1] ?? NaN, own[2] ?? NaN]
    if (Number.isNaN(work)) continue
    matrix.work[cell] = work
    matrix.communication[cell] = communication
    matrix.time[cell] = columns.time[row] ?? NaN
  }
}

/** Steps that are looked at together: a rank's lie side by side in memory. */
const STRIPE = 8

/** Excess of the ranks of one role. Steps in which fewer than two of them are known are left out. */
function compare(matrix: RankMatrix, role: number, members: Int32Array): void {
  const { steps, work, communication, excess, ahead, roleWork } = matrix
  const [works, waits] = [new Float64Array(STRIPE * members.length), new Float64Array(STRIPE * members.length)]
  const counts = new Int32Array(STRIPE)
  const middles = { work: new Float64Array(STRIPE), wait: new Float64Array(STRIPE) }
  for (let from = 0; from < steps.length; from += STRIPE) {
    const count = Math.min(STRIPE, steps.length - from)
    counts.fill(0)
    for (const rank of members) {
      const first = rank * steps.length + from
      for (let step = 0; step < count; step += 1) {
        const own = work[first + step] ?? NaN
        if (Number.isNaN(own)) continue
        const at = step * members.length + (counts[step] ?? 0)
        works[at] = own
        waits[at] = communication[first + step] ?? NaN
        counts[step] = (counts[step] ?? 0) + 1
      }
    }
    for (let step = 0; step < count; step += 1) {
      const [at, known] = [step * members.length, counts[step] ?? 0]
      middles.work[step] = medianInPlace(works.subarray(at, at + known), known)
      middles.wait[step] = medianInPlace(waits.subarray(at, at + known), known)
      if (known >= 2) roleWork[role * steps.length + from + step] = middles.work[step] ?? NaN
    }
    for (const rank of members) {
      const first = rank * steps.length + from
      for (let step = 0; step < count; step += 1) {
        const [own, wait] = [work[first + step] ?? NaN, communication[first + step] ?? NaN]
        const known = counts[step] ?? 0
        let [peerWork, peerWait] = [middles.work[step] ?? NaN, middles.wait[step] ?? NaN]
        // Of two, the median of both is half one's own.
        if (known === 2) [peerWork, peerWait] = [2 * peerWork - own, 2 * peerWait - wait]
        if (known < 2 || Number.isNaN(own) || !(peerWork > 0)) continue
        excess[first + step] = own / peerWork - 1
        ahead[first + step] = (peerWait - wait) / peerWork
      }
    }
  }
}
