/** The store by URL, alone and as a cluster, against ClickHouse's HTTP interface. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore, type Store } from '../../hub/store/store'
import { startClickHouse, type ServerProcess } from '../server-process'
import { batchOf } from '../unit/records'

let folder: string
let server: ServerProcess | undefined
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'plumbline-cluster-'))))
afterEach(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const steps = async (store: Store) => {
  const { one = [] } = await store.query(
    "SELECT concat(toString(agent), ' ', toString(step)) AS one FROM step ORDER BY one",
  )
  return one
}
const batch = (step: number) =>
  batchOf([
    { kind: 'step', run: 'run\t1', rank: 0, step },
    { kind: 'event', run: 'run\t1', type: 'crash', message: "it's\\" },
  ])

describe.each([
  ['a server', ''],
  ['a cluster', 'prod'],
])('%s by URL', (_, storeCluster) => {
  it('stores each batch once, and goes on where it was', async () => {
    server = await startClickHouse(folder, { cluster: storeCluster })
    const options = { data: folder, store: `${server.url}/plumbline`, storeCluster }
    const first = await openStore(options)
    for (const agent of ['a', 'b']) await first.insert(batch(1), { agent, sequence: 1, receivedAt: first.arrival() })
    await first.insert(batch(2), { agent: 'a', sequence: 2, receivedAt: first.arrival() })
    await first.close()
    const again = await openStore(options)
    expect(again.lastSequence('a')).toBe(2)
    await again.insert(batch(2), { agent: 'a', sequence: 2, receivedAt: again.arrival() })
    await again.insert(batch(3), { agent: 'a', sequence: 3, receivedAt: again.arrival() })
    expect(await steps(again)).toEqual(['a 1', 'a 2', 'a 3', 'b 1'])
    const { message = [] } = await again.query('SELECT message FROM event WHERE run = {run:String}', { run: 'run\t1' })
    expect(message).toEqual(Array(4).fill("it's\\"))
    const { engine = [] } = await again.query(
      "SELECT engine FROM system.tables WHERE database = 'plumbline' AND name = 'step'",
    )
    expect(engine).toEqual([storeCluster === '' ? 'MergeTree' : 'Distributed'])
    await again.close()
  })
})
