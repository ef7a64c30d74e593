/** Endpoints of the hub. What each answers is in `wire/api.ts`. */
import { z } from 'zod'
import { registry, type Registry } from '../../base/registry'
import { unixSeconds } from '../../base/clock'
import { VERSION } from '../../base/version'
import {
  gpuSeriesSchema,
  hubInfoSchema,
  hubSettingsSchema,
  healthSchema,
  hostSeriesSchema,
  importResultSchema,
  logLineSchema,
  nodeInfoSchema,
  peerSeriesSchema,
  RANK_METRICS,
  rankInfoSchema,
  rankMapSchema,
  runDetailSchema,
  runEventSchema,
  runHeadSchema,
  runSummarySchema,
  stepSeriesSchema,
  tokenInfoSchema,
} from '../../wire/api'
import { evidenceInfoSchema } from '../../wire/evidence'
import { findingSchema } from '../../wire/findings'
import { probeReportSchema } from '../../wire/probe'
import { fabricPictureSchema } from '../../wire/fabric-picture'
import { waysSchema } from '../../wire/ways'
import { flopsBudgetSchema } from '../../wire/flops-budget'
import { PROTOCOL } from '../../wire/messages'
import { postMortemSchema } from '../../wire/post-mortem'
import { isRankMetric } from '../queries/steps'
import { htmlOf, markdownOf } from '../../analysis/post-mortem/report'
import { addNote } from './notes'
import { devicesCsv, stepsCsv, stepsParquet } from './csv'
import { heat, peers } from './heat'
import { evidenceFile, evidenceSummary, listEvidence, snapshotEndpoints } from './evidence'
import { addFile, finishImport } from './import'
import { postMortem, postMortemAs } from './post-mortem'
import { openApiOf } from './openapi'
import { HttpError, rangeOf, rangeSchema, readQuery, runOf, type Endpoint } from './endpoint'

const pointsSchema = rangeSchema.omit({ columns: true })
const columnsSchema = rangeSchema.omit({ points: true }).extend({ metric: z.enum(RANK_METRICS).optional() })
const heatMetric = z.string().optional()
const peersSchema = pointsSchema.extend({ metric: heatMetric, rank: z.coerce.number().int().min(0) })
const nameSchema = z.object({ name: z.string().optional() })
const limitSchema = z.object({ limit: z.coerce.number().int().min(1).max(10_000).default(200) })

export const endpoints: Registry<Endpoint> = registry<Endpoint>('endpoint', [
  {
    name: 'health',
    path: '/api/health',
    role: 'anybody',
    help: 'that the hub is there, and which',
    answers: healthSchema,
    answer: ({ hub }) =>
      Promise.resolve({
        status: 'ok',
        version: VERSION,
        protocol: PROTOCOL,
        store: hub.views.store.name,
        uptimeSeconds: unixSeconds() - hub.startedAt,
      }),
  },
  {
    name: 'hubs',
    path: '/api/hubs',
    help: 'hubs that share the store; none for a hub alone',
    answers: z.array(hubInfoSchema),
    answer: ({ hub }) => Promise.resolve(hub.hubs()),
  },
  {
    name: 'runs',
    path: '/api/runs',
    help: 'runs, newest first',
    answers: z.array(runSummarySchema),
    answer: ({ hub }) => hub.views.summaries(),
  },
  {
    name: 'run',
    path: '/api/runs/:run',
    help: 'one run',
    answers: runDetailSchema,
    answer: call => call.hub.views.detail(runOf(call)),
  },
  {
    name: 'head',
    path: '/api/runs/:run/head',
    help: 'one run without its ranks',
    answers: runHeadSchema,
    answer: call => call.hub.views.head(runOf(call)),
  },
  {
    name: 'members',
    path: '/api/runs/:run/members',
    help: 'the ranks of a run',
    answers: z.array(rankInfoSchema),
    answer: call => call.hub.views.members(runOf(call)),
  },
  {
    name: 'steps',
    path: '/api/runs/:run/steps',
    help: 'step series of the whole job',
    query: pointsSchema,
    answers: stepSeriesSchema,
    answer: call => call.hub.views.steps(runOf(call), rangeOf(call, runOf(call))),
  },
  {
    name: 'ranks',
    path: '/api/runs/:run/ranks',
    help: 'rank × step heat map of one metric',
    query: columnsSchema,
    answers: rankMapSchema,
    answer: call => {
      const facts = runOf(call)
      const metric = call.query.get('metric') ?? 'stepSeconds'
      if (!isRankMetric(metric))
        throw new HttpError(400, `there is no rank metric "${metric}"`, 'see RANK_METRICS in wire/api.ts')
      return call.hub.views.rankMap(facts, metric, rangeOf(call, facts))
    },
  },
  {
    name: 'heat',
    path: '/api/runs/:run/heat',
    help: 'rank × time map of one metric, as bytes',
    query: columnsSchema.omit({ metric: true }).extend({ metric: heatMetric, since: z.string().optional() }),
    answers: 'application/octet-stream',
    answer: heat,
  },
  {
    name: 'peers',
    path: '/api/runs/:run/peers',
    help: 'one rank among its peers, by each of the metrics, which are parted by commas',
    query: peersSchema,
    answers: z.array(peerSeriesSchema),
    answer: peers,
  },
  {
    name: 'gpus',
    path: '/api/runs/:run/gpus',
    help: 'series of the run’s devices; of hundreds of them each has fewer points than asked for',
    query: pointsSchema,
    answers: z.array(gpuSeriesSchema),
    answer: call => call.hub.views.gpus(runOf(call), rangeOf(call, runOf(call))),
  },
  {
    name: 'hosts',
    path: '/api/runs/:run/hosts',
    help: 'series of the run’s nodes; of thousands of them each has fewer points than asked for',
    query: pointsSchema,
    answers: z.array(hostSeriesSchema),
    answer: call => call.hub.views.hosts(runOf(call), rangeOf(call, runOf(call))),
  },
  {
    name: 'findings',
    path: '/api/runs/:run/findings',
    help: 'what was found and when, open ones first',
    answers: z.array(findingSchema),
    answer: call => {
      const { findings } = call.hub.views
      const lookedTo = findings.lookedTo(runOf(call))
      if (lookedTo !== undefined) call.response.setHeader('plumbline-looked-to-step', lookedTo)
      return Promise.resolve(findings.all(runOf(call)))
    },
  },
  {
    name: 'fabric',
    path: '/api/runs/:run/fabric',
    help: 'who is where and what flows between, over the last steps',
    answers: fabricPictureSchema,
    answer: call => call.hub.views.fabric(runOf(call)),
  },
  {
    name: 'ways',
    path: '/api/runs/:run/ways',
    help: 'by what way the devices of a node, and ranks, reach one another, as tools and NCCL said',
    answers: waysSchema,
    answer: call => call.hub.views.ways(runOf(call)),
  },
  {
    name: 'probe',
    path: '/api/runs/:run/probe',
    help: 'what the newest probe of the run’s nodes measured; null where there was none',
    answers: probeReportSchema.nullable(),
    answer: call => call.hub.views.probe(runOf(call)),
  },
  {
    name: 'events',
    path: '/api/runs/:run/events',
    help: 'events, newest first',
    query: limitSchema,
    answers: z.array(runEventSchema),
    answer: call => call.hub.views.events(runOf(call), readQuery(limitSchema, call.query).limit),
  },
  {
    name: 'lines',
    path: '/api/runs/:run/lines',
    help: 'what its logs said: the newest lines of the range, in their order',
    query: rangeSchema.omit({ points: true, columns: true }).extend(limitSchema.shape),
    answers: z.array(logLineSchema),
    answer: call =>
      call.hub.views.lines(runOf(call), rangeOf(call, runOf(call)), readQuery(limitSchema, call.query).limit),
  },
  {
    name: 'budget',
    path: '/api/runs/:run/budget',
    help: 'where a step’s time goes, from the peak down to MFU',
    answers: flopsBudgetSchema,
    answer: call => call.hub.views.flopsBudget(runOf(call)),
  },
  {
    name: 'post-mortem',
    path: '/api/runs/:run/post-mortem',
    help: 'why memory ran out, and what would have fitted',
    answers: postMortemSchema,
    answer: postMortem,
  },
  {
    name: 'post-mortem.md',
    path: '/api/runs/:run/post-mortem.md',
    help: 'the same as Markdown',
    answers: 'text/markdown',
    answer: call => postMortemAs(call, markdownOf, 'text/markdown'),
  },
  {
    name: 'post-mortem.html',
    path: '/api/runs/:run/post-mortem.html',
    help: 'the same as one HTML file',
    answers: 'text/html',
    answer: call => postMortemAs(call, htmlOf, 'text/html'),
  },
  {
    name: 'evidence',
    path: '/api/runs/:run/evidence',
    help: 'memory snapshots and black boxes of a run',
    answers: z.array(evidenceInfoSchema),
    answer: listEvidence,
  },
  {
    name: 'evidence-summary',
    path: '/api/runs/:run/evidence/:import',
    help: 'what is read of one of them',
    answers: z.looseObject({}),
    answer: evidenceSummary,
  },
  ...snapshotEndpoints,
  {
    name: 'evidence-file',
    path: '/api/runs/:run/evidence/:import/file',
    help: 'the file as it came',
    answers: 'application/octet-stream',
    answer: evidenceFile,
  },
  {
    name: 'steps.csv',
    path: '/api/runs/:run/steps.csv',
    help: 'export: one line a step and rank; ?rows=raw gives every stored row',
    query: rangeSchema.extend({ rows: z.literal('raw').optional() }),
    answers: 'text/csv',
    answer: stepsCsv,
  },
  {
    name: 'gpus.csv',
    path: '/api/runs/:run/gpus.csv',
    help: 'export: every stored sample of the devices on the run’s nodes',
    query: rangeSchema,
    answers: 'text/csv',
    answer: devicesCsv,
  },
  {
    name: 'steps.parquet',
    path: '/api/runs/:run/steps.parquet',
    help: 'the same as Parquet',
    answers: 'application/vnd.apache.parquet',
    answer: stepsParquet,
  },
  {
    name: 'note',
    method: 'POST',
    role: 'annotate',
    path: '/api/runs/:run/notes',
    help: 'writes a note beside a moment of the run: { time, message }',
    answers: z.object({ ok: z.literal(true) }),
    answer: addNote,
  },
  {
    name: 'settings',
    path: '/api/settings',
    help: 'what this hub was started with, secrets left out',
    answers: hubSettingsSchema,
    answer: ({ hub }) => Promise.resolve(hub.settings),
  },
  {
    name: 'tokens',
    role: 'admin',
    path: '/api/tokens',
    help: 'who may come: names and roles of tokens, never the tokens',
    answers: z.array(tokenInfoSchema),
    answer: ({ hub }) => Promise.resolve(hub.tokens()),
  },
  {
    name: 'import-file',
    method: 'POST',
    role: 'annotate',
    path: '/api/imports/:import/files',
    help: 'one file of an import, as the body; ?name=',
    query: nameSchema,
    answers: z.object({ ok: z.literal(true) }),
    answer: addFile,
  },
  {
    name: 'import',
    method: 'POST',
    role: 'annotate',
    path: '/api/imports/:import',
    help: 'makes a run of the files of an import; ?name=',
    query: nameSchema,
    answers: importResultSchema,
    answer: finishImport,
  },
  {
    name: 'demo',
    method: 'POST',
    role: 'annotate',
    path: '/api/demo',
    help: 'plays the recorded run',
    answers: z.object({ ok: z.boolean() }),
    answer: async ({ hub }) => {
      if (hub.playDemo === undefined)
        throw new HttpError(404, 'this hub has no demo run', 'start one with `plumbline start --demo`')
      await hub.playDemo()
      return { ok: true }
    },
  },
  {
    name: 'nodes',
    path: '/api/nodes',
    help: 'nodes, their agents and the health of their collectors',
    answers: z.array(nodeInfoSchema),
    answer: ({ hub }) => Promise.resolve(hub.nodes.list()),
  },
  {
    name: 'openapi',
    path: '/api/openapi.json',
    help: 'this list, as OpenAPI',
    answers: z.looseObject({ openapi: z.string() }),
    answer: () => Promise.resolve(openApiOf(endpoints)),
  },
  {
    name: 'metrics',
    path: '/metrics',
    help: 'the hub’s own metrics for Prometheus',
    answers: 'text/plain',
    answer: async ({ hub, response }) => {
      const { type, text } = await hub.metrics()
      response.writeHead(200, { 'content-type': type })
      response.end(text)
      return undefined
    },
  },
])
