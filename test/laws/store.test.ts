import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrations } from '../../hub/store/migrations/index'
import { columnNames } from '../../hub/store/rows'
import { openStore, type Store } from '../../hub/store/store'
import { fieldsOf, kinds } from '../../wire/metrics'
import { batchOf, recordsOf } from '../unit/records'

let data: string
let store: Store
const open = () => openStore({ data, store: '' })

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'plumbline-store-'))
  store = await open()
})
afterAll(async () => {
  await store.close()
  rmSync(data, { recursive: true, force: true })
})

describe('the tables', () => {
  it.each(kinds)('hold every field of %s in the catalogue, and no more', async kind => {
    const { name = [], type = [] } = await store.query(
      `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {kind:String} AND default_kind = ''`,
      { kind },
    )
    expect(name.map(String).sort()).toEqual([...columnNames(kind)].sort())
    for (const [field, { type: kindOfField }] of fieldsOf(kind)) {
      const column = String(type[name.indexOf(field)])
      if (kindOfField === 'number') expect(column).toMatch(/Float64|UInt64/)
      else expect(column).toMatch(/String/)
    }
  })

  it.each(kinds)('give back what was put in of %s: absent as absent, zero as zero', async kind => {
    let sequence = 0
    await fc.assert(
      fc.asyncProperty(fc.array(recordsOf(kind), { minLength: 1, maxLength: 8 }), async records => {
        sequence += 1
        const agent = `law-${kind}`
        await store.insert(batchOf(records), { agent, sequence, receivedAt: 1_795_000_000 })
        const numbers = fieldsOf(kind).filter(([name, { type }]) => type === 'number' && name !== 'time')
        const texts = fieldsOf(kind).filter(([, { type }]) => type === 'text')
        const columns = await store.query(
          // Float64 as its bits, to the last one. (0 and -0 are one as text; what is not finite is absent.)
          `SELECT ${numbers.map(([name]) => `toString(reinterpretAsUInt64(\`${kind}\`.\`${name}\`)) AS \`${name}\``).join(', ')}
             ${numbers.length > 0 && texts.length > 0 ? ',' : ''} ${texts.map(([name]) => `toString(\`${kind}\`.\`${name}\`) AS \`${name}\``).join(', ')}
           FROM \`${kind}\` WHERE agent = {agent:String} AND sequence = {sequence:UInt64}`,
          { agent, sequence },
        )
        const bits = (value: unknown) =>
          new BigUint64Array(new Float64Array([Number(value) + 0]).buffer)[0]?.toString() ?? null
        const expected = records.map(record => {
          const values = record as unknown as Record<string, unknown>
          return JSON.stringify([
            ...numbers.map(([name]) => (Number.isFinite(values[name]) ? bits(values[name]) : null)),
            ...texts.map(([name]) => values[name] ?? ''),
          ])
        })
        const found = records.map((_, row) =>
          JSON.stringify([...numbers, ...texts].map(([name]) => columns[name]?.[row] ?? null)),
        )
        expect(found.sort()).toEqual(expected.sort())
      }),
      { numRuns: 8 },
    )
  })
})

describe('the migrations', () => {
  it('are numbered from 1 without a gap, and each has a name of its own', () => {
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, place) => place + 1))
    expect(new Set(migrations.map(({ name }) => name)).size).toBe(migrations.length)
  })
})
