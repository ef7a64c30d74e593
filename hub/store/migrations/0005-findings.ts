/** What was found and when; what flows between nodes in a step, what a probe measured, and what a rank got of its processors. */
import type { Migration } from './migration'

const number = (name: string) => `\`${name}\` Nullable(Float64) CODEC(Gorilla, ZSTD)`
const word = (name: string) => `\`${name}\` LowCardinality(String)`
const text = (name: string) => `\`${name}\` String CODEC(ZSTD)`

const table = (name: string, order: string, columns: readonly string[]) => `CREATE TABLE \`${name}\` (
      \`time\` Float64 CODEC(Gorilla, ZSTD),
      ${columns.join(',\n      ')},
      agent LowCardinality(String),
      sequence UInt64 CODEC(DoubleDelta, ZSTD),
      receivedAt Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(toUInt32(receivedAt)))
    ORDER BY (${order})
    SETTINGS allow_nullable_key = 1`

export const findings: Migration = {
  version: 5,
  name: 'findings',
  statements: [
    `ALTER TABLE \`step\`
      ADD COLUMN IF NOT EXISTS ${number('cpuSeconds')} AFTER \`residentBytes\`,
      ADD COLUMN IF NOT EXISTS ${number('runDelaySeconds')} AFTER \`cpuSeconds\`,
      ADD COLUMN IF NOT EXISTS ${number('throttledSeconds')} AFTER \`runDelaySeconds\``,
    table('flow', 'run, step, rank, time', [
      ...['run', 'node'].map(word),
      ...['rank', 'step'].map(number),
      ...['local', 'remote'].map(word),
      ...['bytes', 'busySeconds', 'retransmissions', 'roundTripSeconds', 'deliveryBytesPerSecond'].map(number),
    ]),
    table('probe', 'node, time', [
      ...['node', 'probe', 'peer', 'operation', 'device'].map(word),
      ...['bytes', 'bytesPerSecond', 'flopsPerSecond'].map(number),
    ]),
    table('finding', 'run, id, time', [
      ...['run', 'id', 'state', 'detector', 'severity'].map(word),
      ...['title', 'evidence'].map(text),
      ...['since', 'until', 'costSecondsPerStep', 'costRatio'].map(number),
      ...['ranks', 'nodes', 'links', 'nextStep'].map(text),
      word('provenance'),
    ]),
  ],
}
