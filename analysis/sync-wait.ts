/**
 * The sync identity. A collective ends for its whole group at about the same moment; if rank i spends d_i in it, then
 * transfer = min_j d_j and wait_i = d_i − min_j d_j. The last to arrive waits least. No clocks need to agree.
 */
import { mean } from './statistics'

export interface SyncWait {
  /** NaN where fewer than two ranks are known: alone, waiting and transfer cannot be told apart. */
  readonly transferSeconds: number
  /** In the order of the input; NaN where absent. */
  readonly waitSeconds: Float64Array
}

/** Of one step: seconds that each rank spent inside collectives. NaN, and what cannot be a time, is absent. */
export function syncWait(communicationSeconds: ArrayLike<number>): SyncWait {
  const waitSeconds = new Float64Array(communicationSeconds.length).fill(NaN)
  let transfer = Infinity
  let count = 0
  for (let index = 0; index < communicationSeconds.length; index += 1) {
    const value = communicationSeconds[index] ?? NaN
    if (!isTime(value)) continue
    count += 1
    if (value < transfer) transfer = value
  }
  if (count < 2) return { transferSeconds: NaN, waitSeconds }
  for (let index = 0; index < communicationSeconds.length; index += 1) {
    const value = communicationSeconds[index] ?? NaN
    if (isTime(value)) waitSeconds[index] = value - transfer
  }
  return { transferSeconds: transfer, waitSeconds }
}

const isTime = (value: number) => Number.isFinite(value) && value >= 0

/** Columns of one length, a row for each rank and step, in any order. */
export interface CommunicationColumns {
  readonly step: ArrayLike<number>
  readonly rank: ArrayLike<number>
  readonly communicationSeconds: ArrayLike<number>
}

export interface SyncWaitWindow {
  /** Wait of each row of the input; NaN where absent. */
  readonly waitSeconds: Float64Array
  /** The steps seen, ascending, and of each: transfer and the mean wait of its known ranks; NaN where absent. */
  readonly step: Float64Array
  readonly transferSeconds: Float64Array
  readonly meanWaitSeconds: Float64Array
}

/** Last row of each rank by step: a rank that reports a step again (a restart from a checkpoint) replaces itself. */
function rowsByStep({ step, rank }: CommunicationColumns): Map<number, Map<number, number>> {
  const steps = new Map<number, Map<number, number>>()
  for (let row = 0; row < step.length; row += 1) {
    const at = step[row] ?? NaN
    const who = rank[row] ?? NaN
    if (Number.isNaN(at) || Number.isNaN(who)) continue
    const rows = steps.get(at) ?? new Map<number, number>()
    rows.set(who, row)
    steps.set(at, rows)
  }
  return steps
}

/** The identity over many steps. Ranks may be missing anywhere; a step with fewer than two known ranks stays absent. */
export function syncWaitWindow(columns: CommunicationColumns): SyncWaitWindow {
  const steps = [...rowsByStep(columns)].sort(([one], [other]) => one - other)
  const result = {
    waitSeconds: new Float64Array(columns.step.length).fill(NaN),
    step: Float64Array.from(steps, ([step]) => step),
    transferSeconds: new Float64Array(steps.length),
    meanWaitSeconds: new Float64Array(steps.length),
  }
  for (const [index, [, rows]] of steps.entries()) {
    const positions = [...rows.values()]
    const { transferSeconds, waitSeconds } = syncWait(positions.map(row => columns.communicationSeconds[row] ?? NaN))
    result.transferSeconds[index] = transferSeconds
    result.meanWaitSeconds[index] = mean(waitSeconds)
    for (const [position, row] of positions.entries()) result.waitSeconds[row] = waitSeconds[position] ?? NaN
  }
  return result
}
