/** Order of rows by one of their columns. Pure. */
export interface Sort {
  readonly name: string
  readonly descending: boolean
}

interface Sorted<T> {
  readonly name: string
  readonly value?: (row: T) => number | string | null
}

/** Numbers show their largest first; a second press turns it round, a third gives the order of before. */
export function nextSort(sort: Sort | undefined, name: string): Sort | undefined {
  if (sort?.name !== name) return { name, descending: true }
  return sort.descending ? { name, descending: false } : undefined
}

const words = new Intl.Collator('en', { numeric: true })

function compare(one: number | string, other: number | string): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return words.compare(String(one), String(other))
}

/** Absent values are last either way; equal rows keep their order. */
export function sortRows<T>(rows: readonly T[], columns: readonly Sorted<T>[], sort: Sort | undefined): readonly T[] {
  const value = columns.find(({ name }) => name === sort?.name)?.value
  if (sort === undefined || value === undefined) return rows
  const way = sort.descending ? -1 : 1
  return rows
    .map(row => ({ row, at: value(row) }))
    .sort((one, other) => {
      if (one.at === null || other.at === null) return Number(one.at === null) - Number(other.at === null)
      return way * compare(one.at, other.at)
    })
    .map(({ row }) => row)
}
