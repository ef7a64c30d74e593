/** A unit is one stage of one replica of the model; those of a replica lie side by side, in the order of its stages. */
import { medianInPlace } from './statistics'

/** By unit and step, in place: a unit of which nothing is known is, in each step (of some), as the middle one of its stage. */
export function fillUnknown(
  column: Float32Array | Float64Array,
  isKnown: readonly boolean[],
  stages: number,
  from = 0,
  to = column.length / isKnown.length,
): void {
  if (isKnown.every(Boolean)) return
  const length = column.length / isKnown.length
  for (let stage = 0; stage < stages; stage += 1) {
    const own = Array.from({ length: isKnown.length / stages }, (_, replica) => replica * stages + stage)
    const known = own.filter(unit => isKnown[unit])
    if (known.length === 0 || known.length === own.length) continue
    const values = new Float64Array(known.length)
    for (let step = from; step < to; step += 1) {
      for (const [index, unit] of known.entries()) values[index] = column[unit * length + step] ?? 0
      const middle = medianInPlace(values, values.length)
      for (const unit of own) if (!isKnown[unit]) column[unit * length + step] = middle
    }
  }
}
