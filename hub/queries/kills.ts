/** What the kernel told of the run's processes: it knows their ids, not the run. */
import type { RecordOf } from '../../wire/records'
import { endOf, type RunFacts } from '../run-facts'
import type { Store } from '../store/store'
import { eventRecords } from './run'
import { numberAt, rowsOf, textAt } from './values'

type Event = RecordOf<'event'>

/** Seconds between a kill and what comes of it; dmesg's clock drifts. */
const BESIDE_SECONDS = 30
const KILLED = 137
const FIGURES = ['time', 'pid', 'capacityBytes', 'processBytes'] as const
const TEXTS = ['node', 'message', 'meaning', 'fix', 'device'] as const

async function rankOfPid(store: Store, run: string): Promise<Map<string, number>> {
  const rows = await store.query(
    'SELECT DISTINCT toString(node) AS node, pid, rank FROM rank WHERE run = {run:String} AND pid IS NOT NULL AND rank IS NOT NULL',
    { run },
  )
  return new Map(
    Array.from({ length: rowsOf(rows) }, (_, row) => [
      `${textAt(rows, 'node', row)} ${numberAt(rows, 'pid', row)}`,
      numberAt(rows, 'rank', row) ?? 0,
    ]),
  )
}

/**
 * Kills for memory on the run's nodes while it ran: of its ranks, by their process ids; in a container, whose ids are others than the
 * kernel's, any shortly before the run ended by a kill.
 */
export async function ownKills(store: Store, facts: RunFacts): Promise<Event[]> {
  const end = endOf(facts)
  const rows = await store.query(
    `SELECT time, pid, capacityBytes, processBytes, toString(node) AS node, message, meaning, fix, device FROM event
     WHERE run = '' AND type = 'host-oom' AND node IN {nodes:Array(String)} AND time BETWEEN {from:Float64} AND {to:Float64} ORDER BY time LIMIT 100`,
    {
      nodes: [...facts.nodes],
      from: facts.startedAt,
      to: (end?.endedAt ?? facts.lastSeenAt) + BESIDE_SECONDS,
    },
  )
  if (rowsOf(rows) === 0) return []
  const ranks = await rankOfPid(store, facts.run)
  return Array.from({ length: rowsOf(rows) }, (_, row): Event[] => {
    const figures = FIGURES.map(name => [name, numberAt(rows, name, row) ?? undefined])
    const texts = TEXTS.map(name => [name, textAt(rows, name, row) ?? undefined])
    const rank = ranks.get(`${textAt(rows, 'node', row)} ${numberAt(rows, 'pid', row)}`)
    const time = numberAt(rows, 'time', row) ?? 0
    const isOfItsEnd = end?.exitCode === KILLED && Math.abs(end.endedAt - time) <= BESIDE_SECONDS
    if (rank === undefined && !isOfItsEnd) return []
    return [{ kind: 'event', type: 'host-oom', run: facts.run, rank, ...Object.fromEntries([...figures, ...texts]) }]
  }).flat()
}

/** All events of a run, with what the kernel told of its processes. */
export async function eventsWithKills(store: Store, facts: RunFacts): Promise<Event[]> {
  return [...(await eventRecords(store, facts.run)), ...(await ownKills(store, facts))]
}
