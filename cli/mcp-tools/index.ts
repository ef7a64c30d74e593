/** What an assistant may ask, in the order in which it is shown. */
import { z } from 'zod'
import { registry } from '../../base/registry'
import { format } from '../../base/units'
import { nodeInfoSchema, RANK_METRICS, rankMapSchema, runSummarySchema, stepSeriesSchema } from '../../wire/api'
import { hubJson, hubText } from '../hub-answers'
import { explainRun } from './explain-run'
import { defineTool, type Tool } from './tool'

const run = z.string().describe('the id of the run, as list_runs gives it')
const runPath = (id: string) => `/api/runs/${encodeURIComponent(id)}`
const mean = (values: readonly (number | null)[]) => {
  const known = values.filter(value => value !== null)
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length
}

const listRuns = defineTool({
  name: 'list_runs',
  help: 'Training runs that the hub knows, newest first: id, name, state, ranks, step, step time.',
  asks: { limit: z.number().int().min(1).max(200).default(20) },
  async answer(hub, { limit }) {
    const runs = await hubJson(hub, '/api/runs', z.array(runSummarySchema))
    if (runs.length === 0) return 'There is no run yet.'
    return runs
      .slice(0, limit)
      .map(({ run: id, name, state, worldSize, step, stepSeconds: { value } }) => {
        const time = value === null ? 'step time not known' : `${format(value, 'seconds')} a step`
        return `${id} "${name}": ${state}, ${worldSize ?? '?'} ranks, step ${step ?? '?'}, ${time}`
      })
      .join('\n')
  },
})

const slowestRanks = defineTool({
  name: 'slowest_ranks',
  help: 'Ranks with the highest mean of a metric over the run. A straggler has high computeSeconds and low syncWaitSeconds.',
  asks: {
    run,
    metric: z.enum(RANK_METRICS).default('computeSeconds'),
    count: z.number().int().min(1).max(64).default(8),
  },
  async answer(hub, { run: id, metric, count }) {
    const map = await hubJson(hub, `${runPath(id)}/ranks?metric=${metric}&columns=50`, rankMapSchema)
    const ranks = map.ranks.flatMap((rank, row) => {
      const value = mean(map.values[row] ?? [])
      return value === undefined ? [] : [{ rank, value }]
    })
    if (ranks.length === 0) return `No rank tells of ${metric}.`
    const unit = metric.endsWith('Bytes') ? 'bytes' : 'seconds'
    const sorted = ranks.sort((one, other) => other.value - one.value)
    const middle = sorted[Math.floor(sorted.length / 2)]?.value ?? 0
    return [
      `${metric}, mean over the run; median of ${sorted.length} ranks ${format(middle, unit)}:`,
      ...sorted.slice(0, count).map(({ rank, value }) => `rank ${rank}: ${format(value, unit)}`),
    ].join('\n')
  },
})

const steps = defineTool({
  name: 'run_steps',
  help: 'The course of a run as JSON columns: step, stepSeconds, loss, tokensPerSecond, mfu, syncWaitSeconds and more, in SI base units.',
  asks: { run, points: z.number().int().min(2).max(500).default(60) },
  async answer(hub, { run: id, points }) {
    return JSON.stringify(await hubJson(hub, `${runPath(id)}/steps?points=${points}`, stepSeriesSchema))
  },
})

const postMortem = defineTool({
  name: 'post_mortem',
  help: 'Why a run ran out of memory and what would have fitted, as Markdown.',
  asks: { run },
  answer: (hub, { run: id }) => hubText(hub, `${runPath(id)}/post-mortem.md`),
})

const listNodes = defineTool({
  name: 'list_nodes',
  help: 'Nodes, whether their agent is connected, and collectors that fail there.',
  asks: {},
  async answer(hub) {
    const nodes = await hubJson(hub, '/api/nodes', z.array(nodeInfoSchema))
    if (nodes.length === 0) return 'No agent has reported yet.'
    return nodes
      .map(({ node, connected, collectors }) => {
        const failed = collectors.filter(({ state }) => state === 'failed')
        const words = failed.map(({ name, message, fix }) => `; ${name} fails: ${message ?? ''} (${fix ?? ''})`)
        return `${node}: ${connected ? 'connected' : 'not connected'}${words.join('')}`
      })
      .join('\n')
  },
})

export const tools = registry<Tool>('tool', [listRuns, explainRun, slowestRanks, steps, postMortem, listNodes])
