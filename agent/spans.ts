/** Steps and their phases as spans: one trace a step of a run, one span a rank, its phases inside. */
import { createHash } from 'node:crypto'
import { PHASES, type Phase } from '../wire/metrics'
import type { Batch } from '../wire/table'

export interface SpanPlan {
  readonly name: string
  /** Unix seconds. */
  readonly start: number
  readonly end: number
  readonly attributes: Readonly<Record<string, string | number>>
  /** The trace of the step, and a root in it that all ranks share. */
  readonly parent: { readonly traceId: string; readonly spanId: string }
  readonly phases: readonly { readonly name: string; readonly start: number; readonly end: number }[]
}

/** The same for every agent that sees a rank of this step. */
function parentOf(run: string, step: number): SpanPlan['parent'] {
  const digest = createHash('sha256').update(`${run}\n${step}`).digest('hex')
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) }
}

/** Phases are told as sums: they are laid one after the other in the order of a step, and end with it at the latest. */
function phasesOf(phases: Readonly<Record<string, Phase>>, start: number, end: number): SpanPlan['phases'] {
  let at = start
  return PHASES.flatMap(name => {
    const seconds = phases[name]?.seconds
    if (seconds === undefined || seconds <= 0) return []
    const from = at
    at = Math.min(end, at + seconds)
    return [{ name: `training.${name}`, start: from, end: at }]
  })
}

/** A plan for each step record of the batch that says how long its step took. */
export function stepSpans(batch: Batch): SpanPlan[] {
  return batch.records().flatMap(record => {
    if (record.kind !== 'step') return []
    const { run, rank, node, step, time, stepSeconds, loss, phases = {} } = record
    if (run === undefined || step === undefined || time === undefined || !((stepSeconds ?? 0) > 0)) return []
    const start = time - (stepSeconds ?? 0)
    const attributes = {
      'plumbline.run': run,
      'plumbline.step': step,
      ...(rank !== undefined && { 'plumbline.rank': rank }),
      ...(node !== undefined && { 'host.name': node }),
      ...(loss !== undefined && { 'plumbline.loss': loss }),
    }
    const parent = parentOf(run, step)
    return [{ name: 'training.step', start, end: time, attributes, parent, phases: phasesOf(phases, start, time) }]
  })
}
