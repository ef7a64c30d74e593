/**
 * Ranks × steps, dense, each beside the others of its role. A role's values are sorted once a step: with thousands of
 * ranks, gathering the peers of each anew would take minutes.
 */
import { grouped } from '../base/grouped'
import type { RankStepColumns } from './detector'
import { medianWithout } from './statistics'

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

const ascending = (values: Iterable<number>) => Float64Array.from(new Set(values)).filter(Number.isFinite).sort()
const placesOf = (values: Float64Array) => new Map(Array.from(values, (value, place) => [value, place]))

/** Undefined where there is nothing to compare. A rank that repeats a step replaces itself. */
export function rankMatrix(
  columns: RankStepColumns,
  roles: ReadonlyMap<number, string> | undefined,
): RankMatrix | undefined {
  const ranks = ascending(Array.from(columns.rank))
  const steps = ascending(Array.from(columns.step))
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
  fill(matrix, columns)
  const roleWork = new Float64Array(matrix.roles.length * steps.length).fill(NaN)
  for (const [role, members] of matrix.roles.entries()) compare({ ...matrix, roleWork }, role, members)
  return { ...matrix, roleWork }
}

function membersOf(ranks: Float64Array, roles: ReadonlyMap<number, string> | undefined): Int32Array[] {
  const members = grouped(ranks.keys(), place => roles?.get(ranks[place] ?? NaN))
  return Array.from(members.values(), places => Int32Array.from(places))
}

function fill(matrix: Omit<RankMatrix, 'roleWork'>, columns: RankStepColumns): void {
  const [rankPlaces, stepPlaces] = [placesOf(matrix.ranks), placesOf(matrix.steps)]
  const { data, forward, backward } = matrix.phases
  for (let row = 0; row < columns.step.length; row += 1) {
    const rank = rankPlaces.get(columns.rank[row] ?? NaN)
    const step = stepPlaces.get(columns.step[row] ?? NaN)
    const communication = columns.communicationSeconds[row] ?? NaN
    if (rank === undefined || step === undefined || !Number.isFinite(communication)) continue
    const cell = rank * matrix.steps.length + step
    let work = NaN
    const add = (column: Float64Array, value: number) => {
      column[cell] = value
      if (Number.isFinite(value)) work = (Number.isNaN(work) ? 0 : work) + value
    }
    add(data, columns.dataSeconds[row] ?? NaN)
    add(forward, columns.forwardSeconds[row] ?? NaN)
    add(backward, columns.backwardSeconds[row] ?? NaN)
    if (Number.isNaN(work)) continue
    matrix.work[cell] = work
    matrix.communication[cell] = communication
    matrix.time[cell] = columns.time[row] ?? NaN
  }
}

/** Excess of the ranks of one role. Steps in which fewer than two of them are known are left out. */
function compare(matrix: RankMatrix, role: number, members: Int32Array): void {
  const { steps, work, communication, excess, ahead, roleWork } = matrix
  const works = new Float64Array(members.length)
  const waits = new Float64Array(members.length)
  for (let step = 0; step < steps.length; step += 1) {
    let known = 0
    for (const rank of members) {
      const cell = rank * steps.length + step
      if (Number.isNaN(work[cell])) continue
      works[known] = work[cell] ?? NaN
      waits[known] = communication[cell] ?? NaN
      known += 1
    }
    if (known < 2) continue
    const sortedWorks = works.subarray(0, known).sort()
    const sortedWaits = waits.subarray(0, known).sort()
    const middleWork = medianWithout(sortedWorks, NaN)
    const middleWait = medianWithout(sortedWaits, NaN)
    roleWork[role * steps.length + step] = middleWork
    for (const rank of members) {
      const cell = rank * steps.length + step
      const own = work[cell] ?? NaN
      const wait = communication[cell] ?? NaN
      if (Number.isNaN(own)) continue
      // Of two, the median of both is half one's own.
      const peerWork = known === 2 ? medianWithout(sortedWorks, own) : middleWork
      const peerWait = known === 2 ? medianWithout(sortedWaits, wait) : middleWait
      if (!(peerWork > 0)) continue
      excess[cell] = own / peerWork - 1
      ahead[cell] = (peerWait - wait) / peerWork
    }
  }
}
