/** What frames of every form share: their limits, and how a column from the network becomes one of a table. */
import { PlumblineError } from '../base/errors'
import type { Field } from './metrics'
import type { Column, Table } from './table'

export const MAX_FRAME_BYTES = 16 * 1024 * 1024
/** A column of one value is short on the wire and long in memory: what a frame unpacks to is bounded by its rows. */
export const MAX_ROWS = 131_072
/** JSON texts that were found good and come again and again (`[]`), by field. */
const MAX_KNOWN = 1024
const MAX_KNOWN_LENGTH = 256
const known = new Map<Field, Set<string>>()

export const badFrame = (why: string) =>
  new PlumblineError(`not a frame: ${why}`, { fix: 'check that agent and hub are of one version' })

function isGood(field: Field & { type: 'json' }, text: string): boolean {
  let texts = known.get(field)
  if (texts?.has(text) === true) return true
  try {
    if (!field.schema.safeParse(JSON.parse(text)).success) return false
  } catch {
    return false
  }
  if (text.length > MAX_KNOWN_LENGTH) return true
  if (texts === undefined || texts.size >= MAX_KNOWN) known.set(field, (texts = new Set()))
  texts.add(text)
  return true
}

/** JSON is checked against the catalogue once per dictionary entry: which are good; undefined where all are. */
export function goodTexts(field: Field, dictionary: readonly string[]): boolean[] | undefined {
  if (field.type !== 'json') return undefined
  const good = dictionary.map(entry => isGood(field, entry))
  return good.includes(false) ? good : undefined
}

/** A column of another type than the field has (another version’s) is left out. */
export function putColumn(table: Table, field: Field, name: string, column: Column): void {
  if ((field.type === 'number') === (column.type === 'number')) table.columns.set(name, column)
}
