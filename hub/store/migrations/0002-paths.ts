/** Paths between the devices of a node. */
import type { Migration } from './migration'

export const paths: Migration = {
  version: 2,
  name: 'paths',
  statements: [
    `CREATE TABLE \`path\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`node\` LowCardinality(String),
      \`from\` LowCardinality(String),
      \`to\` LowCardinality(String),
      \`path\` LowCardinality(String),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (node, time)
    SETTINGS allow_nullable_key = 1`,
  ],
}
