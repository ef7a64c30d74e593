/** Series are columns of one length. These put a fresh tail onto what the page has. */

type Columns = Record<string, unknown>

function firstAbove(keys: readonly number[], value: number, inclusive: boolean): number {
  let index = keys.length
  while (index > 0) {
    const key = keys[index - 1] ?? -Infinity
    if (inclusive ? key < value : key <= value) break
    index -= 1
  }
  return index
}

/** Applies `change` to every array of the series that is as long as its key column. */
function mapColumns<T extends object>(series: T, names: readonly (keyof T)[], change: (name: keyof T) => unknown): T {
  const columns: Partial<Record<keyof T, unknown>> = {}
  for (const name of names) columns[name] = change(name)
  return { ...series, ...columns } as T
}

const column = (series: object, name: PropertyKey) => (series as Columns)[name as string] as readonly unknown[]

/**
 * `tail` replaces what `base` has between tail's first and last key; what lies after it stays, as an answer that was asked
 * for later may already be newer than a tail that was sent earlier. Both ascend by `key`.
 */
export function splice<T extends object>(base: T, tail: T, key: keyof T, names: readonly (keyof T)[]): T {
  const fresh = column(tail, key) as number[]
  const [first] = fresh
  const last = fresh.at(-1)
  if (first === undefined || last === undefined) return base
  const keys = column(base, key) as number[]
  const from = firstAbove(keys, first, true)
  const to = firstAbove(keys, last, false)
  return mapColumns(base, names, name => {
    const old = column(base, name)
    return [...old.slice(0, from), ...column(tail, name), ...old.slice(to)]
  })
}

/** Drops what is older than `seconds` before the last point. */
export function keepLast<T extends { time: number[] }>(series: T, seconds: number, names: readonly (keyof T)[]): T {
  const end = series.time.at(-1)
  if (end === undefined || !Number.isFinite(seconds)) return series
  const from = series.time.findIndex(time => time >= end - seconds)
  return from <= 0 ? series : mapColumns(series, names, name => column(series, name).slice(from))
}
