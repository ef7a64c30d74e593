/**
 * What waits for the store of one table: rows of many batches, laid end to end in columns as they come. A batch is read while
 * it is fresh and need not be kept; when its turn comes, the block lies here as it is written. No row and no sample is an
 * object on its way.
 */
import { ConstantText } from '../../wire/packed'
import type { Table } from '../../wire/table'
import { GatheredNumbers, GatheredTexts, type Range } from './gathered-columns'
import { storedColumns } from './phases'
import { arrivals, blockOf, numbers, texts, type Block, type NativeColumn, type Origin } from './native'

/** Types of a table's columns, by name, as the store says. */
export type ColumnTypes = ReadonlyMap<string, string>

/** Rows of one batch. */
interface Part {
  readonly origin: Origin
  readonly from: number
  readonly to: number
}

export class Gathered {
  private parts: Part[] = []
  private readonly numbers = new Map<string, GatheredNumbers>()
  private readonly texts = new Map<string, GatheredTexts>()

  constructor(private readonly types: ColumnTypes) {}

  get rows(): number {
    return this.parts.at(-1)?.to ?? 0
  }

  /** When the oldest of it came, in Unix seconds; Infinity where there is nothing. */
  get since(): number {
    return this.parts.reduce((oldest, { origin }) => Math.min(oldest, origin.receivedAt), Infinity)
  }

  /** A field that the store has no column for is left out. */
  add(table: Table, origin: Origin): void {
    const [from, to] = [this.rows, this.rows + table.rows]
    for (const [name, column] of storedColumns(table)) {
      if (name === 'time' || !this.types.has(name)) continue
      if (column.type === 'number') this.numbersOf(name).put(column, from, to)
      else this.textsOf(name).put(column, from, to)
    }
    this.numbersOf('time').put(table.columns.get('time'), from, to, origin.receivedAt)
    this.textsOf('agent').put(new ConstantText('text', [origin.agent], table.rows, 0), from, to)
    this.parts.push({ origin, from, to })
  }

  /** As it lies here, until more comes or it is cleared. A column that is absent in every row is left to its default. */
  block(): Block {
    const { rows } = this
    const columns: NativeColumn[] = []
    for (const [name, column] of this.numbers) {
      if (column.isEmpty) continue
      column.reach(rows)
      columns.push(numbers(name, this.typeOf(name), column.values, column.nulls))
    }
    for (const [name, column] of this.texts) {
      if (column.isEmpty) continue
      column.reach(rows)
      columns.push(texts(name, this.typeOf(name), column))
    }
    const sequences = new BigUint64Array(rows)
    const receivedAt = new Float64Array(rows)
    for (const { origin, from, to } of this.parts) {
      sequences.fill(BigInt(origin.sequence), from, to)
      receivedAt.fill(origin.receivedAt, from, to)
    }
    return blockOf(rows, [...columns, ...arrivals(sequences, receivedAt)])
  }

  /** Whether there is something of such origins. */
  has(is: (origin: Origin) => boolean): boolean {
    return this.parts.some(({ origin }) => is(origin))
  }

  /** A copy of what is not stored yet. */
  without(isStored: (origin: Origin) => boolean): Gathered {
    const left = new Gathered(this.types)
    const kept = this.parts.filter(({ origin }) => !isStored(origin))
    for (const { origin, from, to } of kept) left.parts.push({ origin, from: left.rows, to: left.rows + to - from })
    const ranges = kept.map(({ from, to }): Range => [from, to])
    for (const [name, column] of this.numbers) left.numbers.set(name, column.pick(ranges))
    for (const [name, column] of this.texts) left.texts.set(name, column.pick(ranges))
    return left
  }

  /** Empty, with the memory that it has: fresh megabytes for each block cost more in page faults than what is laid into them. */
  clear(): void {
    this.parts = []
    for (const column of this.numbers.values()) column.clear()
    for (const column of this.texts.values()) column.clear()
  }

  private typeOf(name: string): string {
    return this.types.get(name) ?? ''
  }

  private numbersOf(name: string): GatheredNumbers {
    const column = this.numbers.get(name) ?? new GatheredNumbers()
    this.numbers.set(name, column)
    return column
  }

  private textsOf(name: string): GatheredTexts {
    const column = this.texts.get(name) ?? new GatheredTexts()
    this.texts.set(name, column)
    return column
  }
}
