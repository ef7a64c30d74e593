/** What the logs of a run said. */
import type { LogLine } from '../../wire/api'
import type { Store } from '../store/store'
import { numberAt, rowsOf, textAt } from './values'

export interface LineQuestion {
  readonly from: number
  readonly to: number
  readonly limit: number
}

/** The newest `limit` lines between `from` and `to`, Unix seconds, in the order in which they were said. */
export async function logLines(store: Store, run: string, { from, to, limit }: LineQuestion): Promise<LogLine[]> {
  const columns = await store.query(
    `SELECT time, toString(node) AS node, rank, toString(source) AS source, text FROM line
     WHERE run = {run:String} AND time BETWEEN {from:Float64} AND {to:Float64} ORDER BY time DESC LIMIT {limit:UInt32}`,
    { run, from, to, limit },
  )
  return Array.from({ length: rowsOf(columns) }, (_, row) => ({
    time: numberAt(columns, 'time', row) ?? 0,
    node: textAt(columns, 'node', row),
    rank: numberAt(columns, 'rank', row),
    source: textAt(columns, 'source', row) ?? 'log',
    text: textAt(columns, 'text', row) ?? '',
  })).reverse()
}
