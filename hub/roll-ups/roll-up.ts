/**
 * A roll-up: rows folded by slots of time or of steps, in tiers of which each is folded from the one below. A slot is
 * always computed whole, from all rows that are in it, whenever one of them arrived: to do it twice changes nothing, and
 * what comes late is in it as well.
 *
 * Not by a materialized view: each commit brings one sample of a device, so that a view writes a row of partial sums for
 * every row that comes. Measured over blocks of 32,768 device samples: 9 times the processor time of the insert alone.
 */
import { listed, named } from '../store/quoted'

export interface Fold {
  /** Of one row. */
  readonly row: string
  /** Of rows. */
  readonly first: string
  /** Of the same column of slots below, weighted by how many rows each stands for. */
  readonly above: (name: string) => string
}

/** The mean of a column of slots: each counts as many times as it has rows. */
export const weightedMean = (name: string) => `sum(${name} * samples) / nullIf(sumIf(samples, ${name} IS NOT NULL), 0)`

export const mean = (of: string): Fold => ({
  row: `toFloat64(${of})`,
  first: `avg(${of})`,
  above: weightedMean,
})
export const highest = (of: string): Fold => ({ row: of, first: `max(${of})`, above: name => `max(${name})` })
export const lowest = (of: string): Fold => ({ row: of, first: `min(${of})`, above: name => `min(${name})` })
/** The newest text that is there. */
export const newest = (of: string): Fold => ({
  row: `toString(${of})`,
  first: `argMaxIf(toString(${of}), time, ${of} != '')`,
  above: name => `argMaxIf(toString(${name}), time, ${name} != '')`,
})
/** Seconds of which anything is known: where they are fewer than the slot has, there was an outage. */
export const covered = (seconds: number): Fold => ({
  row: 'NULL',
  first: `${seconds}`,
  above: name => `sum(${name})`,
})

export interface Tier {
  readonly table: string
  /** Seconds, or steps, of a slot; of the first tier those that rows are folded by. */
  readonly width: number
  /** Seconds between two folds at least: what is not in it yet is read of the tier below, and a slot that is hardly begun is of no use. */
  readonly everySeconds: number
}

export interface RollUp {
  readonly name: string
  /** The table whose rows are folded. */
  readonly table: string
  /** What slots are slots of. */
  readonly by: 'time' | 'step'
  /** Whose rows are told apart. */
  readonly keys: readonly string[]
  /** The first of the keys, by which both the rows and the slots are sorted. */
  readonly key: string
  readonly columns: Readonly<Record<string, Fold>>
  /** Finest first. */
  readonly tiers: readonly Tier[]
  /** Which rows of the table are folded. */
  readonly valid: string
  /** SELECT of what is folded, of the rows of the table that `where` names: keys, `time`, `by`, and what the columns fold. */
  rows(where: string): string
}

/** Columns of a tier, in the order in which `foldSql` and `asRows` give them. */
export const columnsOf = (rollUp: RollUp): string[] => [
  ...rollUp.keys,
  'slot',
  'time',
  'samples',
  ...Object.keys(rollUp.columns),
]

/**
 * Computes the slots of a tier in which something arrived after `after` up to and with `to` (Unix seconds, parameters).
 * Names are columns first: a fold bears the name of what it folds.
 */
export function foldSql(rollUp: RollUp, level: number): string {
  const { keys, key, by, columns, tiers, table, valid } = rollUp
  const { table: target, width } = tiers[level] ?? { table: '', width: NaN }
  const below = level === 0 ? undefined : tiers[level - 1]
  const dimension = below === undefined ? by : 'slot'
  const touched = (source: string, where: string) => `(${key}, floor(${source}.${dimension} / ${width})) IN
      (SELECT ${key}, floor(${dimension} / ${width}) FROM ${source} WHERE receivedAt > {after:Float64} AND receivedAt <= {to:Float64} AND ${where})`
  const from =
    below === undefined
      ? `(${rollUp.rows(`${touched(table, valid)} AND ${valid}${spanSql(by)}`)})`
      : `${below.table} FINAL WHERE ${touched(below.table, '1')}`
  const folds = Object.entries(columns).map(([name, fold]) => (below === undefined ? fold.first : fold.above(name)))
  const samples = below === undefined ? 'count()' : 'sum(samples)'
  const group = `floor(${dimension} / ${width})`
  return `INSERT INTO ${target} (${listed([...columnsOf(rollUp), 'receivedAt'])})
    SELECT ${[...keys, `${group} * ${width}`, 'max(time)', samples, ...folds].join(', ')}, {to:Float64}
    FROM ${from} GROUP BY ${[...keys, group].join(', ')}
    SETTINGS ${BEHIND}, prefer_column_name_to_alias = 1, max_partitions_per_insert_block = 0`
}

/** Nobody waits for a fold: it leaves the other processors to those who do, and beyond these bytes goes on by the disk. */
const BEHIND = 'max_threads = 1, max_bytes_before_external_group_by = 400000000'

/** Slots of time are looked for where rows of that time lie. */
const spanSql = (by: RollUp['by']) => (by === 'time' ? ' AND time >= {first:Float64} AND time <= {last:Float64}' : '')

/** Rows as slots of one row each, so that tiers and rows can be read together. */
export function asRows(rollUp: RollUp, where: string): string {
  const { keys, by, columns } = rollUp
  const own = Object.entries(columns).map(([name, fold]) => `${fold.row} AS ${named(name)}`)
  return `SELECT ${[...keys, `${by} AS slot`, 'time', 'toUInt32(1) AS samples', ...own].join(', ')}
    FROM (${rollUp.rows(`${where} AND ${rollUp.valid}`)})`
}

/** Slots of a tier as they were computed last; with `everyVersion` also as they were before, which costs a third. */
export const asSlots = (rollUp: RollUp, tier: Tier, where: string, everyVersion = false): string =>
  `SELECT ${listed(columnsOf(rollUp))} FROM ${tier.table} ${everyVersion ? '' : 'FINAL'} WHERE ${where}`
