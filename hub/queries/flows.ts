/** What flows between the nodes of a run: an address is the node’s from which something was sent with it. */
import type { FlowStepColumns } from '../../analysis/detector'
import type { Store } from '../store/store'
import { numberAt, rowsOf, textAt } from './values'

/** Undefined where no flow is known. What several ranks send the same way goes side by side: the longest of them counts. */
export async function flowSteps(
  store: Store,
  run: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<FlowStepColumns | undefined> {
  const owners = await store.query(
    `SELECT toString(flow.local) AS address, argMax(toString(flow.node), time) AS node FROM flow
     WHERE run = {run:String} AND flow.node != '' GROUP BY address LIMIT 65536`,
    { run },
  )
  const nodeOf = new Map<string, string>()
  for (let row = 0; row < rowsOf(owners); row += 1)
    nodeOf.set(textAt(owners, 'address', row) ?? '', textAt(owners, 'node', row) ?? '')
  if (nodeOf.size === 0) return undefined
  const rows = await store.query(
    `SELECT toString(flow.node) AS node, toString(flow.remote) AS remote, flow.step AS step, sum(flow.bytes) AS bytes,
       max(flow.busySeconds) AS busySeconds
     FROM flow WHERE run = {run:String} AND flow.step > {from:Float64} AND flow.step <= {to:Float64}
     GROUP BY node, remote, step ORDER BY node, remote, step`,
    { run, from, to },
  )
  const numbers = new Map<string, number>()
  const paths: { from: string; to: string }[] = []
  const columns = {
    path: [] as number[],
    step: [] as number[],
    bytes: [] as number[],
    busySeconds: [] as number[],
  }
  for (let row = 0; row < rowsOf(rows); row += 1) {
    const [sender, receiver] = [textAt(rows, 'node', row), nodeOf.get(textAt(rows, 'remote', row) ?? '')]
    if (sender === null || receiver === undefined || sender === receiver) continue
    const key = `${sender}\n${receiver}`
    const number = numbers.get(key) ?? paths.push({ from: sender, to: receiver }) - 1
    numbers.set(key, number)
    columns.path.push(number)
    columns.step.push(numberAt(rows, 'step', row) ?? NaN)
    columns.bytes.push(numberAt(rows, 'bytes', row) ?? NaN)
    columns.busySeconds.push(numberAt(rows, 'busySeconds', row) ?? NaN)
  }
  return paths.length === 0 ? undefined : { paths, ...columns }
}
