/**
 * Columnar tables: what travels from collector to store without an object per sample. A number column is a
 * Float64Array in which NaN means absent; a text column holds indices into a dictionary, -1 meaning absent; a JSON
 * column is a text column whose dictionary entries are JSON.
 */
import { catalogue, fieldsOf, kinds, type Field, type FieldName, type Kind } from './metrics'
import type { RecordOf, WireRecord } from './records'

export interface NumberColumn {
  readonly type: 'number'
  values: Float64Array
}
export interface TextColumn {
  readonly type: 'text' | 'json'
  /** Index into `dictionary` per row; -1 where absent. */
  values: Int32Array
  readonly dictionary: string[]
  readonly indices: Map<string, number>
}
export type Column = NumberColumn | TextColumn

const FIRST_CAPACITY = 16

function newColumn(field: Field, capacity: number): Column {
  return field.type === 'number'
    ? { type: 'number', values: new Float64Array(capacity).fill(NaN) }
    : { type: field.type, values: new Int32Array(capacity).fill(-1), dictionary: [], indices: new Map() }
}

function grow(column: Column, capacity: number): void {
  if (column.type === 'number') {
    const values = new Float64Array(capacity).fill(NaN)
    values.set(column.values)
    column.values = values
  } else {
    const values = new Int32Array(capacity).fill(-1)
    values.set(column.values)
    column.values = values
  }
}

export function intern(column: TextColumn, value: string): number {
  let index = column.indices.get(value)
  if (index === undefined) {
    index = column.dictionary.push(value) - 1
    column.indices.set(value, index)
  }
  return index
}

/** Rows of one kind, held as columns. Columns come into being when first written; a missing column is absent everywhere. */
export class Table<K extends Kind = Kind> {
  readonly columns = new Map<string, Column>()
  rows = 0
  private capacity = FIRST_CAPACITY

  constructor(readonly kind: K) {}

  /** Starts a row whose fields are all absent; `number`, `text` and `json` then fill it. */
  begin(): this {
    if (this.rows === this.capacity) {
      this.capacity *= 2
      for (const column of this.columns.values()) grow(column, this.capacity)
    }
    this.rows += 1
    return this
  }

  number(name: FieldName<K>, value: number | undefined): this {
    if (value === undefined || !Number.isFinite(value)) return this
    const column = this.columnFor(name)
    if (column.type === 'number') column.values[this.rows - 1] = value
    return this
  }

  text(name: FieldName<K>, value: string | undefined): this {
    if (value === undefined) return this
    const column = this.columnFor(name)
    if (column.type !== 'number') column.values[this.rows - 1] = intern(column, value)
    return this
  }

  json(name: FieldName<K>, value: unknown): this {
    return value === undefined ? this : this.text(name, JSON.stringify(value))
  }

  add(record: RecordOf<K>): this {
    this.begin()
    for (const [name, value] of Object.entries(record)) {
      if (name === 'kind' || value === undefined || value === null) continue
      const field = name as FieldName<K>
      if (typeof value === 'number') this.number(field, value)
      else if (this.fieldType(name) === 'json') this.json(field, value)
      else this.text(field, String(value))
    }
    return this
  }

  /** The value of a field in a row: undefined where absent. JSON comes parsed. */
  get(row: number, name: FieldName<K>): unknown {
    const column = this.columns.get(name)
    if (column === undefined) return undefined
    const value = column.values[row]
    if (value === undefined || Number.isNaN(value) || (column.type !== 'number' && value < 0)) return undefined
    if (column.type === 'number') return value
    const entry = column.dictionary[value]
    return column.type === 'json' && entry !== undefined ? (JSON.parse(entry) as unknown) : entry
  }

  record(row: number): RecordOf<K> {
    const record: Record<string, unknown> = { kind: this.kind }
    for (const [name] of fieldsOf(this.kind)) {
      const value = this.get(row, name as FieldName<K>)
      if (value !== undefined) record[name] = value
    }
    return record as RecordOf<K>
  }

  private fieldType(name: string): Field['type'] | undefined {
    return (catalogue[this.kind] as Record<string, Field>)[name]?.type
  }

  private columnFor(name: string): Column {
    const existing = this.columns.get(name)
    if (existing !== undefined) return existing
    const field = (catalogue[this.kind] as Record<string, Field>)[name]
    if (field === undefined) throw new Error(`${this.kind} has no field "${name}"`)
    const column = newColumn(field, this.capacity)
    this.columns.set(name, column)
    return column
  }
}

/** Tables of several kinds: what one tick of the agent gathers and one frame carries. */
export class Batch {
  private readonly byKind = new Map<Kind, Table>()

  table<K extends Kind>(kind: K): Table<K> {
    let table = this.byKind.get(kind)
    if (table === undefined) {
      table = new Table<Kind>(kind)
      this.byKind.set(kind, table)
    }
    return table as unknown as Table<K>
  }

  has(kind: Kind): boolean {
    return (this.byKind.get(kind)?.rows ?? 0) > 0
  }

  add(record: WireRecord): void {
    ;(this.table(record.kind) as Table).add(record as RecordOf<Kind>)
  }

  /** In the order of the catalogue; only those with rows. */
  tables(): Table[] {
    const tables: Table[] = []
    for (const kind of kinds) {
      const table = this.byKind.get(kind)
      if (table !== undefined && table.rows > 0) tables.push(table)
    }
    return tables
  }

  /** The tables of some kinds alone: what is not among them need not be kept. */
  only(isWanted: (kind: Kind) => boolean): Batch {
    const batch = new Batch()
    for (const [kind, table] of this.byKind) if (isWanted(kind)) batch.byKind.set(kind, table)
    return batch
  }

  get rows(): number {
    let rows = 0
    for (const table of this.byKind.values()) rows += table.rows
    return rows
  }

  records(): WireRecord[] {
    return this.tables().flatMap(table =>
      Array.from({ length: table.rows }, (_, row) => table.record(row) as WireRecord),
    )
  }
}
