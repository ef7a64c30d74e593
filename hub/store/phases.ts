/**
 * Phases of a step as the store has them: what the standard ones took in columns, in whole nanoseconds, and what else came
 * in the text. `forwardSeconds` and its like are read from these columns (migrations/0020-step-phases.ts).
 */
import { PHASES, type Phase } from '../../wire/metrics'
import { intern, type Column, type Table, type TextColumn } from '../../wire/table'

interface Split {
  /** In the order of PHASES; NaN where it was not told. */
  readonly nanoseconds: readonly number[]
  /** JSON of other phases, and of those of which more is told than their seconds; '' where there are none. */
  readonly rest: string
}
const places = new Map<string, number>([...PHASES.entries()].map(([place, phase]) => [phase, place]))

/** A text of a batch is known to be JSON of phases. What is more than is counted exactly, 104 days, stays in it. */
function splitOf(text: string): Split {
  const nanoseconds = PHASES.map(() => NaN)
  const rest = Object.entries(JSON.parse(text) as Readonly<Record<string, Phase>>).filter(([name, phase]) => {
    const [place, told] = [places.get(name), Math.round((phase.seconds ?? NaN) * 1e9)]
    if (place === undefined || !Number.isSafeInteger(told)) return true
    nanoseconds[place] = told
    return Object.keys(phase).length > 1
  })
  return { nanoseconds, rest: rest.length === 0 ? '' : JSON.stringify(Object.fromEntries(rest)) }
}

/** The columns of a table of a batch under the names that the store has for them. */
export function storedColumns({ kind, columns, rows }: Table): ReadonlyMap<string, Column> {
  const phases = columns.get('phases')
  if (kind !== 'step' || phases === undefined || phases.type === 'number') return columns
  const splits = phases.dictionary.map(splitOf)
  const taken = PHASES.map(phase => ({ name: `${phase}Nanoseconds`, values: new Float64Array(rows).fill(NaN) }))
  const rest: TextColumn = { type: 'json', values: new Int32Array(rows).fill(-1), dictionary: [], indices: new Map() }
  for (let row = 0; row < rows; row += 1) {
    const split = splits[phases.values[row] ?? -1]
    if (split === undefined) continue
    for (const [place, { values }] of taken.entries()) values[row] = split.nanoseconds[place] ?? NaN
    if (split.rest !== '') rest.values[row] = intern(rest, split.rest)
  }
  const numbers = taken.map(({ name, values }) => [name, { type: 'number', values }] as const)
  return new Map<string, Column>([...columns, ['phases', rest], ...numbers])
}
