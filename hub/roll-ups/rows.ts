/**
 * Which tiers answer a question. Slots as wide as one point of the answer are read, so that a month costs what an hour
 * does; their newest may still grow, so that from there on the finer are read, down to the rows; and what is not kept any
 * more as rows is read of the finest tier that has it.
 */
import type { Parameters, Store } from '../store/store'
import { numberAt } from '../queries/values'
import { asRows, asSlots, type RollUp } from './roll-up'

export interface Asked {
  /** Of the key: `node IN {nodes:Array(String)}`. */
  readonly where: string
  readonly parameters: Parameters
  /** Unix seconds. */
  readonly from: number
  readonly to: number
  /** Seconds, or steps, of one point of the answer. */
  readonly width: number
  /** Where the highest is asked for: a slot that comes in two versions does no harm. */
  readonly everyVersion?: boolean
}

/** A tier by its level, 0 for the rows themselves, from and below a slot. */
interface Piece {
  readonly level: number
  readonly from: number
  readonly below: number
}

/** Where a level lies: its tier, none of the rows themselves, its table, and its slots there. */
function placeOf({ table, by, tiers }: RollUp, level: number) {
  const tier = tiers[level - 1]
  return tier === undefined
    ? { tier, table, slot: `${table}.${by}` }
    : { tier, table: tier.table, slot: `${tier.table}.slot` }
}

/** What is asked for of a piece. A tier is sorted by its slots, which tell where in months of them an hour is. */
function within(rollUp: RollUp, { where }: Asked, { level, from, below }: Piece): string[] {
  const { tier, table, slot } = placeOf(rollUp, level)
  return [
    where,
    `${table}.time >= {from:Float64} AND ${table}.time <= {to:Float64}`,
    ...(tier !== undefined && rollUp.by === 'time'
      ? [`${slot} > {from:Float64} - ${tier.width} AND ${slot} <= {to:Float64}`]
      : []),
    ...(from > -Infinity ? [`${slot} >= ${from}`] : []),
    ...(below < Infinity ? [`${slot} < ${below}`] : []),
  ]
}

/** A SELECT of slots and rows with the columns of the roll-up, for `asked.parameters` with `from` and `to`. */
export async function tieredRows(store: Store, rollUp: RollUp, asked: Asked): Promise<string> {
  const wanted = rollUp.tiers.filter(({ width }) => width <= asked.width).length
  const ends = await endsOf(store, rollUp, asked, wanted)
  const pieces = [
    ...(await older(store, rollUp, asked, wanted, ends.oldest)),
    ...(await newer(store, rollUp, asked, wanted, ends)),
  ]
  // No slot lies below zero: of a run that is short, tiers have nothing, and to plan what they would be asked takes a third of the time.
  const told = pieces.filter(({ below }) => below > 0)
  return told.map(piece => pieceSql(rollUp, asked, piece)).join('\nUNION ALL\n')
}

function pieceSql(rollUp: RollUp, asked: Asked, piece: Piece): string {
  const { tier } = placeOf(rollUp, piece.level)
  const all = within(rollUp, asked, piece).join(' AND ')
  return tier === undefined ? asRows(rollUp, all) : asSlots(rollUp, tier, all, asked.everyVersion)
}

interface Edge {
  readonly slot: number
  /** Unix seconds. */
  readonly time: number
}

interface Ends {
  readonly oldest: Edge | undefined
  readonly newest: Edge | undefined
}

/** The oldest and the newest slot of a level, from a slot on; undefined where there is none. */
async function endsOf(store: Store, rollUp: RollUp, asked: Asked, level: number, from = -Infinity): Promise<Ends> {
  const { tier, table, slot } = placeOf(rollUp, level)
  const where = [
    ...within(rollUp, asked, { level, from, below: Infinity }),
    ...(tier === undefined ? [rollUp.valid] : []),
  ]
  const ends = ['min', 'max'].flatMap(end =>
    [slot, `${table}.time`].map((of, at) => `${end}OrNull(${of}) AS ${end}${at}`),
  )
  const rows = await store.query(`SELECT ${ends.join(', ')} FROM ${table} WHERE ${where.join(' AND ')}`, {
    ...asked.parameters,
    from: asked.from,
    to: asked.to,
  })
  const edge = (end: string): Edge | undefined => {
    const [found, time] = [numberAt(rows, `${end}0`, 0), numberAt(rows, `${end}1`, 0)]
    return found === null || time === null ? undefined : { slot: found, time }
  }
  return { oldest: edge('min'), newest: edge('max') }
}

/** From the tier that is wanted, whose ends are known, down to the rows: each up to its newest, which may still grow. */
async function newer(store: Store, rollUp: RollUp, asked: Asked, wanted: number, ends: Ends): Promise<Piece[]> {
  const pieces: Piece[] = []
  let from = (wanted > 0 ? ends.oldest?.slot : undefined) ?? -Infinity
  for (let level = wanted; level > 0; level -= 1) {
    const newest = level === wanted ? ends.newest : (await endsOf(store, rollUp, asked, level, from)).newest
    if (newest === undefined) continue
    pieces.push({ level, from, below: newest.slot })
    from = newest.slot
  }
  return [...pieces, { level: 0, from, below: Infinity }]
}

/** What begins so early in the range, as a share of it, is all that there ever was. */
const EARLY = 0.02

/** What the wanted tier, whose oldest slot is known, has not any more, of those above it. */
async function older(
  store: Store,
  rollUp: RollUp,
  asked: Asked,
  wanted: number,
  known: Ends['oldest'],
): Promise<Piece[]> {
  const pieces: Piece[] = []
  let below = Infinity
  for (let level = wanted; level < rollUp.tiers.length; level += 1) {
    const oldest = level === wanted ? known : (await endsOf(store, rollUp, asked, level)).oldest
    if (oldest !== undefined && oldest.time - asked.from < EARLY * (asked.to - asked.from)) break
    const { width = 1 } = rollUp.tiers[level] ?? {}
    if (oldest !== undefined) below = Math.min(below, Math.floor(oldest.slot / width) * width)
    pieces.push({ level: level + 1, from: -Infinity, below })
  }
  return pieces
}
