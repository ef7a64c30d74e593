import type { Migration } from './migration'

/** What memory was needed for at its end, and which processes of a host hold most. */
export const memory: Migration = {
  version: 6,
  name: 'memory',
  statements: [
    'ALTER TABLE `event` ADD COLUMN `parts` String CODEC(ZSTD) AFTER `exitCode`',
    'ALTER TABLE `host` ADD COLUMN `processes` String CODEC(ZSTD) AFTER `loadAverage`',
  ],
}
