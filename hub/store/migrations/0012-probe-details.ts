import type { Migration } from './migration'

/** How long a byte takes there and back, and which devices are alike. */
export const probeDetails: Migration = {
  version: 12,
  name: 'probe-details',
  statements: [
    `ALTER TABLE \`probe\`
      ADD COLUMN \`name\` LowCardinality(String) AFTER \`device\`,
      ADD COLUMN \`dtype\` LowCardinality(String) AFTER \`name\`,
      ADD COLUMN \`roundTripSeconds\` Nullable(Float64) CODEC(Gorilla, ZSTD) AFTER \`flopsPerSecond\``,
  ],
}
