/** Cells of an answer of the store as values: null where absent. */
import type { Columns } from '../store/store'

export const numberAt = (columns: Columns, name: string, row: number): number | null => {
  const value = columns[name]?.[row]
  if (value === null || value === undefined || value === '') return null
  const number = Number(value)
  return Number.isFinite(number) ? number : null
}

export const textAt = (columns: Columns, name: string, row: number): string | null => {
  const value = columns[name]?.[row]
  return typeof value === 'string' && value !== '' ? value : null
}

/** A JSON text; undefined where absent or not JSON. */
export function jsonAt(columns: Columns, name: string, row: number): unknown {
  const text = textAt(columns, name, row)
  if (text === null) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const numbers = (columns: Columns, name: string): (number | null)[] =>
  Array.from({ length: rowsOf(columns) }, (_, row) => numberAt(columns, name, row))

export const rowsOf = (columns: Columns): number => Object.values(columns)[0]?.length ?? 0

/** Rows that share a text, in the order in which each text first came. */
export function groupRows(columns: Columns, key: (row: number) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  for (let row = 0; row < rowsOf(columns); row += 1) {
    const name = key(row)
    const rows = groups.get(name)
    if (rows === undefined) groups.set(name, [row])
    else rows.push(row)
  }
  return groups
}
