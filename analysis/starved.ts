/** Why a rank works longer, as its own processor tells: held back by a quota, crowded out, busy itself, or asleep. */
import { format } from '../base/units'
import type { RankMatrix } from './rank-matrix'
import { ENOUGH_ALIKE, sampleOf } from './sample'
import { median } from './statistics'
import type { Straggler } from './straggler'

export interface Reason {
  readonly text: string
  readonly nextStep: string
}

/** Of what it works longer, a reason must explain so much. */
const MOST = 0.5

type Counter = 'cpuSeconds' | 'runDelaySeconds' | 'throttledSeconds'

/** Medians of a step since it is slow: of the rank, and of the medians of others. Of what nobody counts nothing is known. */
function beside({ rows, columns, ranks, steps: { length } }: RankMatrix, column: Counter, { place, from }: Straggler) {
  const counted = columns[column]
  const of = (one: number) =>
    median(Array.from(rows.subarray(one * length + from, (one + 1) * length), row => counted?.[row] ?? NaN))
  const own = counted === undefined ? NaN : of(place)
  if (Number.isNaN(own)) return { own, peers: NaN }
  const others = Array.from(sampleOf(Array.from(ranks.keys()), ENOUGH_ALIKE)).filter(other => other !== place)
  return { own, peers: median(others.map(of)) }
}

/** Seconds of a step for which the quota of its cgroup held it back longer than others; NaN where nobody counts. */
export function heldBackSeconds(matrix: RankMatrix, one: Straggler): number {
  const { own, peers } = beside(matrix, 'throttledSeconds', one)
  return own - peers
}

/** `surplus`: seconds of a step that it works longer than its peers. Undefined where nobody counts. */
export function reasonOf(matrix: RankMatrix, one: Straggler, surplus: number): Reason | undefined {
  const seconds = (value: number) => format(value, 'seconds')
  const explains = ({ own, peers }: { own: number; peers: number }) => own - peers >= MOST * surplus
  const quota = beside(matrix, 'throttledSeconds', one)
  const delay = beside(matrix, 'runDelaySeconds', one)
  const cpu = beside(matrix, 'cpuSeconds', one)
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
