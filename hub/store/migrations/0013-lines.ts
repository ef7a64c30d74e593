/** What logs said, line by line: for looking at, not for counting, so it is kept for thirty days. */
import type { Migration } from './migration'

export const lines: Migration = {
  version: 13,
  name: 'lines',
  statements: [
    `CREATE TABLE \`line\` (
      \`time\` Float64 CODEC(ZSTD),
      \`run\` LowCardinality(String),
      \`node\` LowCardinality(String),
      \`rank\` Nullable(Float64) CODEC(ZSTD),
      \`source\` LowCardinality(String),
      \`text\` String CODEC(ZSTD),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (run, time)
    TTL toDateTime(toUInt32(receivedAt)) + INTERVAL 30 DAY`,
  ],
}
