/** When a run is looked at: with its real store, its looks counted. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sleep, unixSeconds } from '../../base/clock'
import { Keeper } from '../../hub/findings/keeper'
import { Runs } from '../../hub/runs'
import { openStore, type Store } from '../../hub/store/store'
import type { WireRecord } from '../../wire/records'
import { Batch } from '../../wire/table'

const AGENT = 'an-agent'
const RUN = 'a-run'
const node = 'a-node'
let folder: string
let store: Store
let runs: Runs
let keeper: Keeper
let sequence = 0

async function tell(...records: WireRecord[]): Promise<void> {
  const batch = new Batch()
  for (const record of records) batch.table(record.kind).add(record)
  const receivedAt = store.arrival()
  await store.insert(batch, { agent: AGENT, sequence: (sequence += 1), receivedAt })
  runs.fold(batch, AGENT, receivedAt)
}
const step = (number: number, rank: number): WireRecord => ({
  kind: 'step',
  run: RUN,
  node,
  rank,
  step: number,
  stepSeconds: 5,
  time: unixSeconds(),
})

describe('a run that goes on', () => {
  /** Each look asks once for its steps of ranks. */
  let looks = 0
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plumbline-keeper-'))
    store = await openStore({ data: folder, store: '' })
    runs = new Runs(store, () => true)
    const counted: Store = {
      ...store,
      packed(sql, parameters) {
        if (sql.includes('peakBytes')) looks += 1
        return store.packed(sql, parameters)
      },
    }
    keeper = new Keeper({
      store: counted,
      runs,
      turn: () => Promise.resolve(true),
      holds: () => true,
      tell: () => undefined,
      log: console.error,
    })
    await keeper.start()
  })
  afterAll(async () => {
    await keeper.close()
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is looked at once for a step, however its ranks come, and at once for an event', async () => {
    await tell(step(1, 0))
    await expect.poll(() => looks, { timeout: 20_000 }).toBe(1)
    for (let rank = 1; rank < 10; rank += 1) {
      await tell(step(1, rank))
      await sleep(500)
    }
    expect(looks).toBe(1)
    await tell(step(2, 0))
    await expect.poll(() => looks, { timeout: 20_000 }).toBe(2)
    await sleep(3000)
    expect(looks).toBe(2)
    await tell({ kind: 'event', run: RUN, node, type: 'crash', message: 'killed', time: unixSeconds() })
    await expect.poll(() => looks, { timeout: 20_000 }).toBe(3)
  })
})
