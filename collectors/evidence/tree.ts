/** Looks into what a pickle (`Map`) or a JSON text (plain object) holds. What is missing or of another type is absent. */
import { PlumblineError } from '../../base/errors'

export function member(tree: unknown, name: string): unknown {
  if (tree instanceof Map) return (tree as ReadonlyMap<unknown, unknown>).get(name)
  if (typeof tree !== 'object' || tree === null || !Object.hasOwn(tree, name)) return undefined
  return (tree as Record<string, unknown>)[name]
}

export function textIn(tree: unknown, name: string): string | undefined {
  const value = member(tree, name)
  return typeof value === 'string' ? value : undefined
}

/** More is no size and no time: sums stay finite. */
const MOST = 2 ** 64

/** Nanoseconds since the epoch are beyond 2^53: as seconds or bytes the nearest double is exact enough. */
export function numberIn(tree: unknown, name: string): number | undefined {
  const value = member(tree, name)
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Math.abs(number) <= MOST ? number : undefined
}

export function listIn(tree: unknown, name: string): readonly unknown[] {
  const value = member(tree, name)
  return Array.isArray(value) ? value : []
}

/** A size or a count: never negative. */
export function amountIn(tree: unknown, name: string): number | undefined {
  const value = numberIn(tree, name)
  return value !== undefined && value >= 0 ? value : undefined
}

/** A small pickle can name one list a million times; whoever walks it counts. */
export class Visits {
  private made = 0
  constructor(private readonly most = 50_000_000) {}

  each<T>(items: readonly T[]): readonly T[] {
    this.made += items.length
    if (this.made > this.most)
      throw new PlumblineError(`more than ${this.most} entries to visit`, {
        fix: 'dump fewer entries; a file of this kind does not name one list again and again',
      })
    return items
  }
}

/** A frame of a Python stack as `file.py:12:function`; undefined for C++ frames, which say nothing to people. */
export function frameText(frame: unknown): string | undefined {
  const file = textIn(frame, 'filename')
  if (file === undefined || !file.endsWith('.py')) return undefined
  const name = file.slice(file.lastIndexOf('/') + 1).slice(-200)
  return `${name}:${numberIn(frame, 'line') ?? 0}:${(textIn(frame, 'name') ?? '?').slice(0, 200)}`
}
