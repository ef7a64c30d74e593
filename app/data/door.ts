/** The one door to the hub's HTTP side. Every answer is checked against its schema before the page sees it. */
import { z } from 'zod'
import { messageOf } from '../../base/errors'
import {
  gpuSeriesSchema,
  hostSeriesSchema,
  importResultSchema,
  nodeInfoSchema,
  rankMapSchema,
  runDetailSchema,
  runEventSchema,
  runSummarySchema,
  stepSeriesSchema,
  type RankMetric,
} from '../../wire/api'
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

async function get<T>(path: string, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
  const init = signal === undefined ? {} : { signal }
  const response = await fetch(path, init).catch((error: unknown) => {
    if (signal?.aborted === true) throw error
    throw new DoorError('the hub does not answer', undefined, 'check that `plumbline start` still runs')
  })
  if (!response.ok) throw await refusalOf(response)
  const answer = schema.safeParse(await response.json().catch(() => undefined))
  if (answer.success) return answer.data
  const why = z.prettifyError(answer.error).split('\n').slice(0, 2).join(' ')
  throw new DoorError(`${path}: an answer that is not understood (${why})`, response.status, 'reload the page')
}

/** Any error as a DoorError. */
export function doorError(error: unknown): DoorError {
  return error instanceof DoorError ? error : new DoorError(messageOf(error), undefined, undefined)
}

export interface Window {
  /** Unix seconds; absent for all there is. */
  from?: number | undefined
  points: number
}

/** Sends one file, or nothing, as the body; the answer as `get` gives it. */
async function post<T>(path: string, body: Blob | undefined, schema: z.ZodType<T>): Promise<T> {
  const response = await fetch(path, { method: 'POST', ...(body !== undefined && { body }) }).catch(() => {
    throw new DoorError('the hub does not answer', undefined, 'check that `plumbline start` still runs')
  })
  if (!response.ok) throw await refusalOf(response)
  const answer = schema.safeParse(await response.json().catch(() => undefined))
  if (answer.success) return answer.data
  throw new DoorError(`${path}: an answer that is not understood`, response.status, 'reload the page')
}

function query(parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
}

const of = (run: string) => `/api/runs/${encodeURIComponent(run)}`

export const door = {
  runs: (signal?: AbortSignal) => get('/api/runs', z.array(runSummarySchema), signal),
  run: (run: string, signal?: AbortSignal) => get(of(run), runDetailSchema, signal),
  steps: (run: string, { from, points }: Window, signal?: AbortSignal) =>
    get(`${of(run)}/steps?${query({ from, points })}`, stepSeriesSchema, signal),
  ranks: (run: string, metric: RankMetric, { from, points }: Window, signal?: AbortSignal) =>
    get(`${of(run)}/ranks?${query({ metric, from, columns: points })}`, rankMapSchema, signal),
  gpus: (run: string, { from, points }: Window, signal?: AbortSignal) =>
    get(`${of(run)}/gpus?${query({ from, points })}`, z.array(gpuSeriesSchema), signal),
  hosts: (run: string, { from, points }: Window, signal?: AbortSignal) =>
    get(`${of(run)}/hosts?${query({ from, points })}`, z.array(hostSeriesSchema), signal),
  events: (run: string, limit: number, signal?: AbortSignal) =>
    get(`${of(run)}/events?${query({ limit })}`, z.array(runEventSchema), signal),
  nodes: (signal?: AbortSignal) => get('/api/nodes', z.array(nodeInfoSchema), signal),
  postMortem: (run: string, signal?: AbortSignal) => get(`${of(run)}/post-mortem`, postMortemSchema, signal),
  report: (run: string, form: 'md' | 'html') => `${of(run)}/post-mortem.${form}`,
  importFile: (id: string, file: File) =>
    post(`/api/imports/${id}/files?${query({ name: file.name })}`, file, z.object({ ok: z.literal(true) })),
  finishImport: (id: string, name: string) =>
    post(`/api/imports/${id}?${query({ name })}`, undefined, importResultSchema),
  stepsCsv: (run: string) => `${of(run)}/steps.csv`,
}
