/**
 * How far our arithmetic is from other calculators', each by its own convention.
 *
 *     npx tsx test/bench/math-accuracy.ts [--all]
 */
import { parseArgs } from 'node:util'
import { comparisonsOf, references, type Comparison } from '../accuracy/calculators'

const GOAL = 0.001
const { values } = parseArgs({ options: { all: { type: 'boolean', default: false } } })
const percent = (value: number) => `${(value * 100).toFixed(4)} %`
const worst = (all: readonly Comparison[]) =>
  Math.max(...all.map(({ error }) => (Number.isNaN(error) ? Infinity : error)))

let missed = 0
let count = 0
for (const reference of references) {
  const all = comparisonsOf(reference)
  const misses = all.filter(({ error }) => !(error < GOAL))
  count += all.length
  missed += misses.length
  const name = `${reference.calculator} ${reference.output}`
  console.log(
    `${name.padEnd(92)} ${reference.convention.padEnd(14)} ${String(all.length).padStart(3)} jobs, worst ${percent(worst(all)).padStart(12)}${misses.length > 0 ? `, ${misses.length} miss` : ''}`,
  )
  for (const { job, theirs, ours, error } of values.all ? all : misses)
    console.log(`    ${job.padEnd(30)} theirs ${theirs.toPrecision(8)}, ours ${ours.toPrecision(8)}, ${percent(error)}`)
}
console.log(`${count} answers of ${references.length} kinds; ${missed} differ by more than ${percent(GOAL)}`)
