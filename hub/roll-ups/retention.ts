/**
 * How long what is kept: by age and by size, class by class. What is too old goes a day, a week or a month at a time, as
 * it lies in the store, and nothing is written again for it. What a run is and what happened to it (its ranks, events,
 * findings, configuration) stays.
 */
import { z } from 'zod'
import { repeat, unixSeconds } from '../../base/clock'
import { messageOf } from '../../base/errors'
import { pairsOf } from '../../base/pairs'
import { format } from '../../base/units'
import { numberAt, rowsOf, textAt } from '../queries/values'
import { named } from '../store/quoted'
import type { Store } from '../store/store'
import { rollUps } from './index'

const DAY = 86_400
type Span = 'day' | 'week' | 'month'
interface Kept {
  readonly tables: readonly string[]
  /** Of what one piece of the tables is. */
  readonly span: Span
}

const tiers = (level: number) => [...rollUps].flatMap(({ tiers }) => tiers[level]?.table ?? [])

/** What each is and how long it is kept stands in docs/operating.md. */
const CLASSES = {
  samples: { tables: ['gpu', 'host', 'link'], span: 'day' },
  lines: { tables: ['line'], span: 'day' },
  steps: { tables: ['step', 'collective', 'flow'], span: 'week' },
  fine: { tables: tiers(0), span: 'week' },
  medium: { tables: tiers(1), span: 'month' },
  coarse: { tables: tiers(2), span: 'month' },
} as const satisfies Readonly<Record<string, Kept>>
export type KeptClass = keyof typeof CLASSES
const CLASS_NAMES = Object.keys(CLASSES) as KeptClass[]

/** Seconds and bytes; Infinity where there is no limit. */
export interface Limit {
  readonly seconds: number
  readonly bytes: number
}
export type Keep = Readonly<Record<KeptClass, Limit>>

export const KEPT = 'samples=14d,lines=30d,steps=400d,fine=90d,medium=400d,coarse=forever'

const UNITS = { h: 3600, d: DAY, w: 7 * DAY, y: 365 * DAY, MB: 1e6, GB: 1e9, TB: 1e12 } as const
const isUnit = (text: string): text is keyof typeof UNITS => text in UNITS
/** `14d`, `500GB`, `14d/500GB`, `forever`. */
function limitOf(text: string): Limit | undefined {
  const limit = { seconds: Infinity, bytes: Infinity }
  if (text === 'forever') return limit
  for (const part of text.split('/')) {
    const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(part.trim()) ?? []
    if (!isUnit(unit) || Number(count) <= 0) return undefined
    limit[unit.endsWith('B') ? 'bytes' : 'seconds'] = Number(count) * UNITS[unit]
  }
  return limit
}

/** `samples=14d,steps=1y/200GB`: of what is not named, the defaults. Throws an Error that says what is wrong. */
export function keepOf(text: string): Keep {
  const keep: Partial<Record<KeptClass, Limit>> = {}
  for (const [name, given = ''] of pairsOf(`${KEPT},${text}`)) {
    const known = CLASS_NAMES.find(one => one === name)
    if (known === undefined) throw new Error(`"${name}" is none of ${CLASS_NAMES.join(', ')}`)
    const limit = limitOf(given)
    if (limit === undefined) throw new Error(`${name}: "${given}" is not like 14d, 200GB or 14d/200GB`)
    keep[known] = limit
  }
  return keep as Keep
}

const asText = z.record(z.string(), z.string()).transform(given =>
  Object.entries(given)
    .map(entry => entry.join('='))
    .join(','),
)

/** A text that `keepOf` takes, or the same as a table of a file. */
export const keepSchema: z.ZodType<string> = z.union([z.string(), asText]).superRefine((text, context) => {
  try {
    keepOf(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) })
  }
})

/** A piece of a table, as it goes. */
interface Piece {
  readonly table: string
  readonly id: string
  readonly bytes: number
  /** Unix seconds: what arrived before. */
  readonly end: number
}

/** The end of a piece by the name that its first day, or its month, gives it. */
function endOf(id: string, span: Span): number {
  const [year, month, day] = [Number(id.slice(0, 4)), Number(id.slice(4, 6)), Number(id.slice(6, 8) || 1)]
  const days = { day: 1, week: 7, month: 0 }[span]
  return Date.UTC(year, month - 1 + (span === 'month' ? 1 : 0), day + days) / 1000
}

/** Which pieces of a class go at `now`: oldest first, and never one in which something may arrive. */
export function tooMuch(pieces: readonly Piece[], limit: Limit, now: number): Piece[] {
  const oldestFirst = [...pieces].sort((one, other) => one.end - other.end)
  let bytes = oldestFirst.reduce((sum, piece) => sum + piece.bytes, 0)
  return oldestFirst.filter(piece => {
    const goes = piece.end <= now && (piece.end < now - limit.seconds || bytes > limit.bytes)
    if (goes) bytes -= piece.bytes
    return goes
  })
}

const EVERY_MS = 600_000

export class Retention {
  private readonly ended = new AbortController()
  private running: Promise<void> = Promise.resolve()

  constructor(
    private readonly store: Store,
    private readonly keep: Keep,
    private readonly log: (line: string) => void,
    private readonly isOurs = () => Promise.resolve(true),
  ) {}

  start(): void {
    const failed = (error: unknown) => this.log(`nothing is removed: ${messageOf(error)}`)
    const applyOurs = async () => {
      if (await this.isOurs()) await this.apply(unixSeconds())
    }
    this.running = repeat(EVERY_MS, this.ended.signal, applyOurs, failed)
  }

  async close(): Promise<void> {
    this.ended.abort()
    await this.running
  }

  /** Removes what is too old, or too much, at `now`, Unix seconds. */
  async apply(now: number): Promise<void> {
    for (const name of CLASS_NAMES) {
      for (const { table, id, bytes } of tooMuch(await this.pieces(CLASSES[name]), this.keep[name], now)) {
        await this.store.command(`ALTER TABLE ${named(table)} DROP PARTITION ID '${id}'`)
        this.log(`no longer kept: ${table} of ${id}, ${format(bytes, 'bytes')}`)
      }
    }
  }

  private async pieces({ tables, span }: Kept): Promise<Piece[]> {
    const rows = await this.store.query(
      `SELECT table, partition_id AS id, sum(bytes_on_disk) AS bytes FROM ${this.store.parts}
       WHERE active AND database = currentDatabase() AND table IN {tables:Array(String)} GROUP BY table, id`,
      { tables },
    )
    return Array.from({ length: rowsOf(rows) }, (_, row) => {
      const id = textAt(rows, 'id', row) ?? ''
      return {
        table: textAt(rows, 'table', row) ?? '',
        id,
        bytes: numberAt(rows, 'bytes', row) ?? 0,
        end: endOf(id, span),
      }
    })
  }
}
