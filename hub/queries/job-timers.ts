/** Timers of the whole job of which only the least and the most of all ranks are known. */
import type { TimerSpread } from '../../analysis/detector'
import { phaseSchema } from '../../wire/metrics'
import type { Store } from '../store/store'
import { jsonAt, numberAt, rowsOf } from './values'

/** Of the steps after `from` up to `to`, ascending. */
export async function timerSpreads(
  store: Store,
  run: string,
  span: { readonly from: number; readonly to: number },
): Promise<TimerSpread[]> {
  const columns = await store.query(
    `SELECT step.step AS step, max(step.time) AS at, argMax(step.phases, step.time) AS told FROM step
     WHERE run = {run:String} AND step.step > {from:Float64} AND step.step <= {to:Float64} AND rank IS NULL AND position(step.phases, 'minSeconds') > 0
     GROUP BY step ORDER BY step`,
    { run, ...span },
  )
  return Array.from({ length: rowsOf(columns) }, (_, row) => row).flatMap(row => {
    const [step, time] = [numberAt(columns, 'step', row), numberAt(columns, 'at', row)]
    const phases = jsonAt(columns, 'told', row)
    if (step === null || time === null || typeof phases !== 'object' || phases === null) return []
    return Object.entries(phases).flatMap(([name, value]) => {
      const { minSeconds, maxSeconds } = phaseSchema.safeParse(value).data ?? {}
      return minSeconds === undefined || maxSeconds === undefined ? [] : [{ name, step, time, minSeconds, maxSeconds }]
    })
  })
}
