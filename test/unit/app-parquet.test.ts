import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NamedColumn } from '../../app/data/csv'
import { toParquet } from '../../app/data/parquet'
import { openStore, type Store } from '../../hub/store/store'

let folder: string
let store: Store
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-parquet-'))
  store = await openStore({ data: folder, store: '' })
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What another reader of Parquet, that of the store, finds in the file. */
async function readBack(columns: readonly NamedColumn[]): Promise<NamedColumn[]> {
  const path = join(folder, 'columns.parquet')
  writeFileSync(path, toParquet(columns))
  const found = await store.query(`SELECT * FROM file({path:String}, 'Parquet')`, { path })
  return Object.entries(found).map(([name, values]) => ({ name, values: values as NamedColumn['values'] }))
}

describe('columns as Parquet', () => {
  it('are read by others as they were: numbers, texts, and what is absent', async () => {
    const columns = [
      { name: 'time', values: [1_795_000_000.25, 1_795_000_001.5, 1_795_000_002.75] },
      { name: 'loss', values: [4.25, null, 0] },
      { name: 'node', values: ['node-ä', null, ''] },
      ...Array.from({ length: 20 }, (_, place) => ({ name: `rank ${place}`, values: [place, -place / 3, null] })),
    ]
    expect(await readBack(columns)).toEqual(columns)
  })

  it('hold any number of rows', async () => {
    const cell = fc.oneof(
      fc.constant(null),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(one => one + 0),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 300 }), async values => {
        const columns = [
          { name: 'row', values: values.map((_, row) => row) },
          { name: 'value', values },
        ]
        expect(await readBack(columns)).toEqual(columns)
      }),
      { numRuns: 20 },
    )
  })
})
