import type { Migration } from './migration'

const number = (name: string) => `\`${name}\` Nullable(Float64) CODEC(Gorilla, ZSTD)`

/** What a finding has cost in all, and what is behind it. */
export const findingCosts: Migration = {
  version: 10,
  name: 'finding-costs',
  statements: [
    `ALTER TABLE \`finding\`
      ADD COLUMN ${number('costGpuHours')} AFTER \`costRatio\`,
      ADD COLUMN ${number('costMoney')} AFTER \`costGpuHours\`,
      ADD COLUMN \`currency\` LowCardinality(String) AFTER \`costMoney\`,
      ADD COLUMN \`cause\` LowCardinality(String) AFTER \`currency\`,
      ADD COLUMN \`signs\` String CODEC(ZSTD) AFTER \`cause\``,
  ],
}
