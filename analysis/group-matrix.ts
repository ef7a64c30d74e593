/** Groups × steps, dense: how long each group's transfers took, and how much longer than those of groups that are alike. */
import { grouped } from '../base/grouped'
import { Axis } from './axis'
import type { GroupFacts, GroupStepColumns } from './detector'
import { ENOUGH_ALIKE, sampleOf } from './sample'
import { medianInPlace, medianOf } from './statistics'

/** A cell of group number g and step number s is at g · steps + s; NaN is absent. */
export interface GroupMatrix {
  readonly groups: readonly GroupFacts[]
  /** By group: only those of one class are compared. */
  readonly classes: readonly (string | undefined)[]
  readonly steps: Float64Array
  readonly seconds: Float32Array
  /** Over that of groups that are alike, relative to it. */
  readonly excess: Float32Array
}

const MAX_CELLS = 1 << 26
/** Of a class of groups the faster ones are taken as what is usual: a slow switch may slow half of them. */
const USUAL_QUANTILE = 0.25

/** `classOf` a group: what it must share with another to be compared with it; undefined is compared with none. */
export function groupMatrix(
  columns: GroupStepColumns,
  steps: Float64Array,
  classOf: (group: GroupFacts, number: number) => string | undefined,
): GroupMatrix | undefined {
  const { groups } = columns
  const cells = groups.length * steps.length
  if (cells === 0 || cells > MAX_CELLS) return undefined
  const seconds = new Float32Array(cells).fill(NaN)
  const stepAxis = new Axis(steps)
  for (let row = 0; row < columns.step.length; row += 1) {
    const group = columns.group[row] ?? -1
    const value = columns.seconds[row] ?? NaN
    const step = stepAxis.place(columns.step[row] ?? NaN)
    if (step >= 0 && group >= 0 && group < groups.length && value > 0 && value < Infinity)
      seconds[group * steps.length + step] = value
  }
  const excess = new Float32Array(cells).fill(NaN)
  const classes = groups.map(classOf)
  for (const [kind, members] of grouped(groups.keys(), number => classes[number])) {
    if (kind !== undefined && members.length > 1) compare(steps.length, members, seconds, excess)
  }
  return { groups, classes, steps, seconds, excess }
}

/** What all of a class share in a step (other jobs on the fabric) counts for none of them. */
function compare(steps: number, members: readonly number[], seconds: Float32Array, excess: Float32Array): void {
  const asked = sampleOf(members, 2 * ENOUGH_ALIKE)
  const middles = Float64Array.from(asked, group => medianOf(seconds, group * steps, (group + 1) * steps))
  const ascending = middles.filter(middle => middle > 0).sort()
  const usual = ascending[Math.floor(USUAL_QUANTILE * (ascending.length - 1))] ?? NaN
  const faster = ascending[Math.floor((ascending.length - 1) / 2)] ?? NaN
  const quick = Int32Array.from(middles.keys()).filter(index => (middles[index] ?? NaN) <= faster)
  const shared = new Float64Array(STRIPE * quick.length)
  const counts = new Int32Array(STRIPE)
  const common = new Float64Array(STRIPE)
  for (let from = 0; from < steps; from += STRIPE) {
    const count = Math.min(STRIPE, steps - from)
    counts.fill(0)
    for (let number = 0; number < quick.length; number += 1) {
      const index = quick[number] ?? 0
      const middle = middles[index] ?? NaN
      const first = (asked[index] ?? 0) * steps + from
      for (let step = 0; step < count; step += 1) {
        const value = seconds[first + step] ?? NaN
        if (Number.isNaN(value)) continue
        const known = counts[step] ?? 0
        shared[step * quick.length + known] = value / middle
        counts[step] = known + 1
      }
    }
    for (let step = 0; step < count; step += 1) {
      const known = counts[step] ?? 0
      common[step] = usual * (known < SHARED_LEAST ? 1 : medianInPlace(shared, known, step * quick.length))
    }
    for (let index = 0; index < members.length; index += 1) {
      const first = (members[index] ?? 0) * steps + from
      for (let step = 0; step < count; step += 1)
        excess[first + step] = (seconds[first + step] ?? NaN) / (common[step] ?? NaN) - 1
    }
  }
}

/** Steps that are looked at together: a group's lie side by side in memory. */
const STRIPE = 8
/** Of fewer, what they share cannot be told from what one of them has. */
const SHARED_LEAST = 8
