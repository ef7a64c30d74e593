/** What is taken away of tables and charts: columns, and the same as CSV (RFC 4180). Numbers in SI base units. Pure. */
export interface NamedColumn {
  readonly name: string
  /** Null where absent. */
  readonly values: readonly (number | string | null)[]
}

/** A text that a spreadsheet would take for a formula begins with an apostrophe. */
function field(value: number | string | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Columns of one length, their names in the first line. */
export function toCsv(columns: readonly NamedColumn[]): string {
  const rows = columns[0]?.values.map((_, row) => columns.map(({ values }) => field(values[row] ?? null)).join(','))
  return `${[columns.map(({ name }) => field(name)).join(','), ...(rows ?? [])].join('\r\n')}\r\n`
}

interface Saved<T> {
  readonly name: string
  readonly value?: (row: T) => number | string | null
}

/** Columns of a table that have a value. */
export function tableColumns<T>(columns: readonly Saved<T>[], rows: readonly T[]): NamedColumn[] {
  return columns.flatMap(({ name, value }) => (value === undefined ? [] : [{ name, values: rows.map(value) }]))
}

/** Lines over one axis as a table: a row for each place at which any of them has a point. */
export function lineColumns(
  axis: string,
  lines: readonly { readonly name: string; readonly x: readonly number[]; readonly y: readonly (number | null)[] }[],
): NamedColumn[] {
  const places = [...new Set(lines.flatMap(({ x }) => x))].sort((one, other) => one - other)
  const known = lines.map(({ name, x, y }) => ({ name, at: new Map(x.map((at, index) => [at, y[index] ?? null])) }))
  return [
    { name: axis, values: places },
    ...known.map(({ name, at }) => ({ name, values: places.map(place => at.get(place) ?? null) })),
  ]
}
