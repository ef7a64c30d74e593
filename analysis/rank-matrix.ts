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
  /** By cell: its row in the window's columns, -1 where its work or its time in collectives is not known. */
  readonly rows: Int32Array
  readonly columns: RankStepColumns
  /** Seconds of the known phases together, as long as the time in collectives is known as well. */
  readonly work: Float32Array
  /** Rank numbers of each role. */
  readonly roles: readonly Int32Array[]
  /** By role number and step number: median work of the role's ranks, seconds. */
  readonly roleWork: Float64Array
  /** Work over that of the peers, relative to it: 0.1 works 10 % longer. */
  readonly excess: Float32Array
  /** Time in collectives below that of the peers, relative to their work: 0.1 waits less by 10 % of it. */
  readonly ahead: Float32Array
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
): RankMatrix | undefined {
  const [rankAxis, stepAxis] = [new Axis(columns.rank), new Axis(columns.step)]
  const [ranks, steps] = [rankAxis.values, stepAxis.values]
  const cells = ranks.length * steps.length
  if (cells === 0 || cells > MAX_CELLS) return undefined
  // Seven digits are enough, and half the memory is half the way through it.
  const column = () => new Float32Array(cells).fill(NaN)
  const members = membersOf(ranks, roles)
  const matrix = {
    ranks,
    steps,
    columns,
    rows: new Int32Array(cells).fill(-1),
    work: column(),
    excess: column(),
    ahead: column(),
    roles: members,
    roleWork: new Float64Array(members.length * steps.length).fill(NaN),
  }
  fill(matrix, rankAxis, stepAxis)
  for (const [role, places] of members.entries()) compare(matrix, role, places)
  return matrix
}

function membersOf(ranks: Float64Array, roles: ReadonlyMap<number, string> | undefined): Int32Array[] {
  const members = grouped(ranks.keys(), place => roles?.get(ranks[place] ?? NaN))
  return Array.from(members.values(), places => Int32Array.from(places))
}

function fill({ rows, work, columns, steps: { length } }: RankMatrix, ranks: Axis, steps: Axis): void {
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
    work[cell] = sum
  }
}

const finiteOr0 = (value: number) => (Number.isFinite(value) ? value : 0)

/** Steps that are looked at together: a rank's lie side by side in memory. */
const STRIPE = 8

/** Excess of the ranks of one role, by plain loops: an iterator makes an object for each of millions. Steps in which fewer than two of them are known are left out. */
function compare(matrix: RankMatrix, role: number, members: Int32Array): void {
  const { steps, work, rows, excess, ahead, roleWork } = matrix
  const { communicationSeconds } = matrix.columns
  const [works, waits] = [new Float64Array(STRIPE * members.length), new Float64Array(STRIPE * members.length)]
  const counts = new Int32Array(STRIPE)
  const middles = { work: new Float64Array(STRIPE), wait: new Float64Array(STRIPE) }
  for (let from = 0; from < steps.length; from += STRIPE) {
    const count = Math.min(STRIPE, steps.length - from)
    counts.fill(0)
    for (let member = 0; member < members.length; member += 1) {
      const first = (members[member] ?? 0) * steps.length + from
      for (let step = 0; step < count; step += 1) {
        const own = work[first + step] ?? NaN
        if (Number.isNaN(own)) continue
        const at = step * members.length + (counts[step] ?? 0)
        works[at] = own
        waits[at] = communicationSeconds[rows[first + step] ?? -1] ?? NaN
        counts[step] = (counts[step] ?? 0) + 1
      }
    }
    for (let step = 0; step < count; step += 1) {
      const [at, known] = [step * members.length, counts[step] ?? 0]
      middles.work[step] = medianInPlace(works, known, at)
      middles.wait[step] = medianInPlace(waits, known, at)
      if (known >= 2) roleWork[role * steps.length + from + step] = middles.work[step] ?? NaN
    }
    for (let member = 0; member < members.length; member += 1) {
      const first = (members[member] ?? 0) * steps.length + from
      for (let step = 0; step < count; step += 1) {
        const own = work[first + step] ?? NaN
        const known = counts[step] ?? 0
        if (known < 2 || Number.isNaN(own)) continue
        const wait = communicationSeconds[rows[first + step] ?? -1] ?? NaN
        let peerWork = middles.work[step] ?? NaN
        let peerWait = middles.wait[step] ?? NaN
        // Of two, the median of both is half one's own.
        if (known === 2) {
          peerWork = 2 * peerWork - own
          peerWait = 2 * peerWait - wait
        }
        if (!(peerWork > 0)) continue
        excess[first + step] = own / peerWork - 1
        ahead[first + step] = (peerWait - wait) / peerWork
      }
    }
  }
}
