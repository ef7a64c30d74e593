import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { migrations } from '../../hub/store/migrations/index'
import { columnNames } from '../../hub/store/native'
import { fieldsOf, kinds, PHASES, type Field, type Kind } from '../../wire/metrics'
import type { WireRecord } from '../../wire/records'
import { ownStore } from '../unit/own-store'
import { batchOf, recordsOf, texts } from '../unit/records'

const store = ownStore()

/** What the three columns that say where a row came from are. */
const ORIGIN = { agent: 'LowCardinality(String)', sequence: 'UInt64', receivedAt: 'Float64' }
const columnTypes = (name: string, field: Field) =>
  field.type !== 'number'
    ? ['String', 'LowCardinality(String)']
    : // Every row has a time; each other number may be absent.
      [name === 'time' ? 'Float64' : field.isWhole === true ? 'Nullable(Int64)' : 'Nullable(Float64)']
/** Columns that no field has: what the store makes of `phases` is in test/unit/phases.test.ts. */
const OWN_COLUMNS: Partial<Record<Kind, readonly string[]>> = { step: PHASES.map(phase => `${phase}Nanoseconds`) }

/** A number as the store has it; what is not finite is absent. */
function storedNumber(value: unknown, field: Field): number | null {
  if (typeof value !== 'number' || !Number.isFinite(value)) return null
  if (field.type !== 'number' || field.isWhole !== true) return value
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Math.round(value)))
}

/** Values of any shape: a JSON field is tried with those that its schema takes. */
const JSON_VALUES = [
  ...[[], [0, 7.5], ['one', 'two\t"\\\n'], [{ pid: 0 }, { pid: 4242, name: 'python3', memoryUsedBytes: 1e11 }]],
  [
    { name: 'HLO temp', bytes: 0 },
    { name: 'dot_general f32[64]', bytes: 4e9, largest: true },
  ],
  [
    {
      field: 'gpu.smClockHertz',
      of: "rank 5 'x'",
      own: 1.2e9,
      peers: 1.9e9,
      says: 'its clock is 1.2 GHz, of its peers 1.9 GHz',
    },
    { field: 'event.xid', of: 'rank 5', own: null, peers: null, says: 'Xid 79' },
  ],
  ...[
    {},
    { zero: 0, negative: -1.5 },
    { forward: { seconds: 0.125 }, "own 'timer'": { minSeconds: 0, maxSeconds: 1 } },
  ],
]

let sequence = 0
/** Stores records in a batch of their own and gives back its rows of one kind as `SELECT select`. */
async function roundTrip(records: readonly WireRecord[], select: string) {
  const kind = records[0]?.kind ?? ''
  sequence += 1
  await store().insert(batchOf(records), { agent: 'law', sequence, receivedAt: 1_795_000_000 })
  return store().query(`SELECT ${select} FROM \`${kind}\` WHERE agent = 'law' AND sequence = {sequence:UInt64}`, {
    sequence,
  })
}

describe('the tables', () => {
  it.each(kinds)('hold every field of %s in the catalogue with its type, and no more', async kind => {
    const { name = [], type = [] } = await store().query(
      `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {kind:String} AND default_kind != 'ALIAS'`,
      { kind },
    )
    expect(name.map(String).sort()).toEqual([...columnNames(kind), ...(OWN_COLUMNS[kind] ?? [])].sort())
    const found = new Map(name.map((column, row) => [String(column), String(type[row])]))
    for (const [field, definition] of fieldsOf(kind))
      expect(columnTypes(field, definition)).toContain(found.get(field) ?? field)
    for (const [column, expected] of Object.entries(ORIGIN)) expect(found.get(column)).toBe(expected)
  })

  it.each(kinds)('give back what was put in of %s: absent as absent, zero as zero', async kind => {
    const numbers = fieldsOf(kind).filter(([name, { type }]) => type === 'number' && name !== 'time')
    const words = fieldsOf(kind).filter(([, { type }]) => type === 'text')
    const column = (name: string) => `\`${kind}\`.\`${name}\``
    const select = [
      // Float64 as its bits, to the last one. (0 and -0 are one as text; what is not finite is absent.)
      ...numbers.map(([name]) => `toString(reinterpretAsUInt64(toFloat64(${column(name)}))) AS \`${name}\``),
      ...words.map(([name]) => `toString(${column(name)}) AS \`${name}\``),
    ]
    const bits = (value: number | null) =>
      value === null ? null : (new BigUint64Array(new Float64Array([value + 0]).buffer)[0]?.toString() ?? null)
    await fc.assert(
      fc.asyncProperty(fc.array(recordsOf(kind), { minLength: 1, maxLength: 8 }), async records => {
        const columns = await roundTrip(records, select.join(', '))
        const expected = records.map(record => {
          const values = record as unknown as Record<string, unknown>
          return JSON.stringify([
            ...numbers.map(([name, field]) => bits(storedNumber(values[name], field))),
            ...words.map(([name]) => values[name] ?? ''),
          ])
        })
        const found = records.map((_, row) =>
          JSON.stringify([...numbers, ...words].map(([name]) => columns[name]?.[row] ?? null)),
        )
        expect(found.sort()).toEqual(expected.sort())
      }),
      { numRuns: 8 },
    )
  })

  const jsonFields = kinds.flatMap(kind =>
    fieldsOf(kind).flatMap(([name, field]) =>
      field.type === 'json' && name !== 'phases' ? [{ kind, name, schema: field.schema }] : [],
    ),
  )
  it.each(jsonFields)('give back the JSON of $kind, $name', async ({ kind, name, schema }) => {
    const fit = JSON_VALUES.filter(value => schema.safeParse(value).success)
    expect(fit.length).toBeGreaterThan(1)
    const records = [{ kind }, ...fit.map(value => ({ kind, [name]: value }))] as unknown as WireRecord[]
    const columns = await roundTrip(records, `\`${name}\` AS value`)
    expect(columns['value']?.map(String).sort()).toEqual(['', ...fit.map(value => JSON.stringify(value))].sort())
  })

  it('take the time of arrival for a row without one', async () => {
    const records: WireRecord[] = [
      { kind: 'host', node: 'n' },
      { kind: 'host', node: 'n', time: 0 },
    ]
    expect((await roundTrip(records, 'time'))['time']?.sort()).toEqual([0, 1_795_000_000])
  })
})

describe('a query', () => {
  it('binds any text and any number as it is', async () => {
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true }).map(number => number + 0)
    await fc.assert(
      fc.asyncProperty(texts, fc.array(texts, { maxLength: 4 }), numbers, async (text, list, number) => {
        const bound = await store().query(
          'SELECT {text:String} AS text, {list:Array(String)} AS list, {number:Float64} AS number',
          { text, list, number },
        )
        expect(bound).toEqual({ text: [text], list: [list], number: [number] })
      }),
      { numRuns: 40 },
    )
  })
})

describe('the migrations', () => {
  it('are numbered from 1 without a gap, and each has a name of its own', () => {
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, place) => place + 1))
    expect(new Set(migrations.map(({ name }) => name)).size).toBe(migrations.length)
  })
})
