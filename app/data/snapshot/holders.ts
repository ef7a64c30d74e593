/** What holds memory at a moment, by who asked for it. Pure. */
import { CATEGORIES, type Category } from '../../../wire/memory-categories'
import type { SnapshotMoment } from '../../../wire/memory-snapshot'
import { callerText, type CallerOf } from './names'

export interface Holder {
  readonly caller: string
  readonly category: Category
  readonly bytes: number
  readonly count: number
  readonly stack: number
}

/** The largest first. */
export function holdersAt(moment: SnapshotMoment, by: CallerOf): Holder[] {
  const { holders } = moment
  const byCaller = new Map<string, Holder>()
  holders.stack.forEach((stack, at) => {
    const caller = callerText(moment, stack, by)
    const category = CATEGORIES[holders.category[at] ?? 0] ?? 'other'
    const before = byCaller.get(`${caller} ${category}`)
    byCaller.set(`${caller} ${category}`, {
      caller,
      category,
      stack: before?.stack ?? stack,
      bytes: (before?.bytes ?? 0) + (holders.bytes[at] ?? 0),
      count: (before?.count ?? 0) + (holders.count[at] ?? 0),
    })
  })
  return [...byCaller.values()].sort((one, other) => other.bytes - one.bytes)
}

/** Bytes by category. */
export function categoriesAt({ holders }: SnapshotMoment): Map<Category, number> {
  const sums = new Map<Category, number>()
  holders.category.forEach((number, at) => {
    const category = CATEGORIES[number] ?? 'other'
    sums.set(category, (sums.get(category) ?? 0) + (holders.bytes[at] ?? 0))
  })
  return sums
}
