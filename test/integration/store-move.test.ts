/** An embedded store moved into a cluster: whole, once, and on after a kill -9. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openEngine } from '../../hub/store/engine'
import { moveStore } from '../../hub/store/move'
import { openStore } from '../../hub/store/store'
import { eventually, plumbline } from '../plumbline'
import { startClickHouse, type ServerProcess } from '../server-process'
import { batchOf } from '../unit/records'

const CLUSTER = 'prod'
const STEPS = 400
/** On a crowded machine three programs take their time to start. */
const SLOW_MS = 300_000
let folder: string
let server: ServerProcess
let url: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-move-'))
  server = await startClickHouse(join(folder, 'server'), { cluster: CLUSTER })
  url = `${server.url}/plumbline`
  const store = await openStore({ data: join(folder, 'hub'), store: '' })
  for (const agent of ["it's\\ a", 'b']) {
    const steps = Array.from({ length: STEPS }, (_, step) => ({
      kind: 'step' as const,
      run: 'r',
      rank: 0,
      step,
      loss: step / 3,
    }))
    await store.insert(batchOf(steps), { agent, sequence: 1, receivedAt: 1_700_000_000 })
    await store.insert(batchOf([{ kind: 'event', run: 'r', type: 'crash' }]), {
      agent,
      sequence: 2,
      receivedAt: 1_700_000_500,
    })
  }
  await store.close()
}, SLOW_MS)
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

const target = () => openEngine({ data: folder, store: url, storeCluster: CLUSTER })
const move = () => plumbline(['store', 'move', '--data', join(folder, 'hub'), '--to', url, '--to-cluster', CLUSTER])
async function stepsThere(): Promise<unknown> {
  const engine = await target()
  const answer = await engine.client.query({
    query: 'SELECT count() AS rows, uniqExact(agent, step) AS different FROM step',
    format: 'JSONEachRow',
  })
  const [row] = await answer.json<{ rows: string; different: string }>()
  await engine.close()
  return { rows: Number(row?.rows), different: Number(row?.different) }
}
const WHOLE = { rows: 2 * STEPS, different: 2 * STEPS }

it(
  'goes on after kill -9, and a second time moves nothing',
  async () => {
    const killed = move()
    await eventually('its first table', () => Promise.resolve(killed.output.stderr.includes('rows (100 %)')), SLOW_MS)
    await killed.kill('SIGKILL')
    const again = move()
    expect((await again.ended).code, again.output.stderr).toBe(0)
    expect(await stepsThere()).toEqual(WHOLE)
    const third = move()
    await third.ended
    const said = /^(\d+) rows of \d+ tables are there and the same, (\d+) of them from before/m.exec(
      String(third.output.stdout),
    )
    expect(said?.[1]).toBe(said?.[2])
    expect(await stepsThere()).toEqual(WHOLE)
  },
  SLOW_MS,
)

it('mends what an interrupted slice left in parts', async () => {
  const [from, to] = [await openEngine({ data: join(folder, 'hub'), store: '' }), await target()]
  await to.define("ALTER TABLE `step` DELETE WHERE agent != 'b' AND step < 100 SETTINGS mutations_sync = 2")
  const moved = await moveStore({ from, to, progress: () => undefined })
  expect(moved.find(({ table }) => table === 'step')).toEqual({ table: 'step', rows: 2 * STEPS, present: STEPS })
  await Promise.all([from.close(), to.close()])
  expect(await stepsThere()).toEqual(WHOLE)
})

it(
  'tells what a store holds',
  async () => {
    const info = plumbline(['store', 'info', '--store', url, '--store-cluster', CLUSTER, '--json'])
    expect((await info.ended).code, info.output.stderr).toBe(0)
    const tables = JSON.parse(String(info.output.stdout)) as { table: string }[]
    const step = tables.find(({ table }) => table === 'step')
    expect(step).toMatchObject({ rows: 2 * STEPS, oldest: 1_700_000_000, newest: 1_700_000_000 })
    expect(tables.map(({ table }) => table)).not.toContain('step_local')
  },
  SLOW_MS,
)
