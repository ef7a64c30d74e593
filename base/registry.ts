export interface Named {
  readonly name: string
}

export interface Registry<T extends Named> extends Iterable<T> {
  readonly names: readonly T['name'][]
  get(name: string): T | undefined
}

/** An ordered, named list. The order in the file is the order everyone sees. Throws when two entries share a name. */
export function registry<T extends Named>(what: string, entries: readonly T[]): Registry<T> {
  const byName = new Map<string, T>()
  for (const entry of entries) {
    if (byName.has(entry.name)) throw new Error(`two ${what}s are named "${entry.name}"`)
    byName.set(entry.name, entry)
  }
  return {
    names: entries.map(entry => entry.name),
    get: name => byName.get(name),
    [Symbol.iterator]: () => entries[Symbol.iterator](),
  }
}
