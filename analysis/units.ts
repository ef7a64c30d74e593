/** A unit is one stage of one replica of the model; those of a replica lie side by side, in the order of its stages. */
import { medianInPlace } from './statistics'

/** By unit and step, in place: a unit of which nothing is known is, in each step, as the middle one of its stage. */
export function fillUnknown(column: Float64Array, isKnown: readonly boolean[], stages: number): void {
  const length = column.length / isKnown.length
  for (let stage = 0; stage < stages; stage += 1) {
    const own = Array.from({ length: isKnown.length / stages }, (_, replica) => replica * stages + stage)
    const known = own.filter(unit => isKnown[unit])
    if (known.length === 0 || known.length === own.length) continue
    const values = new Float64Array(known.length)
    const middle = Float64Array.from({ length }, (_, step) => {
      for (const [index, unit] of known.entries()) values[index] = column[unit * length + step] ?? 0
      return medianInPlace(values, values.length)
    })
    for (const unit of own) if (!isKnown[unit]) column.set(middle, unit * length)
  }
}
