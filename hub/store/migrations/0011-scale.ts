/**
 * What long runs and large fleets ask for. Steps are sorted by run and step, and asked for by time as well: each granule
 * knows its times. Of device samples fewer parts are merged at more, so that a sample is written fewer times; what was
 * merged goes after a minute instead of eight.
 */
import type { Migration } from './migration'

export const scale: Migration = {
  version: 11,
  name: 'scale',
  statements: [
    'ALTER TABLE `step` ADD INDEX IF NOT EXISTS times time TYPE minmax GRANULARITY 1',
    ...['gpu', 'step', 'collective', 'flow', 'host', 'link', 'delivered'].map(
      table => `ALTER TABLE \`${table}\` MODIFY SETTING old_parts_lifetime = 60`,
    ),
    ...['gpu', 'step'].map(
      table => `ALTER TABLE \`${table}\` MODIFY SETTING min_parts_to_merge_at_once = 8, merge_selector_base = 8`,
    ),
  ],
}
