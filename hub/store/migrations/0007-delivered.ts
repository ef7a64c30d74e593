/**
 * What is stored of each agent, whole: the highest sequence of which every table has its rows, and when that came. A store
 * of before had the rows alone: all but the newest batch of an agent are whole, and of that each table skips what it has
 * (they came at 0, so that the tables are looked through from the beginning once).
 */
import type { Migration } from './migration'

/** The tables of the versions before. */
const TABLES = [
  'gpu',
  'host',
  'link',
  'path',
  'step',
  'config',
  'event',
  'collective',
  'run',
  'rank',
  'collector',
  'topology',
]

export const delivered: Migration = {
  version: 7,
  name: 'delivered',
  statements: [
    `CREATE TABLE \`delivered\` (
      agent String,
      sequence SimpleAggregateFunction(max, UInt64),
      receivedAt SimpleAggregateFunction(max, Float64)
    ) ENGINE = AggregatingMergeTree
    ORDER BY agent`,
  ],
  upgrade: TABLES.map(
    table =>
      `INSERT INTO \`delivered\` SELECT toString(agent), greatest(max(sequence), 1) - 1, 0 FROM \`${table}\` GROUP BY agent`,
  ),
}
