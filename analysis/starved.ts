/** Why a rank works longer, as its own processor tells: held back by a quota, crowded out, busy itself, or asleep. */
import { format } from '../base/units'
import type { RankStepColumns } from './detector'
import { median } from './statistics'

export interface Reason {
  readonly text: string
  readonly nextStep: string
}

/** Of what it works longer, a reason must explain so much. */
const MOST = 0.5

type Counter = 'cpuSeconds' | 'runDelaySeconds' | 'throttledSeconds'

/** Medians of a step from `from` on: of the rank, and of the medians of the others. */
function beside(ranks: RankStepColumns, column: Counter, rank: number, from: number): { own: number; peers: number } {
  const values = new Map<number, number[]>()
  for (let row = 0; row < ranks.step.length; row += 1) {
    if (!((ranks.step[row] ?? NaN) >= from)) continue
    const who = ranks.rank[row] ?? NaN
    const held = values.get(who)
    const value = ranks[column]?.[row] ?? NaN
    if (held === undefined) values.set(who, [value])
    else held.push(value)
  }
  const own = median(values.get(rank) ?? [])
  values.delete(rank)
  return { own, peers: median(Array.from(values.values(), median)) }
}

/** `surplus`: seconds of a step that it works longer than its peers. Undefined where nobody counts. */
export function reasonOf(ranks: RankStepColumns, rank: number, from: number, surplus: number): Reason | undefined {
  const seconds = (value: number) => format(value, 'seconds')
  const explains = ({ own, peers }: { own: number; peers: number }) => own - peers >= MOST * surplus
  const quota = beside(ranks, 'throttledSeconds', rank, from)
  const delay = beside(ranks, 'runDelaySeconds', rank, from)
  const cpu = beside(ranks, 'cpuSeconds', rank, from)
  if (explains(quota))
    return {
      text: `The processor quota of its cgroup was used up for ${seconds(quota.own)} of a step (peers ${seconds(quota.peers)}).`,
      nextStep:
        'Raise the quota of its container or cgroup (cpu.max, or cpu.cfs_quota_us), or end what else uses it up there.',
    }
  if (explains(delay))
    return {
      text: `It was ready to run, and others had its processor, for ${seconds(delay.own)} of a step (peers ${seconds(delay.peers)}).`,
      nextStep: 'See what else runs on its host (top): other jobs, data loaders, more threads than processors.',
    }
  if (explains(cpu))
    return {
      text: `It computes for ${seconds(cpu.own)} of a step itself (peers ${seconds(cpu.peers)}): more work, or a slower clock.`,
      nextStep:
        'Compare its clocks and its batch (sequence lengths) with its peers; py-spy top shows what it computes.',
    }
  if (Number.isNaN(cpu.own) || Number.isNaN(delay.own)) return undefined
  return {
    text: `It neither computed nor waited for a processor meanwhile (${seconds(cpu.own)} of processor time, peers ${seconds(cpu.peers)}): it slept, or waited for a disk, a lock or a device.`,
    nextStep: '`py-spy dump` on that rank shows what it waits for.',
  }
}
