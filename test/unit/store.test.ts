import { cpSync, mkdtempSync, rmSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PlumblineError } from '../../base/errors'
import { Runs } from '../../hub/runs'
import { endOf, type RunFacts } from '../../hub/run-facts'
import { Folding } from '../../hub/roll-ups/folding'
import { columnsOf } from '../../hub/store/columns'
import { openEngine } from '../../hub/store/engine'
import { migrations } from '../../hub/store/migrations/index'
import { Gathered } from '../../hub/store/gathered'
import type { Origin } from '../../hub/store/native'
import { openStore, type Store } from '../../hub/store/store'
import type { WireRecord } from '../../wire/records'
import type { Batch } from '../../wire/table'
import { batchOf } from './records'

let data: string
beforeEach(() => (data = mkdtempSync(join(tmpdir(), 'plumbline-store-'))))
afterEach(() => rmSync(data, { recursive: true, force: true }))

const open = () => openStore({ data, store: '' })
async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = await open()
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** Two tables in one batch, so that a batch can be half stored. */
const batch = (agent: string, sequence: number): WireRecord[] => [
  { kind: 'step', run: agent, step: sequence, rank: 0 },
  { kind: 'event', run: agent, type: 'crash', message: String(sequence) },
]
const rowsOf = async (store: Store, kind: string, column: string) => {
  const { agent = [], value = [] } = await store.query(
    `SELECT toString(agent) AS agent, toString(${column}) AS value FROM ${kind} ORDER BY agent, sequence`,
  )
  return agent.map((name, row) => `${String(name)} ${String(value[row])}`).sort()
}

/** What a hub that dies between the tables of a batch leaves: the first alone is there. */
async function storeInParts(whole: Batch, origin: Origin): Promise<void> {
  const engine = await openEngine({ data, store: '' })
  const types = new Map([
    ['run', 'LowCardinality(String)'],
    ['step', 'Nullable(Float64)'],
    ['rank', 'Nullable(Float64)'],
    ['time', 'Float64'],
    ['agent', 'LowCardinality(String)'],
  ])
  const gathered = new Gathered(types)
  gathered.add(whole.table('step'), origin)
  await engine.insert('step', gathered.block())
  await engine.close()
}

describe('the store', () => {
  it('stores each batch once, however often it comes and wherever the hub dies meanwhile', async () => {
    const delivery = fc.record({ agent: fc.constantFrom('a', 'b'), resend: fc.nat(2), reopen: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(delivery, { minLength: 1, maxLength: 6 }), async deliveries => {
        rmSync(data, { recursive: true, force: true })
        let store = await open()
        const next = new Map<string, number>()
        for (const { agent, resend, reopen } of deliveries) {
          const sequence = (next.get(agent) ?? 0) + 1
          next.set(agent, sequence)
          const whole = batchOf(batch(agent, sequence))
          const origin = { agent, sequence, receivedAt: 1 }
          if (reopen) {
            await store.close()
            await storeInParts(batchOf(batch(agent, sequence)), origin)
            store = await open()
            expect(store.lastSequence(agent)).toBeLessThan(sequence)
          }
          for (let time = 0; time <= resend; time += 1) await store.insert(whole, origin)
          expect(store.lastSequence(agent)).toBe(sequence)
        }
        const expected = [...next]
          .flatMap(([agent, last]) => Array.from({ length: last }, (_, i) => `${agent} ${i + 1}`))
          .sort()
        expect(await rowsOf(store, 'step', 'step.step')).toEqual(expected)
        expect(await rowsOf(store, 'event', 'message')).toEqual(expected)
        await store.close()
      }),
      { numRuns: 4 },
    )
  })

  it('stores once what comes several times while another commit is under way', async () => {
    await withStore(async store => {
      const insert = (agent: string, sequence: number) =>
        store.insert(batchOf(batch(agent, sequence)), { agent, sequence, receivedAt: 1 })
      await Promise.all([
        insert('z', 1),
        insert('a', 1),
        insert('a', 1),
        insert('a', 2),
        insert('a', 1),
        insert('a', 2),
      ])
      expect(await rowsOf(store, 'step', 'step.step')).toEqual(['a 1', 'a 2', 'z 1'])
      expect(store.lastSequence('a')).toBe(2)
    })
  })

  it('stores a few batches as they come, and many that come one by one together', async () => {
    await withStore(async store => {
      const inserts = async () => {
        const { value = [] } = await store.query("SELECT value FROM system.events WHERE event = 'InsertQuery'")
        return Number(value[0])
      }
      const send = (agent: string) =>
        store.insert(batchOf([{ kind: 'event', run: 'r', type: 'crash' }]), { agent, sequence: 1, receivedAt: 1 })
      const before = await inserts()
      for (let at = 0; at < 10; at += 1) await send(`few-${at}`)
      const between = await inserts()
      expect(between - before).toBeGreaterThanOrEqual(10)
      const many: Promise<void>[] = []
      for (let at = 0; at < 100; at += 1) {
        many.push(send(`many-${at}`))
        await new Promise(done => setTimeout(done, 60))
      }
      await Promise.all(many)
      expect((await inserts()) - between).toBeLessThan(70)
      expect(await rowsOf(store, 'event', 'type')).toHaveLength(110)
    })
  })

  it('closes after what runs in it, and then says that it is closed', async () => {
    const store = await open()
    const slow = store.query('SELECT sum(number) AS sum FROM numbers(200000000)')
    await store.close()
    expect((await slow)['sum']).toHaveLength(1)
    await expect(store.query('SELECT 1')).rejects.toThrow('the store is closed')
  })

  it('refuses the tables of a newer Plumbline', async () => {
    await withStore(store => store.query('SELECT 1'))
    const engine = await openEngine({ data, store: '' })
    await engine.client.command({ query: "INSERT INTO migrations VALUES (999, 'of tomorrow', 0)" })
    await engine.close()
    await expect(open()).rejects.toThrow(/newer Plumbline.*999/)
  })

  it('knows what is there in parts through a second crash, however much came from others between', async () => {
    const half = { agent: 'a', sequence: 1, receivedAt: 1000 }
    await withStore(() => Promise.resolve())
    await storeInParts(batchOf(batch('a', 1)), half)
    await withStore(store => store.insert(batchOf(batch('b', 1)), { agent: 'b', sequence: 1, receivedAt: 2000 }))
    await withStore(async store => {
      expect(store.lastSequence('a')).toBe(0)
      await store.insert(batchOf(batch('a', 1)), { ...half, receivedAt: 3000 })
      expect(await rowsOf(store, 'step', 'step')).toEqual(['a 1', 'b 1'])
      expect(await rowsOf(store, 'event', 'message')).toEqual(['a 1', 'b 1'])
    })
  })

  it('of a release before opens, with all that is in it, and a backup of it as it was', async () => {
    const before = await openEngine({ data, store: '' })
    const run = (query: string) => before.client.command({ query })
    await run(
      'CREATE TABLE migrations (version UInt32, name String, appliedAt Float64) ENGINE = MergeTree ORDER BY version',
    )
    for (const { version, name, statements } of migrations.filter(({ version }) => version <= 13)) {
      for (const statement of statements) await run(statement)
      await run(`INSERT INTO migrations VALUES (${version}, '${name}', 0)`)
    }
    const september = 1_789_000_000
    await run(
      `INSERT INTO gpu (time, node, index, powerWatts, pcieReceiveBytesPerSecond, throttleReasons, agent, sequence, receivedAt)
       SELECT ${september} + number * 3600, 'n', 0, number, if(number % 2 = 0, NULL, number * 1e6 + 0.25), '["sw-power-cap"]', 'a', number, ${september} + number * 3600 FROM numbers(1000)`,
    )
    await run(
      `INSERT INTO step (time, run, rank, step, phases, agent, sequence, receivedAt) SELECT ${september} + number, 'r', 0, number, '{"forward":{"seconds":0.5}}', 'a', number, ${september} FROM numbers(100)`,
    )
    await before.close()

    await withStore(async store => {
      const rows = await store.query('SELECT count() AS rows, sum(powerWatts) AS watts FROM gpu')
      expect(rows).toEqual({ rows: [1000], watts: [499_500] })
      expect(await store.query('SELECT count() AS rows, sum(forwardSeconds) AS seconds FROM step')).toEqual({
        rows: [100],
        seconds: [50],
      })
      // What is not yet rewritten in its new type reads as it will.
      expect(
        await store.query(
          'SELECT max(pcieReceiveBytesPerSecond) AS most, count(pcieReceiveBytesPerSecond) AS known, countIf(throttleReasons = \'["sw-power-cap"]\') AS held FROM gpu',
        ),
      ).toEqual({ most: [999e6], known: [500], held: [1000] })
      await vi.waitFor(async () => {
        const mutations = await store.query('SELECT countIf(NOT is_done) AS open, count() AS all FROM system.mutations')
        expect(Number(mutations['all']?.[0])).toBeGreaterThan(2)
        expect(Number(mutations['open']?.[0])).toBe(0)
      }, 20_000)
      const written = await store.query(
        "SELECT column FROM system.parts_columns WHERE active AND table = 'step' AND startsWith(column, 'forward')",
      )
      expect(written['column']).toEqual(['forwardNanoseconds'])
      expect(await store.query('SELECT sum(forwardSeconds) AS seconds FROM step')).toEqual({ seconds: [50] })
      const parts = await store.query(
        "SELECT uniqExact(partition) AS days FROM system.parts WHERE active AND table = 'gpu'",
      )
      expect(Number(parts['days']?.[0])).toBeGreaterThan(40)
    })

    // The backup is a store of its own, untouched by what came after.
    const restored = mkdtempSync(join(tmpdir(), 'plumbline-restored-'))
    try {
      cpSync(join(data, 'backups', 'tables-13'), join(restored, 'store'), { recursive: true, verbatimSymlinks: true })
      const old = await openEngine({ data: restored, store: '' })
      expect(await columnsOf(old, 'SELECT max(version) AS version FROM migrations')).toEqual({ version: [13] })
      expect(await columnsOf(old, 'SELECT count() AS rows FROM gpu')).toEqual({ rows: [1000] })
      await old.close()
    } finally {
      rmSync(restored, { recursive: true, force: true })
    }
  })

  it('has rates in whole bytes, whatever an agent says', async () => {
    await withStore(async store => {
      const rates = [1.5e11, 0.4, -1.5e10, 5e9 - 0.4, 1e300, undefined]
      const batch = batchOf(
        rates.map((rate, index): WireRecord => ({
          ...{ kind: 'gpu', node: 'n', index },
          ...(rate !== undefined && { nvlinkReceiveBytesPerSecond: rate }),
        })),
      )
      await store.insert(batch, { agent: 'a', sequence: 1, receivedAt: 1 })
      const { rate } = await store.query('SELECT nvlinkReceiveBytesPerSecond AS rate FROM gpu ORDER BY index')
      expect(rate).toEqual([1.5e11, 0, -1.5e10, 5e9, Number.MAX_SAFE_INTEGER, null])
    })
  })

  it.skipIf(process.platform !== 'linux')('lets merges give way to what answers', async () => {
    await withStore(() => {
      const nice = (thread: string) =>
        readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')[16]
      const merging = readdirSync('/proc/self/task').filter(
        thread => readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim() === 'MergeMutate',
      )
      expect(merging.length).toBeGreaterThan(0)
      expect(new Set(merging.map(nice))).toEqual(new Set(['10']))
      expect(nice(String(process.pid))).toBe('0')
      return Promise.resolve()
    })
  })

  it('refuses a folder that another hub uses', async () => {
    const { writeFileSync } = await import('node:fs')
    writeFileSync(join(data, 'hub.lock'), String(process.ppid))
    const error: unknown = await open().catch((refusal: unknown) => refusal)
    expect(error).toBeInstanceOf(PlumblineError)
    expect((error as PlumblineError).fix).toContain('--data')
  })

  it('binds what it is given: a name is never a piece of SQL', async () => {
    await withStore(async store => {
      const name = "'; DROP TABLE step; --\\"
      await store.insert(batchOf([{ kind: 'step', run: name, step: 1 }]), { agent: 'a', sequence: 1, receivedAt: 1 })
      const { run = [] } = await store.query('SELECT toString(run) AS run FROM step WHERE run = {name:String}', {
        name,
      })
      expect(run).toEqual([name])
    })
  })
})

const state = fc.constantFrom('started' as const, 'running' as const, 'ended' as const)
const fact: fc.Arbitrary<WireRecord> = fc.oneof(
  fc.record({
    kind: fc.constant('run' as const),
    run: fc.constantFrom('r', 's'),
    node: fc.constantFrom('n', 'm'),
    state,
    exitCode: fc.option(fc.constantFrom(0, 1, 137), { nil: undefined }),
    name: fc.option(fc.constantFrom('one', 'two'), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('step' as const),
    run: fc.constantFrom('r', 's'),
    node: fc.constantFrom('n', 'm'),
    step: fc.option(fc.nat(50), { nil: undefined }),
    rank: fc.option(fc.nat(3), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('rank' as const),
    run: fc.constantFrom('r', 's'),
    node: fc.constantFrom('n', 'm'),
    rank: fc.nat(3),
    worldSize: fc.option(fc.constant(4), { nil: undefined }),
    gpuIndex: fc.nat(1),
  }),
  fc.record({
    kind: fc.constant('event' as const),
    run: fc.constantFrom('r', 's'),
    type: fc.constant('crash' as const),
  }),
)
const plain = (facts: RunFacts) => ({
  ...facts,
  changes: 0,
  launches: [...facts.launches].sort(),
  end: endOf(facts),
  nodes: [...facts.nodes].sort(),
  agents: [...facts.agents].sort(),
  ranks: [...facts.ranks].sort(),
  gpus: [...facts.gpus].sort(),
})

/** What arrived until then is in roll-ups. */
async function fold(store: Store, to: number): Promise<void> {
  const folding = new Folding(store, () => undefined)
  await folding.start()
  await folding.fold(false, to)
  await folding.close()
}

describe('runs', () => {
  it('are after a restart of the hub what they were before', async () => {
    let place = 0
    await withStore(store =>
      fc.assert(
        fc.asyncProperty(fc.array(fact, { minLength: 1, maxLength: 15 }), fc.nat(15), async (records, folded) => {
          place += 1
          // Names of their own in each round, as the store keeps all rounds.
          const timed = records.map((record, index) => ({
            ...record,
            time: 1000 + index,
            run: `${place} ${'run' in record ? record.run : ''}`,
          }))
          const live = new Runs(store, () => false)
          for (const [index, record] of timed.entries()) {
            const one = batchOf([record as WireRecord])
            const origin = { agent: `agent ${place}`, sequence: index + 1, receivedAt: 2000 + place * 100 + index }
            await store.insert(one, origin)
            live.fold(one, origin.agent, origin.receivedAt)
            if (index === folded) await fold(store, origin.receivedAt)
          }
          const restored = new Runs(store, () => false)
          await restored.restore()
          for (const facts of live.list()) {
            const same = restored.get(facts.run)
            expect(same && plain(same)).toEqual(plain(facts))
          }
        }),
        { numRuns: 10 },
      ),
    )
  })

  it('end with the last of their launches, failed where one failed, and go on when they are resumed', () => {
    const runs = new Runs({} as Store, () => true)
    const tell = (node: string, time: number, more: object) =>
      runs.fold(batchOf([{ kind: 'run', run: 'r', node, time, ...more }]), 'agent', time)
    const end = () => endOf(runs.get('r') ?? expect.fail('no run'))
    tell('n', 1, { state: 'started' })
    tell('m', 1, { state: 'started' })
    expect(end()).toBeUndefined()
    tell('n', 5, { state: 'ended', exitCode: 1 })
    expect(end()).toBeUndefined()
    tell('m', 6, { state: 'ended', exitCode: 0 })
    expect(end()).toEqual({ endedAt: 6, exitCode: 1 })
    tell('n', 9, { state: 'started' })
    expect(end()).toBeUndefined()
  })
})
