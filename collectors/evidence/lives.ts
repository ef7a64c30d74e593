/** What was held from one entry of the allocator's trace to another: blocks of tensors, or segments of the device. */
import { Column, KINDS, type ColumnKind, type Columns } from './columns'
import type { Trace } from './snapshot-read'

/**
 * In the order in which they began; those from before the trace begin at 0. `asked`: the entry at which it was given back,
 * though a stream still used it. `end`, and `asked`, are the number of entries for what was not freed within the trace.
 */
export const LIFE_COLUMNS = {
  begin: 'uint32',
  asked: 'uint32',
  end: 'uint32',
  bytes: 'float64',
  address: 'float64',
  stack: 'uint32',
  stream: 'uint8',
  /** 1 for what is mapped into an expandable segment, else 0. */
  mapped: 'uint8',
} as const satisfies Record<string, ColumnKind>
export type Lives = Columns<keyof typeof LIFE_COLUMNS>
export type Life = Readonly<Record<keyof typeof LIFE_COLUMNS, number>>

export const LIFE_NAMES = Object.keys(LIFE_COLUMNS) as (keyof typeof LIFE_COLUMNS)[]

/** Each column from where it lies. */
export const livesFrom = (column: (name: keyof typeof LIFE_COLUMNS, kind: ColumnKind) => Column): Lives => ({
  begin: column('begin', LIFE_COLUMNS.begin),
  asked: column('asked', LIFE_COLUMNS.asked),
  end: column('end', LIFE_COLUMNS.end),
  bytes: column('bytes', LIFE_COLUMNS.bytes),
  address: column('address', LIFE_COLUMNS.address),
  stack: column('stack', LIFE_COLUMNS.stack),
  stream: column('stream', LIFE_COLUMNS.stream),
  mapped: column('mapped', LIFE_COLUMNS.mapped),
})
export const newLives = (): Lives => livesFrom((_, kind) => new Column(kind))

export function addLife(lives: Lives, life: Life): number {
  for (const name of LIFE_NAMES) lives[name].push(life[name])
  return lives.begin.length - 1
}

/** What an entry of the trace begins or ends. */
export const lifeOf = (trace: Trace, row: number, begin: number, end: number): Life => ({
  begin,
  asked: end,
  end,
  bytes: trace.size.at(row) || 0,
  address: trace.address.at(row),
  stack: trace.stack.at(row),
  stream: trace.stream.at(row),
  mapped: trace.actionAt(row) === 'segment_map' || trace.actionAt(row) === 'segment_unmap' ? 1 : 0,
})

/** The old ones in front of those that began within the trace. */
export const inOrder = (old: readonly Life[], begun: Lives): Lives =>
  livesFrom((name, kind) => {
    const values = new KINDS[kind](old.length + begun[name].length)
    old.forEach((life, row) => (values[row] = life[name]))
    values.set(begun[name].held, old.length)
    return new Column(kind, values)
  })

/** Rows, the largest first; of one size the earliest first. Counted, not compared: sizes are few, rows millions. */
export function bySize({ bytes }: Lives): Column {
  const rows = new Map<number, number>()
  for (let row = 0; row < bytes.length; row += 1) rows.set(bytes.at(row), (rows.get(bytes.at(row)) ?? 0) + 1)
  let before = 0
  for (const [size, count] of [...rows].sort(([one], [other]) => other - one)) {
    rows.set(size, before)
    before += count
  }
  const order = new Uint32Array(bytes.length)
  for (let row = 0; row < bytes.length; row += 1) {
    const place = rows.get(bytes.at(row)) ?? 0
    order[place] = row
    rows.set(bytes.at(row), place + 1)
  }
  return new Column('uint32', order)
}
