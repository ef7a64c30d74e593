/** An explained number: formula, the formula with its numbers in it, source. Formulas are plain arithmetic. */
import type { Unit } from '../base/units'
import type { Source } from './sources'

export interface Explanation {
  /** The formula in the letters of `dimensions.ts`. */
  readonly formula: string
  /** The same with the numbers in it. */
  readonly substituted: string
  readonly source: Source
  readonly value: number
  readonly unit: Unit
  readonly assumption?: string
}

/** What a pure function of this folder says about a number it computed. */
export interface Derived {
  readonly value: number
  readonly formula: string
  readonly letters: Readonly<Record<string, number>>
  readonly source: Source
  readonly assumption?: string
}

const LETTERS = /[A-Za-z][A-Za-z0-9]*/g

function plain(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value)
  return String(Number(value.toPrecision(7)))
}

/** Puts the numbers in the place of the letters; a word that is no letter of ours (`max`) stays. */
export function substitute(formula: string, letters: Readonly<Record<string, number>>): string {
  return formula.replace(LETTERS, word => {
    const value = letters[word]
    return value === undefined ? word : plain(value)
  })
}

export function explain(derived: Derived, unit: Unit): Explanation {
  const { formula, letters, source, value, assumption } = derived
  return {
    formula,
    substituted: substitute(formula, letters),
    source,
    value,
    unit,
    ...(assumption === undefined ? {} : { assumption }),
  }
}
