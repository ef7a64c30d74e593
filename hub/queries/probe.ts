/** The newest probe that saw nodes of a run. */
import type { ProbeReport } from '../../wire/probe'
import type { Store } from '../store/store'
import { numberAt, rowsOf, textAt } from './values'

const MOST_ROWS = 100_000

type Measured = Omit<ProbeReport, 'verdicts'>

/** Undefined where none did. */
export async function newestProbe(store: Store, nodes: readonly string[]): Promise<Measured | undefined> {
  const newest = await store.query(
    `SELECT toString(probe.probe) AS probe, max(time) AS at FROM probe
     WHERE has({nodes:Array(String)}, toString(probe.node)) GROUP BY probe ORDER BY at DESC LIMIT 1`,
    { nodes },
  )
  const probe = textAt(newest, 'probe', 0)
  if (probe === null) return undefined
  const rows = await store.query(
    `SELECT toString(probe.node) AS node, toString(peer) AS peer, toString(operation) AS operation, toString(device) AS device,
       toString(probe.name) AS name, toString(dtype) AS dtype, probe.bytes AS bytes, bytesPerSecond, flopsPerSecond, roundTripSeconds
     FROM probe WHERE probe.probe = {probe:String} LIMIT ${MOST_ROWS}`,
    { probe },
  )
  const found: Measured = {
    probe,
    time: numberAt(newest, 'at', 0) ?? 0,
    nodes: [],
    pairs: [],
    products: [],
    groups: [],
  }
  const seen = new Set<string>()
  for (let row = 0; row < rowsOf(rows); row += 1) {
    const text = (name: string) => textAt(rows, name, row) ?? ''
    const [node, peer, operation] = [text('node'), text('peer'), text('operation')]
    const [bytes, bytesPerSecond] = [numberAt(rows, 'bytes', row), numberAt(rows, 'bytesPerSecond', row)]
    const flopsPerSecond = numberAt(rows, 'flopsPerSecond', row)
    if (operation === 'matmul' && flopsPerSecond !== null)
      found.products.push({ node, device: text('device'), name: text('name'), dtype: text('dtype'), flopsPerSecond })
    if (operation === 'all-reduce' && bytesPerSecond !== null)
      found.groups.push({ nodes: peer.split(','), backend: text('device'), bytes, busBytesPerSecond: bytesPerSecond })
    if (operation === 'send' && bytesPerSecond !== null) {
      found.pairs.push({
        from: node,
        to: peer,
        bytesPerSecond,
        roundTripSeconds: numberAt(rows, 'roundTripSeconds', row),
      })
      seen.add(node).add(peer)
    }
  }
  const order = new Intl.Collator('en', { numeric: true })
  return { ...found, nodes: [...seen].sort(order.compare) }
}
