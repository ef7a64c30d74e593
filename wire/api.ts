/**
 * The hub's HTTP and live door, as the page and other clients see it. All answers are JSON; errors are
 * `{ error, fix? }` with a 4xx or 5xx status. Series are columns: arrays of one length, null where absent.
 *
 *     GET /api/health
 *     GET /api/runs                                     runs, newest first
 *     GET /api/runs/:run                                one run with its ranks
 *     GET /api/runs/:run/head                           the same without them: small, however many ranks there are
 *     GET /api/runs/:run/members                        the ranks alone
 *     GET /api/runs/:run/steps?from&to&points           step series of the whole job
 *     GET /api/runs/:run/ranks?metric&from&to&columns   rank × step heat map
 *     GET /api/runs/:run/heat?metric&from&to&columns    rank × time map as bytes (wire/heat.ts)
 *     GET /api/runs/:run/peers?metric&rank&from&to&points  one rank among those of its pipeline stage, by metrics
 *                                                       that are parted by commas
 *     GET /api/runs/:run/gpus?from&to&points            device series of the run's nodes and gpus
 *     GET /api/runs/:run/hosts?from&to&points           host series of the run's nodes
 *     GET /api/runs/:run/findings                       all that was found and when, open ones first (wire/findings.ts); the
 *                                                       header plumbline-looked-to-step says how far the run was looked at
 *     GET /api/runs/:run/fabric                         who is where and what flows between (wire/fabric-picture.ts)
 *     GET /api/runs/:run/ways                           by what way devices of its nodes, and ranks, reach one another (wire/ways.ts)
 *     GET /api/runs/:run/probe                          of the newest probe of its nodes (wire/probe.ts), or null
 *     GET /api/runs/:run/events?limit
 *     GET /api/runs/:run/budget                         where a step's time goes, from peak to MFU (wire/flops-budget.ts)
 *     GET /api/runs/:run/post-mortem                    why memory ran out (wire/post-mortem.ts); 404 where it did not
 *     GET /api/runs/:run/post-mortem.md                 the same as Markdown
 *     GET /api/runs/:run/post-mortem.html               the same as one HTML file
 *     GET /api/runs/:run/steps.csv?from&to&rows         export, one line a step and rank; rows=raw: every stored row
 *     GET /api/runs/:run/gpus.csv?from&to               every stored sample of its nodes' devices
 *     GET /api/runs/:run/steps.parquet                  the same as Parquet
 *     POST /api/runs/:run/notes                         writes a note beside a moment: { time, message }; it comes as an event
 *     GET /api/settings                                 what this hub was started with, secrets left out
 *     GET /api/tokens                                   who may come: names and roles, for admins
 *     POST /api/imports/:import/files?name              one file of an import, as the body; the client makes up the id
 *     POST /api/imports/:import?name                    makes a run of them: { run, steps, events, files }
 *     POST /api/demo                                    plays the recorded run, where the hub can
 *     GET /api/nodes                                    agents and the health of their collectors
 *     GET /api/hubs                                     hubs that share the store; none for a hub alone
 *
 * `from` and `to` are Unix seconds. Live: socket.io namespace `/live`; emit `watch` with a run's id (or null for the list
 * of runs) and listen to `update` (a LiveUpdate, replacing the tail of what one has) and `runs` (RunSummary[]).
 */
import { z } from 'zod'
import { findingSchema, figureSchema, provenanceSchema } from './findings'
import { HEAT_METRIC_NAMES } from './heat'
import { recordSchema } from './records'

const maybe = z.number().nullable()
const column = z.array(maybe)

export const runStateSchema = z.enum(['live', 'silent', 'ended', 'failed', 'lost'])
/**
 * live: data arrives. silent: its agent is connected or was a moment ago, but no step came for long.
 * ended: exit code 0. failed: another exit code. lost: the agent went away and never said how it ended.
 */
export type RunState = z.infer<typeof runStateSchema>

export const runSummarySchema = z.object({
  run: z.string(),
  name: z.string(),
  command: z.string().nullable(),
  framework: z.string().nullable(),
  synthetic: z.string().nullable(),
  state: runStateSchema,
  startedAt: z.number(),
  endedAt: maybe,
  lastSeenAt: z.number(),
  exitCode: maybe,
  nodes: z.array(z.string()),
  worldSize: maybe,
  gpus: z.number(),
  step: maybe,
  totalSteps: maybe,
  loss: figureSchema,
  stepSeconds: figureSchema,
  tokensPerSecond: figureSchema,
  flopsPerSecondPerGpu: figureSchema,
  mfu: figureSchema,
  /** Mean over ranks of the wait in the last steps, by the sync identity. */
  syncWaitSeconds: figureSchema,
  events: z.number(),
})
export type RunSummary = z.infer<typeof runSummarySchema>

export const rankInfoSchema = z.object({
  rank: z.number(),
  node: z.string().nullable(),
  pid: maybe,
  device: z.string().nullable(),
  gpuIndex: maybe,
  gpuUuid: z.string().nullable(),
  /** Its pipeline stage, where it told. */
  stage: maybe,
  /** The leaf that its node is plugged into, where a topology is known. */
  leaf: z.string().nullable(),
  memoryAllocatedBytes: maybe,
  memoryReservedBytes: maybe,
  memoryPeakBytes: maybe,
  residentBytes: maybe,
  memoryCategories: z.record(z.string(), z.number()),
  lastStep: maybe,
  stepSeconds: maybe,
  communicationSeconds: maybe,
  syncWaitSeconds: maybe,
})
export type RankInfo = z.infer<typeof rankInfoSchema>

export const runHeadSchema = z.object({
  /** Hub time of this answer, Unix seconds. */
  at: z.number(),
  summary: runSummarySchema,
  /** The last `config` record of the run, merged over its sources; hardware that they do not name is what is seen. The page predicts from it. */
  config: recordSchema('config').nullable(),
  findings: z.array(findingSchema),
})
export type RunHead = z.infer<typeof runHeadSchema>

export const runDetailSchema = runHeadSchema.extend({ ranks: z.array(rankInfoSchema) })
export type RunDetail = z.infer<typeof runDetailSchema>

export const stepSeriesSchema = z.object({
  /** Steps in one point: 1 at full resolution. */
  bucketSteps: z.number(),
  step: z.array(z.number()),
  time: z.array(z.number()),
  stepSeconds: column,
  stepSecondsMin: column,
  stepSecondsMax: column,
  tokensPerSecond: column,
  loss: column,
  /** Least and most of the steps in a point: a spike stays in sight however much a point holds. */
  lossMin: column,
  lossMax: column,
  gradientNorm: column,
  learningRate: column,
  flopsPerSecondPerGpu: column,
  mfu: column,
  syncWaitSeconds: column,
  transferSeconds: column,
  /** For each column that holds anything: where its numbers come from. */
  provenance: z.record(z.string(), z.object({ provenance: provenanceSchema, source: z.string() })),
})
export type StepSeries = z.infer<typeof stepSeriesSchema>

export const RANK_METRICS = [
  'stepSeconds',
  'computeSeconds',
  'communicationSeconds',
  'syncWaitSeconds',
  'dataSeconds',
  'memoryAllocatedBytes',
  'residentBytes',
] as const
export type RankMetric = (typeof RANK_METRICS)[number]
export const rankMapSchema = z.object({
  metric: z.enum(RANK_METRICS),
  bucketSteps: z.number(),
  ranks: z.array(z.number()),
  step: z.array(z.number()),
  time: z.array(z.number()),
  /** values[rank position][step position] */
  values: z.array(column),
})
export type RankMap = z.infer<typeof rankMapSchema>

export const peerSeriesSchema = z.object({
  metric: z.enum(HEAT_METRIC_NAMES),
  time: z.array(z.number()),
  own: column,
  median: column,
  low: column,
  high: column,
})
export type PeerSeries = z.infer<typeof peerSeriesSchema>

export const gpuSeriesSchema = z.object({
  node: z.string(),
  index: z.number(),
  uuid: z.string().nullable(),
  name: z.string().nullable(),
  /** nvidia-smi, or synthetic. */
  source: z.string().nullable(),
  time: z.array(z.number()),
  utilizationRatio: column,
  utilizationRatioMin: column,
  /** How much of the time of a point anything was sampled: under 1 there was an outage. Null where each sample is shown. */
  coveredRatio: column,
  memoryUsedBytes: column,
  memoryTotalBytes: column,
  powerWatts: column,
  powerLimitWatts: column,
  temperatureCelsius: column,
  smClockHertz: column,
  throttleReasons: z.array(z.string()),
})
export type GpuSeries = z.infer<typeof gpuSeriesSchema>

export const hostSeriesSchema = z.object({
  node: z.string(),
  time: z.array(z.number()),
  cpuUtilizationRatio: column,
  memoryUsedBytes: column,
  memoryTotalBytes: column,
  networkReceiveBytesPerSecond: column,
  networkTransmitBytesPerSecond: column,
})
export type HostSeries = z.infer<typeof hostSeriesSchema>

/** What somebody writes beside a moment of a run. */
export const newNoteSchema = z.object({
  /** Unix seconds. */
  time: z.number().finite().min(0).max(1e11),
  message: z.string().trim().min(1).max(2000),
})

export const hubSettingsSchema = z.object({
  version: z.string(),
  store: z.string(),
  data: z.string(),
  host: z.string(),
  /** Whether agents and viewers must show a token; never which. */
  agentsShowToken: z.boolean(),
  viewersShowToken: z.boolean(),
  /** Of one GPU and hour; null where nobody said. */
  pricePerGpuHour: maybe,
  currency: z.string(),
  /** The hosts that are told of findings: paths of webhooks are secrets. */
  notifies: z.array(z.string()),
  signsNotifications: z.boolean(),
  publicUrl: z.string(),
})
export type HubSettings = z.infer<typeof hubSettingsSchema>

/** Agents send and read nothing. The others each may what those before them may. */
export const VIEWER_ROLES = ['view', 'annotate', 'admin'] as const
export const ROLES = ['agent', ...VIEWER_ROLES] as const
export type Role = (typeof ROLES)[number]
export type ViewerRole = (typeof VIEWER_ROLES)[number]

export const tokenInfoSchema = z.object({
  name: z.string(),
  role: z.enum(ROLES),
  /** Unix seconds: when it was given out; of one that is a setting, when the hub was started. */
  since: z.number(),
})
export type TokenInfo = z.infer<typeof tokenInfoSchema>

export const runEventSchema = z.object({
  time: z.number(),
  node: z.string().nullable(),
  rank: maybe,
  type: z.string(),
  message: z.string(),
  exitCode: maybe,
})
export type RunEvent = z.infer<typeof runEventSchema>

export const logLineSchema = z.object({
  time: z.number(),
  node: z.string().nullable(),
  rank: maybe,
  /** stdout, stderr, or the path of the log. */
  source: z.string(),
  text: z.string(),
})
export type LogLine = z.infer<typeof logLineSchema>

export const collectorHealthSchema = z.object({
  name: z.string(),
  state: z.enum(['ok', 'absent', 'failed']),
  message: z.string().nullable(),
  fix: z.string().nullable(),
  durationSeconds: maybe,
  failures: z.number(),
  linesRead: maybe,
  linesUnread: maybe,
  lastSeenAt: z.number(),
})
export const nodeInfoSchema = z.object({
  node: z.string(),
  connected: z.boolean(),
  agents: z.number(),
  lastSeenAt: z.number(),
  version: z.string().nullable(),
  collectors: z.array(collectorHealthSchema),
  /** Agents of this node that the hub turned away, and why. */
  refusals: z.array(z.object({ time: z.number(), error: z.string(), fix: z.string().nullable() })),
})
export type NodeInfo = z.infer<typeof nodeInfoSchema>

/** What is pushed costs the same for 8 ranks and for 16,384: figures of single ranks, devices and hosts are asked for. */
export const liveUpdateSchema = z.object({
  run: z.string(),
  /** Hub time when it was made, Unix seconds: the page shows its age. */
  at: z.number(),
  summary: runSummarySchema,
  findings: z.array(findingSchema),
  /** Points at full resolution from the first changed step on; they replace what the page has from there. */
  steps: stepSeriesSchema,
  events: z.array(runEventSchema),
})
export type LiveUpdate = z.infer<typeof liveUpdateSchema>

/** A hub that shares its store with others. */
export const hubInfoSchema = z.object({
  id: z.string(),
  /** As it says that others reach it. */
  url: z.string(),
  version: z.string(),
  startedAt: z.number(),
  /** Whether it is the one that answers. */
  isThis: z.boolean(),
})
export type HubInfo = z.infer<typeof hubInfoSchema>

export const healthSchema = z.object({
  status: z.literal('ok'),
  version: z.string(),
  protocol: z.number(),
  uptimeSeconds: z.number(),
  store: z.string(),
})

/** What became of files that were imported as one run. */
export const importResultSchema = z.object({
  run: z.string(),
  steps: z.number(),
  events: z.array(z.string()),
  files: z.array(z.object({ file: z.string(), records: z.number(), linesRead: z.number(), linesUnread: z.number() })),
})
export type ImportResult = z.infer<typeof importResultSchema>
