import type { Migration } from './migration'

/** Which collective an event is about. */
export const collectiveEvents: Migration = {
  version: 9,
  name: 'collective-events',
  statements: [
    `ALTER TABLE \`event\`
      ADD COLUMN \`group\` LowCardinality(String) AFTER \`exitCode\`,
      ADD COLUMN \`operation\` LowCardinality(String) AFTER \`group\`,
      ADD COLUMN \`collectiveSequence\` Nullable(Float64) CODEC(ZSTD) AFTER \`operation\``,
  ],
}
