/** Who brought steps of a run, and of which ranks: what a hub that starts would have to read all steps for. */
import type { Migration } from './migration'

const words = (names: readonly string[]) => names.map(name => `\`${name}\` LowCardinality(String)`)

export const stepSenders: Migration = {
  version: 17,
  name: 'step-senders',
  statements: [
    `CREATE TABLE \`stepSender\` (
      ${words(['run', 'agent', 'node']).join(',\n      ')},
      \`rank\` Nullable(Float64),
      \`first\` SimpleAggregateFunction(min, Float64),
      \`last\` SimpleAggregateFunction(max, Float64),
      \`lastStep\` SimpleAggregateFunction(max, Nullable(Float64)),
      \`seen\` SimpleAggregateFunction(max, Float64)
    ) ENGINE = AggregatingMergeTree ORDER BY (run, agent, node, rank) SETTINGS allow_nullable_key = 1`,
  ],
}
