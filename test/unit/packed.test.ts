import { describe, expect, it } from 'vitest'
import { PackedColumns } from '../../hub/store/packed'
import { ownStore } from './own-store'

const store = ownStore()

describe('a large answer', () => {
  it('is in several blocks what it is as JSON, absent and endless numbers as NaN', async () => {
    const sql = `SELECT toFloat64(number) AS whole, if(number % 3 = 0, NULL, number / 7) AS part, if(number % 5 = 0, inf, 1) AS endless,
      toUInt32(number) AS small, number AS large, number % 2 = 0 AS even, toFloat32(number / 4) AS rough,
      concat('grün ', toString(number)) AS text, arrayMap(one -> if(one = 1, NULL, one / 2), range(number % 4)) AS list
      FROM numbers(70000) ORDER BY number`
    const [packed, plain] = await Promise.all([store().packed(sql), store().query(sql)])
    expect(packed.rows).toBe(70_000)
    const told = (name: string) => Array.from(packed.numbers(name), value => (Number.isNaN(value) ? null : value))
    for (const name of ['whole', 'part', 'endless', 'small', 'large', 'even', 'rough'])
      expect(told(name)).toEqual(plain[name]?.map(value => (value === null ? null : Number(value))))
    expect(packed.texts('text')).toEqual(plain['text'])
    expect(packed.lists('list').map(list => Array.from(list, one => (Number.isNaN(one) ? null : one)))).toEqual(
      plain['list'],
    )
  })

  it('may be empty', async () => {
    const packed = await store().packed('SELECT time, CAST(node AS String) AS name FROM gpu')
    expect([packed.rows, packed.numbers('time'), packed.texts('name')]).toEqual([0, new Float64Array(), []])
  })

  it('refuses what it does not read, what is asked for as another kind, and what is cut', async () => {
    await expect(store().packed('SELECT toLowCardinality(toString(number)) AS text FROM numbers(2)')).rejects.toThrow(
      'LowCardinality(String) is not read',
    )
    const packed = await store().packed("SELECT 1.5 AS number, 'one' AS text")
    expect(() => packed.numbers('text')).toThrow('String is no number')
    expect(() => packed.texts('number')).toThrow('no text')
    expect(() => packed.lists('number')).toThrow()
    expect(() => packed.numbers('missing')).toThrow('no column missing')
    expect(() => new PackedColumns(Uint8Array.of(1, 2, 1, 97, 7, 70, 108))).toThrow('cut')
  })
})
