/** What flows between the nodes of a run: an address is the node’s from which something was sent with it. */
import type { FlowStepColumns } from '../../analysis/detector'
import type { Store } from '../store/store'
import { rowsOf, textAt } from './values'

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
  const told = await store.packed(
    `SELECT CAST(node AS String) AS sender, CAST(remote AS String) AS address, groupArray(step) AS steps, groupArray(sent) AS bytes, groupArray(busy) AS busySeconds FROM (
       SELECT toString(flow.node) AS node, toString(flow.remote) AS remote, assumeNotNull(flow.step) AS step,
         ifNull(sum(flow.bytes), nan) AS sent, ifNull(max(flow.busySeconds), nan) AS busy
       FROM flow WHERE run = {run:String} AND flow.step > {from:Float64} AND flow.step <= {to:Float64}
       GROUP BY node, remote, step ORDER BY step)
     GROUP BY node, remote ORDER BY node, remote`,
    { run, from, to },
  )
  const [senders, remotes, steps] = [told.texts('sender'), told.texts('address'), told.lists('steps')]
  const [bytes, busySeconds] = [told.lists('bytes'), told.lists('busySeconds')]
  const numbers = new Map<string, number>()
  const paths: { from: string; to: string }[] = []
  const columns = {
    path: [] as number[],
    step: [] as number[],
    bytes: [] as number[],
    busySeconds: [] as number[],
  }
  for (const [row, sender] of senders.entries()) {
    const receiver = nodeOf.get(remotes[row] ?? '')
    if (sender === '' || receiver === undefined || sender === receiver) continue
    const key = `${sender}\n${receiver}`
    const number = numbers.get(key) ?? paths.push({ from: sender, to: receiver }) - 1
    numbers.set(key, number)
    for (const [at, step] of steps[row]?.entries() ?? []) {
      columns.path.push(number)
      columns.step.push(step)
      columns.bytes.push(bytes[row]?.[at] ?? NaN)
      columns.busySeconds.push(busySeconds[row]?.[at] ?? NaN)
    }
  }
  return paths.length === 0 ? undefined : { paths, ...columns }
}
