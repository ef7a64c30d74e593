/** What the fabric of a run is known by: where its ranks stand and run, what its groups transferred, and the cables. */
import type { Coordinates, DetectorWindow, GroupFacts, GroupStepColumns, Place } from '../../analysis/detector'
import { ranksOfGroup } from '../../wire/group-name'
import type { RecordOf } from '../../wire/records'
import type { Store } from '../store/store'
import { jsonAt, numberAt, rowsOf, textAt } from './values'

type Standing = Pick<DetectorWindow, 'coordinates' | 'places'>

const member = (value: unknown, name: string): number | undefined => {
  const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
  return typeof found === 'number' && Number.isInteger(found) && found >= 0 ? found : undefined
}

/** As each rank last said itself. A replica is what has a pipeline of its own: a data index and a context index. */
export async function standing(store: Store, run: string): Promise<Standing> {
  const rows = await store.query(
    `SELECT rank.rank AS rank, argMax(toString(node), time) AS node, argMaxIf(localRank, time, localRank IS NOT NULL) AS localRank,
       argMaxIf(pid, time, pid IS NOT NULL) AS pid,
       argMaxIf(rank.coordinates, time, rank.coordinates != '') AS coordinates
     FROM rank WHERE run = {run:String} AND rank.rank IS NOT NULL GROUP BY rank`,
    { run },
  )
  const places = new Map<number, Place>()
  const said = new Map<number, unknown>()
  for (let row = 0; row < rowsOf(rows); row += 1) {
    const [rank, node] = [numberAt(rows, 'rank', row), textAt(rows, 'node', row)]
    if (rank === null) continue
    const known = (name: string) => numberAt(rows, name, row) ?? undefined
    if (node !== null) places.set(rank, { node, local: known('localRank'), pid: known('pid') })
    const coordinates = jsonAt(rows, 'coordinates', row)
    if (coordinates !== undefined) said.set(rank, coordinates)
  }
  const contexts = 1 + [...said.values()].reduce<number>((most, one) => Math.max(most, member(one, 'cp') ?? 0), 0)
  const coordinates = new Map<number, Coordinates>()
  for (const [rank, one] of said) {
    const data = (member(one, 'dp') ?? 0) * contexts + (member(one, 'cp') ?? 0)
    coordinates.set(rank, { pipeline: member(one, 'pp') ?? 0, data, expert: member(one, 'ep') })
  }
  return {
    places: places.size === 0 ? undefined : places,
    coordinates: coordinates.size === 0 ? undefined : coordinates,
  }
}

/** Groups seen more than this are not kept apart: a window of them would not fit. */
const MOST_GROUPS = 1 << 16

/**
 * Transfers by group and step. Who waits for others inside a collective spends longer than the transfer: it is what the
 * member that waited least spent, so that all members must have told.
 */
export async function groupSteps(
  store: Store,
  run: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<GroupStepColumns | undefined> {
  const told = await store.packed(
    `SELECT CAST(group AS String) AS name, CAST(operation AS String) AS does, argMin(bytes, step) AS groupBytes, groupArray(assumeNotNull(step)) AS steps, groupArray(assumeNotNull(spent)) AS seconds,
       groupArray(members) AS membersOfStep FROM (
       SELECT group, operation, step, min(spent) AS spent, max(sent) AS bytes, count() AS members FROM (
         SELECT toString(collective.group) AS group, collective.step AS step, rank,
           if(collective.operation IN ('send', 'recv'), 'message', toString(collective.operation)) AS operation,
           sum(collective.seconds) AS spent, sum(collective.bytes) AS sent
         FROM collective WHERE run = {run:String} AND collective.step > {from:Float64} AND collective.step <= {to:Float64}
           AND rank IS NOT NULL AND collective.seconds IS NOT NULL
         GROUP BY group, operation, step, rank)
       GROUP BY group, operation, step ORDER BY step)
     GROUP BY group, operation ORDER BY group, operation`,
    { run, from, to },
  )
  const [names, operations, bytes] = [told.texts('name'), told.texts('does'), told.numbers('groupBytes')]
  const [steps, seconds, members] = [told.lists('steps'), told.lists('seconds'), told.lists('membersOfStep')]
  const groups: GroupFacts[] = []
  const column = () => new Float64Array(steps.reduce((sum, { length }) => sum + length, 0))
  const columns = { group: column(), step: column(), seconds: column() }
  let rows = 0
  for (const [row, name] of names.entries()) {
    const ranks = ranksOfGroup(name)
    if (ranks === undefined || ranks.length < 2 || groups.length >= MOST_GROUPS) continue
    const number = groups.push({ name, operation: operations[row] ?? '', ranks, bytes: bytes[row] || NaN }) - 1
    for (const [at, step] of steps[row]?.entries() ?? []) {
      if ((members[row]?.[at] ?? 0) < ranks.length) continue
      columns.group[rows] = number
      columns.step[rows] = step
      columns.seconds[rows] = seconds[row]?.[at] ?? NaN
      rows += 1
    }
  }
  if (groups.length === 0) return undefined
  const { group, step, seconds: transfer } = columns
  return { groups, group: group.subarray(0, rows), step: step.subarray(0, rows), seconds: transfer.subarray(0, rows) }
}

/** As cards say themselves: bits per second by `NODE CARD`, and by `NODE ` the fastest of it. */
async function cardSpeeds(store: Store, nodes: readonly string[]): Promise<Map<string, number>> {
  const rows = await store.query(
    `SELECT toString(link.node) AS node, toString(link.device) AS device, argMax(link.rateBitsPerSecond, time) AS rate FROM link
     WHERE has({nodes:Array(String)}, toString(link.node)) AND link.rateBitsPerSecond > 0 GROUP BY node, device`,
    { nodes },
  )
  const speeds = new Map<string, number>()
  for (let row = 0; row < rowsOf(rows); row += 1) {
    const [node, rate] = [textAt(rows, 'node', row) ?? '', numberAt(rows, 'rate', row) ?? 0]
    speeds.set(`${node} ${textAt(rows, 'device', row) ?? ''}`, rate)
    speeds.set(`${node} `, Math.max(rate, speeds.get(`${node} `) ?? 0))
  }
  return speeds
}

/** Cables as last told, of these nodes and of switches: where a card was plugged in before is past. */
export async function cables(store: Store, nodes: readonly string[]): Promise<RecordOf<'topology'>[]> {
  const rows = await store.query(
    `SELECT max(time) AS at, toString(topology.node) AS node, toString(topology.device) AS device, toString(topology.below) AS below,
       toString(topology.switch) AS switch, argMax(toString(topology.tier), time) AS tier,
       max(topology.rateBitsPerSecond) AS rate
     FROM topology WHERE topology.node IN {nodes:Array(String)} OR topology.node = '' GROUP BY node, device, below, switch`,
    { nodes },
  )
  const speeds = await cardSpeeds(store, nodes)
  const told = Array.from({ length: rowsOf(rows) }, (_, row): RecordOf<'topology'> => {
    const text = (name: string) => textAt(rows, name, row) ?? undefined
    return {
      kind: 'topology',
      time: numberAt(rows, 'at', row) ?? 0,
      node: text('node'),
      device: text('device'),
      below: text('below'),
      switch: text('switch'),
      tier: text('tier'),
      rateBitsPerSecond: numberAt(rows, 'rate', row) ?? speeds.get(`${text('node') ?? ''} ${text('device') ?? ''}`),
    }
  })
  const endOf = ({ node, device, below }: RecordOf<'topology'>) => JSON.stringify([node, device, below])
  const newest = new Map<string, number>()
  for (const cable of told) newest.set(endOf(cable), Math.max(cable.time ?? 0, newest.get(endOf(cable)) ?? 0))
  return told.filter(cable => cable.time === newest.get(endOf(cable)))
}
