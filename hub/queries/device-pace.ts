/** How busy devices were, what they drew and how fast they clocked: for runs whose ranks tell nothing of themselves. */
import type { DeviceColumns } from '../../analysis/detector'
import type { Store } from '../store/store'
import { numberAt, numbers, rowsOf, textAt } from './values'

/** Stretches of time: detectors look at blocks of eight. */
const STRETCHES = 32

/** Undefined where there is no device. `from` and `to` in Unix seconds. */
export async function devicePace(
  store: Store,
  nodes: readonly string[],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<DeviceColumns | undefined> {
  if (!(to > from) || nodes.length === 0) return undefined
  const seconds = (to - from) / STRETCHES
  const columns = await store.query(
    `SELECT toString(node) AS node, index, floor((time - {from:Float64}) / {seconds:Float64}) AS slot,
       avg(utilizationRatio) AS utilizationRatio, avg(powerWatts) AS powerWatts, avg(smClockHertz) AS smClockHertz
     FROM gpu WHERE has({nodes:Array(String)}, toString(node)) AND time >= {from:Float64} AND time < {to:Float64} AND index IS NOT NULL AND instance = ''
     GROUP BY node, index, slot ORDER BY node, index, slot`,
    { nodes, from, to, seconds },
  )
  const devices: { node: string; index: number }[] = []
  const numberOf = new Map<string, number>()
  const device = Array.from({ length: rowsOf(columns) }, (_, row) => {
    const [node, index] = [textAt(columns, 'node', row) ?? '', numberAt(columns, 'index', row) ?? 0]
    const own = numberOf.get(`${node} ${index}`) ?? devices.length
    if (own === devices.length) devices.push({ node, index })
    numberOf.set(`${node} ${index}`, own)
    return own
  })
  if (devices.length === 0) return undefined
  const of = (name: string) => Float64Array.from(numbers(columns, name), value => value ?? NaN)
  return {
    devices,
    device,
    time: of('slot').map(slot => from + slot * seconds),
    utilizationRatio: of('utilizationRatio'),
    powerWatts: of('powerWatts'),
    smClockHertz: of('smClockHertz'),
  }
}
