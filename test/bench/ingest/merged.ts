/** What a store takes on disk once its parts are merged: what is there at once has small parts, and merged ones not yet gone. */
import { columnsOf } from '../../../hub/store/columns'
import { openEngine } from '../../../hub/store/engine'

/** Bytes of all tables in the data folder of a hub that has ended. */
export async function mergedBytes(data: string): Promise<number> {
  const engine = await openEngine({ data, store: '' })
  try {
    const { name = [] } = await columnsOf(
      engine,
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
    )
    for (const table of name) await engine.client.command({ query: `OPTIMIZE TABLE \`${String(table)}\` FINAL` })
    const { bytes = [] } = await columnsOf(
      engine,
      'SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND database = currentDatabase()',
    )
    return Number(bytes[0])
  } finally {
    await engine.close()
  }
}
