/** Why a run is slow, as the page says it: figures, where a step's time goes, findings with cost and next step. */
import { z } from 'zod'
import { format } from '../../base/units'
import { runHeadSchema, type RunSummary } from '../../wire/api'
import type { Figure, Finding } from '../../wire/findings'
import { flopsBudgetSchema, type FlopsBudget } from '../../wire/flops-budget'
import { hubJson } from '../hub-answers'
import { defineTool } from './tool'

const told = ({ value, provenance, source }: Figure, unit: Parameters<typeof format>[1]) =>
  value === null ? `not known (${source})` : `${format(value, unit)} (${provenance}: ${source})`

function figuresOf(summary: RunSummary): string[] {
  const { name, run, state, framework, worldSize, nodes, step, totalSteps } = summary
  const where = `${worldSize ?? 'unknown'} ranks on ${nodes.length} node${nodes.length === 1 ? '' : 's'}`
  return [
    `Run ${run} "${name}" (${framework ?? 'framework unknown'}) is ${state}: ${where}, step ${step ?? 'unknown'} of ${totalSteps ?? 'unknown'}.`,
    `- step time: ${told(summary.stepSeconds, 'seconds')}`,
    `- tokens per second: ${told(summary.tokensPerSecond, 'tokensPerSecond')}`,
    `- MFU: ${told(summary.mfu, 'ratio')}`,
    `- sync wait, mean over ranks: ${told(summary.syncWaitSeconds, 'seconds')}`,
  ]
}

function budgetOf({ run, from, to }: FlopsBudget): string[] {
  const known = run.bars.filter(({ measured, predicted }) => measured.value !== null || predicted.value !== null)
  if (known.length === 0) return []
  const seconds = ({ value }: Figure) => (value === null ? 'not known' : format(value, 'seconds'))
  return [
    `Where a step goes (steps ${from ?? '?'} to ${to ?? '?'}), measured / predicted:`,
    ...known.map(({ part, measured, predicted }) => `- ${part}: ${seconds(measured)} / ${seconds(predicted)}`),
  ]
}

function findingOf(finding: Finding): string[] {
  const { severity, title, evidence, since, costSecondsPerStep, costRatio, cause, nextStep, provenance } = finding
  const costs = [
    costSecondsPerStep === undefined ? '' : `${format(costSecondsPerStep, 'seconds')} a step`,
    costRatio === undefined ? '' : `steps ${(100 * costRatio).toFixed(0)} % longer`,
  ].filter(Boolean)
  return [
    `- [${severity}, ${provenance}] ${title}`,
    `  seen: ${evidence}`,
    `  since: ${new Date(since * 1000).toISOString()}`,
    ...(costs.length > 0 ? [`  costs: ${costs.join(', ')}`] : []),
    ...(cause === undefined ? [] : [`  cause: ${cause}`]),
    `  next: ${nextStep}`,
  ]
}

export const explainRun = defineTool({
  name: 'explain_run',
  help: 'Why is a run slow, or what is wrong with it: its figures against prediction, where the time of a step goes, and what was found, with cost and next step.',
  asks: { run: z.string().describe('the id of the run, as list_runs gives it') },
  async answer(hub, { run }) {
    const path = `/api/runs/${encodeURIComponent(run)}`
    const { summary, findings } = await hubJson(hub, `${path}/head`, runHeadSchema)
    const budget = await hubJson(hub, `${path}/budget`, flopsBudgetSchema)
    const found = findings.length === 0 ? ['Nothing is found.'] : ['Found:', ...findings.flatMap(findingOf)]
    return [...figuresOf(summary), ...budgetOf(budget), ...found].join('\n')
  },
})
