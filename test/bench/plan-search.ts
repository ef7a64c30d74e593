/**
 * How long a search over plans takes, as a ratio to its limit: 10,000 candidates in 50 ms, so that it can run as one types.
 *
 *     npm run bench:plan-search [-- CALC]
 *
 * CALC is the folder `calc` of a copy of EleutherAI's cookbook: then as many plans go through its own Python, and the ratio to
 * that is printed as well.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { findPreset } from '../../math/presets'
import { searchPlans } from '../../math/plan-search'

const LIMIT_MS = 50
const CANDIDATES = 10_000
const ROUNDS = 40
const input = {
  model: { ...findPreset('llama-3-70b')?.model, sequenceLength: 131_072 },
  precision: 'bf16',
  optimizer: 'adamw',
  hardware: { gpu: 'h100-sxm' },
  batch: { global: 4096 },
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

const [calculators] = process.argv.slice(2)
if (calculators === undefined) {
  console.log('not beside the cookbook: name its folder `calc`, of https://github.com/EleutherAI/cookbook')
} else {
  const script = join(import.meta.dirname, 'cookbook-search.py')
  const { stdout, stderr, status } = spawnSync('python3', [script, calculators, String(CANDIDATES)], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the cookbook's calculators failed: ${stderr.slice(-500)}`)
  const theirs = Number(stdout) * 1000
  console.log(`${CANDIDATES} plans through the cookbook's Python: ${theirs.toFixed(0)} ms, memory and FLOPs alone`)
  console.log(`ours / theirs: ${(median / theirs).toFixed(4)}`)
}
