/**
 * When a device will be full, from the trend of the peak of each rank's steps, while it can still be avoided. Silent where
 * memory goes up and down: only a rise that almost all pairs of steps agree on is one.
 */
import { format } from '../base/units'
import { allowanceOf, usableBytes } from '../math/allowance'
import type { Finding } from '../wire/findings'
import { defineDetector, type DetectorWindow } from './detector'
import { steadyGrowth, type SteadyGrowth } from './post-mortem/growth'
import { median } from './statistics'

/** Sooner than this it is told; a fuller device than that at the start of a day is nobody's worry yet. */
const SOON_SECONDS = 24 * 3600
const CRITICAL_SECONDS = 3600

interface Filling extends SteadyGrowth {
  readonly rank: number
  readonly since: number
}

function fillings({ ranks }: DetectorWindow): Filling[] {
  const rows = new Map<number, number[]>()
  for (let row = 0; row < ranks.rank.length; row += 1) {
    const rank = ranks.rank[row] ?? NaN
    if (!Number.isFinite(ranks.memoryPeakBytes[row] ?? NaN)) continue
    rows.set(rank, [...(rows.get(rank) ?? []), row])
  }
  return [...rows].flatMap(([rank, own]) => {
    const ascending = own.toSorted((one, other) => (ranks.step[one] ?? 0) - (ranks.step[other] ?? 0))
    const pick = (values: ArrayLike<number>) => ascending.map(row => values[row] ?? NaN)
    const found = steadyGrowth(pick(ranks.memoryPeakBytes), pick(ranks.step))
    return found === undefined ? [] : [{ ...found, rank, since: pick(ranks.time)[0] ?? NaN }]
  })
}

function detect(window: DetectorWindow): Finding[] {
  const { deviceMemoryBytes, steps, facts, run } = window
  const seconds = median(Array.from(steps.stepSeconds))
  if (deviceMemoryBytes === undefined || facts.endedAt !== undefined || !(seconds > 0)) return []
  const usable = usableBytes(deviceMemoryBytes, allowanceOf(undefined))
  const left = ({ lastBytes }: Filling, perStep: number) => Math.max(0, usable - lastBytes) * (seconds / perStep)
  const all = fillings(window).toSorted((one, other) => left(one, one.bytesPerStep) - left(other, other.bytesPerStep))
  const [first] = all
  if (first === undefined) return []
  const expected = left(first, first.bytesPerStep)
  if (expected > SOON_SECONDS) return []
  const [early, late] = [left(first, first.faster), left(first, Math.max(first.slower, first.bytesPerStep / 10))]
  const others = all.length === 1 ? '' : `; ${all.length - 1} other ranks rise as well`
  return [
    {
      detector: 'memory-forecast',
      run,
      severity: expected < CRITICAL_SECONDS ? 'critical' : 'warning',
      provenance: 'estimated',
      since: first.since,
      ranks: all.map(({ rank }) => rank),
      title: `The device of rank ${first.rank} will be full in about ${format(expected, 'seconds')}`,
      evidence: `its peak rises by ${format(first.bytesPerStep, 'bytes')} a step and is at ${format(first.lastBytes, 'bytes')} of ${format(usable, 'bytes')} that tensors can have; by the trend between ${format(early, 'seconds')} and ${format(late, 'seconds')}${others}`,
      nextStep:
        'Save a checkpoint now. Something keeps what each step makes: losses kept with their graph, lists of outputs, caches that grow.',
    },
  ]
}

export const memoryForecast = defineDetector({
  name: 'memory-forecast',
  help: 'Memory of a device rises from step to step and will not suffice.',
  detect,
})
