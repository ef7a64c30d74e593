/**
 * Slots of steps know the times in each granule, as the rows do: which steps were of an hour is found among months of them. Slots of
 * time tell it themselves.
 */
import type { Migration } from './migration'

const TIERS = ['rankStep', 'jobStep'].flatMap(name => ['10', '100', '1000'].map(end => `${name}_${end}`))

export const stepTimes: Migration = {
  version: 18,
  name: 'step-times',
  statements: TIERS.map(
    table => `ALTER TABLE \`${table}\` ADD INDEX IF NOT EXISTS times time TYPE minmax GRANULARITY 1`,
  ),
  upgrade: TIERS.map(table => `ALTER TABLE \`${table}\` MATERIALIZE INDEX times`),
}
