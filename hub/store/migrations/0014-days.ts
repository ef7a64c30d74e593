/**
 * What comes all the time lies by the day or the week in which it arrived, so that the oldest can go as a whole, without
 * anything being written again. In UTC, wherever the hub is: a commit is of one day. Samples of devices, hosts and links
 * know the times in each granule.
 */
import type { Migration } from './migration'

const ARRIVED = "toDateTime(toUInt32(receivedAt), 'UTC')"
const DAY = `toYYYYMMDD(${ARRIVED})`
const WEEK = `toYYYYMMDD(toMonday(${ARRIVED}))`
const FEW_PARTS = 'min_parts_to_merge_at_once = 8, merge_selector_base = 8'

interface Parted {
  readonly table: string
  readonly by: string
  readonly order: string
  readonly settings?: string
  readonly timesIndex?: boolean
}

const TABLES: readonly Parted[] = [
  { table: 'gpu', by: DAY, order: 'node, index, time', settings: FEW_PARTS, timesIndex: true },
  { table: 'host', by: DAY, order: 'node, time', timesIndex: true },
  { table: 'link', by: DAY, order: 'node, device, time', timesIndex: true },
  { table: 'line', by: DAY, order: 'run, time' },
  { table: 'step', by: WEEK, order: 'run, step, rank, time', settings: FEW_PARTS, timesIndex: true },
  { table: 'collective', by: WEEK, order: 'run, step, rank, time' },
  { table: 'flow', by: WEEK, order: 'run, step, rank, time' },
]

/** A table is copied, then takes the place of the old one at once: this may end anywhere and begin again. */
const parted = ({ table, by, order, settings, timesIndex = false }: Parted): string[] => {
  const all = ['allow_nullable_key = 1', 'old_parts_lifetime = 60', ...(settings === undefined ? [] : [settings])]
  const index = `ALTER TABLE \`${table}_parted\` ADD INDEX IF NOT EXISTS times time TYPE minmax GRANULARITY 1`
  return [
    `DROP TABLE IF EXISTS \`${table}_parted\``,
    `CREATE TABLE \`${table}_parted\` AS \`${table}\` ENGINE = MergeTree PARTITION BY ${by} ORDER BY (${order})
      SETTINGS ${all.join(', ')}`,
    ...(timesIndex ? [index] : []),
    `INSERT INTO \`${table}_parted\` SELECT * FROM \`${table}\` SETTINGS max_partitions_per_insert_block = 0`,
    `EXCHANGE TABLES \`${table}\` AND \`${table}_parted\``,
    `DROP TABLE \`${table}_parted\``,
  ]
}

export const days: Migration = { version: 14, name: 'days', statements: TABLES.flatMap(parted) }
