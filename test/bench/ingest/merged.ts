/** What a store takes on disk once its parts are merged: what is there at once has small parts, and merged ones not yet gone. */
import { rollUps } from '../../../hub/roll-ups/index'
import { columnsOf } from '../../../hub/store/columns'
import { openEngine } from '../../../hub/store/engine'
import { named } from '../../../hub/store/quoted'

export interface MergedBytes {
  readonly all: number
  /** Of these, what was rolled up of it. */
  readonly rolledUp: number
}

/** Bytes of all tables in the data folder of a hub that has ended. */
export async function mergedBytes(data: string): Promise<MergedBytes> {
  const engine = await openEngine({ data, store: '' })
  try {
    const { name = [] } = await columnsOf(
      engine,
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
    )
    for (const table of name) await engine.client.command({ query: `OPTIMIZE TABLE ${named(String(table))} FINAL` })
    const tiers = [...rollUps].flatMap(({ tiers }) => tiers.map(({ table }) => table))
    const { all = [], rolledUp = [] } = await columnsOf(
      engine,
      `SELECT sum(bytes_on_disk) AS all, sumIf(bytes_on_disk, table IN {tiers:Array(String)}) AS rolledUp
       FROM system.parts WHERE active AND database = currentDatabase()`,
      { tiers },
    )
    return { all: Number(all[0]), rolledUp: Number(rolledUp[0]) }
  } finally {
    await engine.close()
  }
}
