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

const within = (table: string) => `${table}.time >= {from:Float64} AND ${table}.time <= {to:Float64}`

/** A SELECT of slots and rows with the columns of the roll-up, for `asked.parameters` with `from` and `to`. */
export async function tieredRows(store: Store, rollUp: RollUp, asked: Asked): Promise<string> {
  const wanted = rollUp.tiers.filter(({ width }) => width <= asked.width).length
  const pieces = [...(await older(store, rollUp, asked, wanted)), ...(await newer(store, rollUp, asked, wanted))]
  return pieces.map(piece => pieceSql(rollUp, asked, piece)).join('\nUNION ALL\n')
}

function pieceSql(rollUp: RollUp, { where, everyVersion }: Asked, { level, from, below }: Piece): string {
  const tier = rollUp.tiers[level - 1]
  const table = tier?.table ?? rollUp.table
  const slot = tier === undefined ? `${table}.${rollUp.by}` : `${table}.slot`
  const bounds = [
    ...(from > -Infinity ? [`${slot} >= ${from}`] : []),
    ...(below < Infinity ? [`${slot} < ${below}`] : []),
  ]
  const all = [where, within(table), ...bounds].join(' AND ')
  return tier === undefined ? asRows(rollUp, all) : asSlots(rollUp, tier, all, everyVersion)
}

interface Edge {
  readonly slot: number
  /** Unix seconds. */
  readonly time: number
}

/** The oldest or the newest slot of a level, from a slot on; undefined where there is none. */
async function edge(
  store: Store,
  rollUp: RollUp,
  asked: Asked,
  level: number,
  which: 'min' | 'max',
  from = -Infinity,
): Promise<Edge | undefined> {
  const tier = rollUp.tiers[level - 1]
  const table = tier?.table ?? rollUp.table
  const slot = tier === undefined ? `${table}.${rollUp.by}` : `${table}.slot`
  const where = [
    asked.where,
    within(table),
    ...(from > -Infinity ? [`${slot} >= ${from}`] : []),
    ...(tier === undefined ? [rollUp.valid] : []),
  ]
  const rows = await store.query(
    `SELECT ${which}OrNull(${slot}) AS slot, ${which}OrNull(${table}.time) AS at FROM ${table} WHERE ${where.join(' AND ')}`,
    { ...asked.parameters, from: asked.from, to: asked.to },
  )
  const [found, time] = [numberAt(rows, 'slot', 0), numberAt(rows, 'at', 0)]
  return found === null || time === null ? undefined : { slot: found, time }
}

/** From the tier that is wanted down to the rows: each up to its newest slot, which may still grow. */
async function newer(store: Store, rollUp: RollUp, asked: Asked, wanted: number): Promise<Piece[]> {
  const pieces: Piece[] = []
  let from = -Infinity
  for (let level = wanted; level > 0; level -= 1) {
    const newest = await edge(store, rollUp, asked, level, 'max', from)
    if (newest === undefined) continue
    pieces.push({ level, from, below: newest.slot })
    from = newest.slot
  }
  return [...pieces, { level: 0, from, below: Infinity }]
}

/** What begins so early in the range, as a share of it, is all that there ever was. */
const EARLY = 0.02

/** What the wanted tier has not any more, of those above it. */
async function older(store: Store, rollUp: RollUp, asked: Asked, wanted: number): Promise<Piece[]> {
  const pieces: Piece[] = []
  let below = Infinity
  for (let level = wanted; level < rollUp.tiers.length; level += 1) {
    const oldest = await edge(store, rollUp, asked, level, 'min')
    if (oldest !== undefined && oldest.time - asked.from < EARLY * (asked.to - asked.from)) break
    const { width = 1 } = rollUp.tiers[level] ?? {}
    if (oldest !== undefined) below = Math.min(below, Math.floor(oldest.slot / width) * width)
    pieces.push({ level: level + 1, from: -Infinity, below })
  }
  return pieces
}
