/**
 * Ranks beside the others of their role, step by step. The values of a role are sorted once a step: with a thousand ranks,
 * gathering the peers of each anew would take minutes.
 */
import type { DetectorWindow } from './detector'
import { medianWithout } from './statistics'

export const PHASES = ['data', 'forward', 'backward'] as const
export type Phase = (typeof PHASES)[number]
const SIGNALS = [...PHASES, 'work', 'communication'] as const
type Signal = (typeof SIGNALS)[number]
/** Seconds of a step; NaN is absent. `work` is the sum of the known phases. */
export type Signals = Readonly<Record<Signal, number>>

export interface Sample {
  /** When the step ended. */
  readonly time: number
  readonly own: Signals
  /** Of each signal the median over the other ranks of the role. */
  readonly peers: Signals
}

interface Row {
  readonly rank: number
  readonly time: number
  readonly own: Signals
}

function readRow({ ranks }: DetectorWindow, row: number): Row {
  const data = ranks.dataSeconds[row] ?? NaN
  const forward = ranks.forwardSeconds[row] ?? NaN
  const backward = ranks.backwardSeconds[row] ?? NaN
  const known = [data, forward, backward].filter(Number.isFinite)
  const work = known.length === 0 ? NaN : known.reduce((sum, value) => sum + value, 0)
  const communication = ranks.communicationSeconds[row] ?? NaN
  const own = { data, forward, backward, work, communication }
  return { rank: ranks.rank[row] ?? NaN, time: ranks.time[row] ?? NaN, own }
}

/** Rows of which both work and time in collectives are known, by step; a rank that repeats a step replaces itself. */
function rowsByStep(window: DetectorWindow): Map<number, Row>[] {
  const steps = new Map<number, Map<number, Row>>()
  for (let index = 0; index < window.ranks.step.length; index += 1) {
    const step = window.ranks.step[index] ?? NaN
    const row = readRow(window, index)
    if (![step, row.rank, row.own.communication, row.own.work].every(Number.isFinite)) continue
    const rows = steps.get(step) ?? new Map<number, Row>()
    steps.set(step, rows.set(row.rank, row))
  }
  return [...steps].sort(([one], [other]) => one - other).map(([, rows]) => rows)
}

function groupsOf(rows: Iterable<Row>, roles: DetectorWindow['roles']): Row[][] {
  const groups = new Map<string | undefined, Row[]>()
  for (const row of rows) {
    const role = roles?.get(row.rank)
    const group = groups.get(role)
    if (group === undefined) groups.set(role, [row])
    else group.push(row)
  }
  return [...groups.values()].filter(group => group.length >= 2)
}

function signals(valueOf: (signal: Signal) => number): Signals {
  return {
    ...{ data: valueOf('data'), forward: valueOf('forward'), backward: valueOf('backward') },
    ...{ work: valueOf('work'), communication: valueOf('communication') },
  }
}

/** Samples of each rank, in the order of the steps. Steps in which a rank has no peer are left out. */
export function samplesByRank(window: DetectorWindow): Map<number, Sample[]> {
  const samples = new Map<number, Sample[]>()
  for (const rows of rowsByStep(window)) {
    for (const group of groupsOf(rows.values(), window.roles)) {
      const sorted = new Map(
        SIGNALS.map(signal => [
          signal,
          Float64Array.from(group, row => row.own[signal])
            .filter(Number.isFinite)
            .sort(),
        ]),
      )
      for (const { rank, time, own } of group) {
        const peers = signals(signal => medianWithout(sorted.get(signal) ?? [], own[signal]))
        const list = samples.get(rank)
        if (list === undefined) samples.set(rank, [{ time, own, peers }])
        else list.push({ time, own, peers })
      }
    }
  }
  return samples
}
