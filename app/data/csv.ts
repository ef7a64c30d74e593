/** Tables as CSV (RFC 4180): numbers in SI base units, nothing where absent. Pure. */
interface Saved<T> {
  readonly name: string
  readonly value?: (row: T) => number | string | null
}

/** A text that a spreadsheet would take for a formula begins with an apostrophe. */
function field(value: number | string | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export function toCsv<T>(columns: readonly Saved<T>[], rows: readonly T[]): string {
  const lines = rows.map(row => columns.map(({ value }) => field(value?.(row) ?? null)).join(','))
  return `${[columns.map(({ name }) => field(name)).join(','), ...lines].join('\r\n')}\r\n`
}

/** Lines over one axis as a table: a row for each place at which any of them has a point. */
export function linesCsv(
  axis: string,
  lines: readonly { readonly name: string; readonly x: readonly number[]; readonly y: readonly (number | null)[] }[],
): string {
  const places = [...new Set(lines.flatMap(({ x }) => x))].sort((one, other) => one - other)
  const byPlace = lines.map(({ x, y }) => new Map(x.map((at, index) => [at, y[index] ?? null])))
  const columns = [
    { name: axis, value: (at: number) => at },
    ...lines.map(({ name }, line) => ({ name, value: (at: number) => byPlace[line]?.get(at) ?? null })),
  ]
  return toCsv(columns, places)
}
