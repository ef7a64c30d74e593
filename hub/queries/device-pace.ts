/** How busy devices were, what they drew and how fast they clocked: for runs whose ranks tell nothing of themselves. */
import type { DeviceColumns } from '../../analysis/detector'
import type { Store } from '../store/store'

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
  const columns = await store.packed(
    `SELECT CAST(gpu.node AS String) AS host, index, floor((time - {from:Float64}) / {seconds:Float64}) AS slot,
       avg(utilizationRatio) AS utilizationRatio, avg(powerWatts) AS powerWatts, avg(smClockHertz) AS smClockHertz
     FROM gpu WHERE has({nodes:Array(String)}, toString(node)) AND time >= {from:Float64} AND time < {to:Float64} AND index IS NOT NULL AND instance = ''
     GROUP BY host, index, slot ORDER BY host, index, slot`,
    { nodes, from, to, seconds },
  )
  const devices: { node: string; index: number }[] = []
  const numberOf = new Map<string, number>()
  const indices = columns.numbers('index')
  const device = columns.texts('host').map((node, row) => {
    const index = indices[row] ?? 0
    const own = numberOf.get(`${node} ${index}`) ?? devices.length
    if (own === devices.length) devices.push({ node, index })
    numberOf.set(`${node} ${index}`, own)
    return own
  })
  if (devices.length === 0) return undefined
  return {
    devices,
    device,
    time: columns.numbers('slot').map(slot => from + slot * seconds),
    utilizationRatio: columns.numbers('utilizationRatio'),
    powerWatts: columns.numbers('powerWatts'),
    smClockHertz: columns.numbers('smClockHertz'),
  }
}
