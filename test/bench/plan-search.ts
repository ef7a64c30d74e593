/**
 * How long a search over plans takes, as a ratio to its limit: 10,000 candidates in 50 ms, so that it can run as one types.
 *
 *     npx tsx test/bench/plan-search.ts
 */
import { findPreset } from '../../math/presets'
import { searchPlans } from '../../math/plan-search'

const LIMIT_MS = 50
const CANDIDATES = 10_000
const ROUNDS = 40
const input = {
  ...{ model: { ...findPreset('llama-3-70b')?.model, sequenceLength: 131_072 }, precision: 'bf16', optimizer: 'adamw' },
  ...{ hardware: { gpu: 'h100-sxm' }, batch: { global: 4096 } },
}

const times: number[] = []
let candidates = 0
for (let round = 0; round < ROUNDS; round += 1) {
  const from = performance.now()
  candidates = searchPlans(input, 16_384).candidates
  times.push(((performance.now() - from) / candidates) * CANDIDATES)
}
const first = times[0] ?? NaN
const median = times.toSorted((one, other) => one - other)[ROUNDS / 2] ?? NaN
console.log(
  `${candidates} candidates a search; per 10,000: first ${first.toFixed(0)} ms, median of ${ROUNDS} ${median.toFixed(1)} ms`,
)
console.log(`median / limit of ${LIMIT_MS} ms: ${(median / LIMIT_MS).toFixed(2)}`)
