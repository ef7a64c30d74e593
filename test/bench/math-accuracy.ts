/**
 * How far our arithmetic is from other calculators', each by its own convention, and from published tables. Rows that miss
 * are printed with the reason where one is known.
 *
 *     npx tsx test/bench/math-accuracy.ts [--all]
 */
import { parseArgs } from 'node:util'
import { comparisonsOf, references, type Comparison } from '../accuracy/calculators'
import { errorOf, tables } from '../accuracy/published'

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

let rows = 0
let unexplained = 0
for (const table of tables) {
  const all = table.compare()
  const misses = all.filter(one => !(errorOf(table, one) <= table.goal))
  const errorText = (error: number) => (table.measure === 'points' ? `${error.toFixed(3)} points` : percent(error))
  rows += all.length
  unexplained += misses.filter(({ row }) => table.known?.row.test(row) !== true).length
  console.log(
    `${table.title.padEnd(64)} ${String(all.length).padStart(3)} rows, worst ${errorText(Math.max(...all.map(one => errorOf(table, one)))).padStart(13)} (goal ${errorText(table.goal)})${misses.length > 0 ? `, ${misses.length} miss: ${table.known?.why ?? 'reason not known'}` : ''}`,
  )
  for (const one of values.all ? all : misses)
    console.log(
      `    ${one.row.padEnd(44)} published ${one.published.toPrecision(5)}, ours ${one.ours.toPrecision(5)}, ${errorText(errorOf(table, one))}`,
    )
}
console.log(`${rows} published rows of ${tables.length} tables; ${unexplained} miss without a known reason`)
