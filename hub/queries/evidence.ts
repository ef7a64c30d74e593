/** What devices, hosts and cards of some nodes were like since a moment: the evidence beside findings. */
import type { CardSample, DeviceSample, HostSample, Samples } from '../../analysis/signs'
import type { RecordOf } from '../../wire/records'
import type { Columns, Store } from '../store/store'
import { numberAt, rowsOf, textAt } from './values'

interface Span {
  readonly since: number
  readonly until: number
}

const WHERE = 'has({nodes:Array(String)}, toString(node)) AND time BETWEEN {since:Float64} AND {until:Float64}'

const known = (columns: Columns, name: string, row: number) => numberAt(columns, name, row) ?? undefined
const rowsAs = <T>(columns: Columns, of: (row: number) => T) =>
  Array.from({ length: rowsOf(columns) }, (_, row) => of(row))

/** `rankOf` a device of a node, where a rank of the run drives it. */
async function devices(
  store: Store,
  nodes: readonly string[],
  { since, until }: Span,
  rankOf: (node: string, index: number) => number | undefined,
): Promise<DeviceSample[]> {
  const rows = await store.query(
    `SELECT toString(node) AS node, index, avg(smClockHertz) AS smClockHertz, avg(powerWatts) AS powerWatts, avg(powerLimitWatts) AS powerLimitWatts,
       avg(temperatureCelsius) AS temperatureCelsius, min(pcieGeneration) AS pcieGeneration, min(pcieWidth) AS pcieWidth,
       max(eccUncorrectedErrors) - min(eccUncorrectedErrors) AS eccUncorrectedErrors, max(eccCorrectedErrors) - min(eccCorrectedErrors) AS eccCorrectedErrors,
       max(remappedRowsUncorrectable) - min(remappedRowsUncorrectable) AS remappedRowsUncorrectable,
       max(if(processes = '', NULL, JSONLength(processes))) AS processes,
       groupUniqArrayArrayIf(16)(JSONExtract(throttleReasons, 'Array(String)'), throttleReasons != '') AS reasons
     FROM gpu WHERE ${WHERE} AND index IS NOT NULL AND instance = '' GROUP BY node, index`,
    { nodes, since, until },
  )
  return rowsAs(rows, row => {
    const [node, index] = [textAt(rows, 'node', row) ?? '', numberAt(rows, 'index', row) ?? -1]
    const reasons = rows['reasons']?.[row]
    return {
      node,
      rank: rankOf(node, index),
      smClockHertz: known(rows, 'smClockHertz', row),
      powerWatts: known(rows, 'powerWatts', row),
      powerLimitWatts: known(rows, 'powerLimitWatts', row),
      temperatureCelsius: known(rows, 'temperatureCelsius', row),
      pcieGeneration: known(rows, 'pcieGeneration', row),
      pcieWidth: known(rows, 'pcieWidth', row),
      eccUncorrectedErrors: known(rows, 'eccUncorrectedErrors', row),
      eccCorrectedErrors: known(rows, 'eccCorrectedErrors', row),
      remappedRowsUncorrectable: known(rows, 'remappedRowsUncorrectable', row),
      processes: known(rows, 'processes', row),
      throttleReasons: Array.isArray(reasons) ? reasons.map(String) : undefined,
    }
  })
}

async function hosts(store: Store, nodes: readonly string[], { since, until }: Span): Promise<HostSample[]> {
  const rows = await store.query(
    `SELECT toString(node) AS node, avg(cpuStealRatio) AS cpuStealRatio, avg(cpuIoWaitRatio) AS cpuIoWaitRatio,
       avg(cpuUtilizationRatio) AS cpuUtilizationRatio, max(swapUsedBytes) AS swapUsedBytes
     FROM host WHERE ${WHERE} GROUP BY node`,
    { nodes, since, until },
  )
  return rowsAs(rows, row => ({
    node: textAt(rows, 'node', row) ?? '',
    cpuStealRatio: known(rows, 'cpuStealRatio', row),
    cpuIoWaitRatio: known(rows, 'cpuIoWaitRatio', row),
    cpuUtilizationRatio: known(rows, 'cpuUtilizationRatio', row),
    swapUsedBytes: known(rows, 'swapUsedBytes', row),
  }))
}

/** Growth of each error counter; a counter that fell was reset, and says nothing. */
async function cards(store: Store, nodes: readonly string[], { since, until }: Span): Promise<CardSample[]> {
  const rows = await store.query(
    `SELECT toString(node) AS node, toString(device) AS device, argMax(rateBitsPerSecond, time) AS rate,
       argMinIf(errors, time, errors != '') AS before, argMaxIf(errors, time, errors != '') AS after
     FROM link WHERE ${WHERE} GROUP BY node, device`,
    { nodes, since, until },
  )
  return rowsAs(rows, row => {
    const [before, after] = [countersAt(rows, 'before', row), countersAt(rows, 'after', row)]
    const errors = Object.fromEntries(
      Object.entries(after).flatMap(([name, value]) => {
        const grown = value - (before[name] ?? NaN)
        return grown >= 0 ? [[name, grown]] : []
      }),
    )
    return {
      node: textAt(rows, 'node', row) ?? '',
      device: textAt(rows, 'device', row) ?? '',
      rateBitsPerSecond: known(rows, 'rate', row),
      errors,
    }
  })
}

function countersAt(columns: Columns, name: string, row: number): Record<string, number> {
  try {
    const value: unknown = JSON.parse(textAt(columns, name, row) ?? '{}')
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
    return Object.fromEntries(entries.flatMap(([key, count]) => (typeof count === 'number' ? [[key, count]] : [])))
  } catch {
    return {}
  }
}

export async function samplesOf(
  store: Store,
  run: string,
  asked: Span & { readonly nodes: readonly string[]; readonly events: readonly RecordOf<'event'>[] },
): Promise<Samples> {
  const { nodes, events } = asked
  const rows = await store.query(
    `SELECT rank.rank AS rank, argMax(toString(node), time) AS node, argMax(gpuIndex, time) AS gpuIndex
     FROM rank WHERE run = {run:String} AND rank.rank IS NOT NULL AND has({nodes:Array(String)}, toString(rank.node)) GROUP BY rank`,
    { run, nodes },
  )
  const ranks = new Map<string, number>()
  for (let row = 0; row < rowsOf(rows); row += 1) {
    const [rank, index] = [numberAt(rows, 'rank', row), numberAt(rows, 'gpuIndex', row)]
    if (rank !== null && index !== null) ranks.set(`${textAt(rows, 'node', row) ?? ''} ${index}`, rank)
  }
  return {
    events,
    devices: await devices(store, nodes, asked, (node, index) => ranks.get(`${node} ${index}`)),
    hosts: await hosts(store, nodes, asked),
    cards: await cards(store, nodes, asked),
  }
}
