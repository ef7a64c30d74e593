/** Collects the explanation of each figure under its path in the prediction. */
import type { Unit } from '../base/units'
import { explain, type Derived, type Explanation } from './explain'

export class Figures {
  readonly explain: Record<string, Explanation> = {}

  /** Notes a figure and returns its value; undefined passes through, and is noted nowhere. */
  add(path: string, derived: Derived | undefined, unit: Unit): number | undefined {
    if (derived === undefined || !Number.isFinite(derived.value)) return undefined
    this.explain[path] = explain(derived, unit)
    return derived.value
  }
}

/** A sum with its parts as letters A, B, C …; undefined where a part is. */
export function sumOf(parts: readonly (number | undefined)[], source: Derived['source']): Derived | undefined {
  const known = parts.filter(part => part !== undefined)
  if (known.length < parts.length) return undefined
  const letters = Object.fromEntries(known.map((part, index) => [String.fromCharCode(65 + index), part]))
  const value = known.reduce((sum, part) => sum + part, 0)
  return { value, formula: Object.keys(letters).join(' + ') || '0', letters, source }
}
