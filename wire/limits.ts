/** What the hub takes of one agent: names, defaults and what they count. `--agent-limits runs=512,ranks=1e6` changes them. */
import { z } from 'zod'
import { pairsOf } from '../base/pairs'

export interface Limit {
  readonly default: number
  /** Of what more is refused, as a person is told it. */
  readonly of: string
}
const limit = (most: number, of: string): Limit => ({ default: most, of })

export const LIMITS = {
  batchesPerSecond: limit(200, 'batches a second from one agent'),
  bytesPerSecond: limit(33_554_432, 'bytes a second from one agent'),
  nodes: limit(20_000, 'nodes from one agent within an hour'),
  runs: limit(500, 'runs from one agent within an hour'),
  ranks: limit(200_000, 'ranks from one agent within an hour'),
  devices: limit(200_000, 'devices from one agent within an hour'),
  labels: limit(200_000, 'names of devices, groups, sources and kinds from one agent within an hour'),
  runsInAll: limit(50_000, 'runs that the hub knows'),
  runsOnMetrics: limit(500, 'runs on /metrics'),
} as const satisfies Record<string, Limit>
export type LimitName = keyof typeof LIMITS
export type Limits = Readonly<Record<LimitName, number>>

const names = Object.keys(LIMITS) as readonly LimitName[]
export const LIMIT_NAMES = names
export const DEFAULT_LIMITS = Object.fromEntries(names.map(name => [name, LIMITS[name].default])) as Limits

const most = z.coerce.number({ error: 'not a number' }).min(1, 'give 1 or more')
/** `NAME=NUMBER,…` or a mapping; what is not named has its default. */
export const limitsSchema = z
  .preprocess(
    value => (typeof value === 'string' ? Object.fromEntries(pairsOf(value)) : value),
    z.partialRecord(z.enum(names, { error: `the limits are ${names.join(', ')}` }), most),
  )
  .transform((given): Limits => ({ ...DEFAULT_LIMITS, ...given }))
