/** The one door to the hub's HTTP side. Every answer is checked against its schema before the page sees it. */
import { z } from 'zod'
import { messageOf } from '../../base/errors'
import {
  gpuSeriesSchema,
  hubInfoSchema,
  hubSettingsSchema,
  hostSeriesSchema,
  importResultSchema,
  logLineSchema,
  nodeInfoSchema,
  peerSeriesSchema,
  rankInfoSchema,
  runEventSchema,
  runHeadSchema,
  runSummarySchema,
  stepSeriesSchema,
  tokenInfoSchema,
} from '../../wire/api'
import { fabricPictureSchema } from '../../wire/fabric-picture'
import { findingSchema } from '../../wire/findings'
import { flopsBudgetSchema } from '../../wire/flops-budget'
import { decodeHeat, type HeatMetricName } from '../../wire/heat'
import { probeReportSchema } from '../../wire/probe'
import { postMortemSchema } from '../../wire/post-mortem'

/** What went wrong between page and hub. `status` is absent where the hub did not answer at all. */
export class DoorError extends Error {
  constructor(
    message: string,
    readonly status: number | undefined,
    readonly fix: string | undefined,
  ) {
    super(message)
    this.name = 'DoorError'
  }
}

const refusalSchema = z.object({ error: z.string(), fix: z.string().nullish() })

async function refusalOf(response: Response): Promise<DoorError> {
  const refusal = refusalSchema.safeParse(await response.json().catch(() => undefined))
  if (refusal.success) return new DoorError(refusal.data.error, response.status, refusal.data.fix ?? undefined)
  return new DoorError(`the hub answered ${response.status}`, response.status, 'look at the terminal of the hub')
}

interface Asker {
  /** Before every path: nothing in a browser, the hub's address on the server. */
  readonly base: string
  readonly headers: Readonly<Record<string, string>>
}

async function ask({ base, headers }: Asker, path: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(`${base}${path}`, { headers, ...(signal !== undefined && { signal }) }).catch(
    (error: unknown) => {
      if (signal?.aborted === true) throw error
      throw new DoorError('the hub does not answer', undefined, 'check that `plumbline start` still runs')
    },
  )
  if (!response.ok) throw await refusalOf(response)
  return response
}

async function getBytes<T>(asker: Asker, path: string, decode: (bytes: ArrayBuffer) => T, signal?: AbortSignal) {
  return decode(await (await ask(asker, path, signal)).arrayBuffer())
}

async function get<T>(asker: Asker, path: string, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
  const response = await ask(asker, path, signal)
  const answer = schema.safeParse(await response.json().catch(() => undefined))
  if (answer.success) return answer.data
  const why = z.prettifyError(answer.error).split('\n').slice(0, 2).join(' ')
  throw new DoorError(`${path}: an answer that is not understood (${why})`, response.status, 'reload the page')
}

/** Any error as a DoorError. */
export function doorError(error: unknown): DoorError {
  return error instanceof DoorError ? error : new DoorError(messageOf(error), undefined, undefined)
}

/** What part of a run, in Unix seconds; absent for all there is. */
export interface Window {
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly points: number
}

/** Sends one file, a JSON text, or nothing, as the body; the answer as `get` gives it. */
async function post<T>(path: string, body: Blob | string | undefined, schema: z.ZodType<T>): Promise<T> {
  const response = await fetch(path, { method: 'POST', ...(body !== undefined && { body }) }).catch(() => {
    throw new DoorError('the hub does not answer', undefined, 'check that `plumbline start` still runs')
  })
  if (!response.ok) throw await refusalOf(response)
  const answer = schema.safeParse(await response.json().catch(() => undefined))
  if (answer.success) return answer.data
  throw new DoorError(`${path}: an answer that is not understood`, response.status, 'reload the page')
}

function query(parameters: Readonly<Record<string, string | number | undefined>> | Window): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
}

const of = (run: string) => `/api/runs/${encodeURIComponent(run)}`

/** The hub's doors as seen from `base`. */
export function doorAt(base: string, headers: Readonly<Record<string, string>> = {}) {
  const asker = { base, headers }
  return {
    runs: (signal?: AbortSignal) => get(asker, '/api/runs', z.array(runSummarySchema), signal),
    head: (run: string, signal?: AbortSignal) => get(asker, `${of(run)}/head`, runHeadSchema, signal),
    members: (run: string, signal?: AbortSignal) => get(asker, `${of(run)}/members`, z.array(rankInfoSchema), signal),
    steps: (run: string, window: Window, signal?: AbortSignal) =>
      get(asker, `${of(run)}/steps?${query(window)}`, stepSeriesSchema, signal),
    heat: (run: string, metric: HeatMetricName, window: Window, since?: string, signal?: AbortSignal) =>
      getBytes(asker, `${of(run)}/heat?${query({ metric, since, ...window })}`, decodeHeat, signal),
    peers: (run: string, metric: HeatMetricName, rank: number, window: Window, signal?: AbortSignal) =>
      get(asker, `${of(run)}/peers?${query({ metric, rank, ...window })}`, peerSeriesSchema, signal),
    budget: (run: string, signal?: AbortSignal) => get(asker, `${of(run)}/budget`, flopsBudgetSchema, signal),
    gpus: (run: string, window: Window, signal?: AbortSignal) =>
      get(asker, `${of(run)}/gpus?${query(window)}`, z.array(gpuSeriesSchema), signal),
    hosts: (run: string, window: Window, signal?: AbortSignal) =>
      get(asker, `${of(run)}/hosts?${query(window)}`, z.array(hostSeriesSchema), signal),
    events: (run: string, limit: number, signal?: AbortSignal) =>
      get(asker, `${of(run)}/events?${query({ limit })}`, z.array(runEventSchema), signal),
    lines: (run: string, window: Omit<Window, 'points'>, limit: number, signal?: AbortSignal) =>
      get(asker, `${of(run)}/lines?${query({ ...window, limit })}`, z.array(logLineSchema), signal),
    findings: (run: string, signal?: AbortSignal) => get(asker, `${of(run)}/findings`, z.array(findingSchema), signal),
    fabric: (run: string, signal?: AbortSignal) => get(asker, `${of(run)}/fabric`, fabricPictureSchema, signal),
    probe: (run: string, signal?: AbortSignal) => get(asker, `${of(run)}/probe`, probeReportSchema.nullable(), signal),
    hubs: (signal?: AbortSignal) => get(asker, '/api/hubs', z.array(hubInfoSchema), signal),
    nodes: (signal?: AbortSignal) => get(asker, '/api/nodes', z.array(nodeInfoSchema), signal),
    postMortem: (run: string, signal?: AbortSignal) => get(asker, `${of(run)}/post-mortem`, postMortemSchema, signal),
    report: (run: string, form: 'md' | 'html') => `${base}${of(run)}/post-mortem.${form}`,
    importFile: (id: string, file: File) =>
      post(`${base}/api/imports/${id}/files?${query({ name: file.name })}`, file, z.object({ ok: z.literal(true) })),
    finishImport: (id: string, name: string) =>
      post(`${base}/api/imports/${id}?${query({ name })}`, undefined, importResultSchema),
    addNote: (run: string, note: { time: number; message: string }) =>
      post(`${base}${of(run)}/notes`, JSON.stringify(note), z.object({ ok: z.literal(true) })),
    settings: (signal?: AbortSignal) => get(asker, '/api/settings', hubSettingsSchema, signal),
    tokens: (signal?: AbortSignal) => get(asker, '/api/tokens', z.array(tokenInfoSchema), signal),
    playDemo: () => post(`${base}/api/demo`, undefined, z.object({ ok: z.literal(true) })),
    stepsFile: (run: string, form: 'csv' | 'parquet') => `${base}${of(run)}/steps.${form}`,
    /** Every stored row of the steps, or of the devices, in a stretch of time: what a number was made of. */
    rawFile: (run: string, rows: 'steps' | 'gpus', { from, to }: Omit<Window, 'points'>) =>
      `${base}${of(run)}/${rows}.csv?${query({ rows: 'raw', from, to })}`,
  }
}
export type Door = ReturnType<typeof doorAt>

/** The hub that serves this page. */
export const door = doorAt('')
