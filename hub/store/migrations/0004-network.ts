import type { Migration } from './migration'

/** What an event is about and what it means; who is plugged into which switch. */
export const network: Migration = {
  version: 4,
  name: 'network',
  statements: [
    `ALTER TABLE \`event\`
      ADD COLUMN \`device\` LowCardinality(String) AFTER \`gpuIndex\`,
      ADD COLUMN \`pid\` Nullable(Float64) CODEC(Gorilla, ZSTD) AFTER \`device\`,
      ADD COLUMN \`code\` Nullable(Float64) CODEC(Gorilla, ZSTD) AFTER \`pid\`,
      ADD COLUMN \`meaning\` LowCardinality(String) AFTER \`code\`,
      ADD COLUMN \`fix\` LowCardinality(String) AFTER \`meaning\``,
    `CREATE TABLE \`topology\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      \`node\` LowCardinality(String),
      \`device\` LowCardinality(String),
      \`port\` LowCardinality(String),
      \`below\` LowCardinality(String),
      \`switch\` LowCardinality(String),
      \`switchPort\` LowCardinality(String),
      \`tier\` LowCardinality(String),
      \`rateBitsPerSecond\` Nullable(Float64) CODEC(Gorilla, ZSTD),
      \`source\` LowCardinality(String),
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (node, device, time)
    SETTINGS allow_nullable_key = 1`,
  ],
}
