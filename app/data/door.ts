/**
 * The one door to the hub's HTTP side. The page takes an answer as its type says: both are built together, a law holds real
 * answers against their schemas, and a page that meets a hub of another version loads itself anew (`live.ts`).
 */
import { messageOf } from '../../base/errors'
import type {
  GpuSeries,
  HostSeries,
  HubInfo,
  HubSettings,
  ImportResult,
  LogLine,
  NodeInfo,
  PeerSeries,
  RankInfo,
  RunEvent,
  RunHead,
  RunSummary,
  StepSeries,
  TokenInfo,
} from '../../wire/api'
import type { FabricPicture } from '../../wire/fabric-picture'
import type { Ways } from '../../wire/ways'
import type { Finding } from '../../wire/findings'
import type { FlopsBudget } from '../../wire/flops-budget'
import { decodeHeat, type HeatMetricName } from '../../wire/heat'
import type { PostMortem } from '../../wire/post-mortem'
import type { ProbeReport } from '../../wire/probe'

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

interface Refusal {
  readonly error: string
  readonly fix?: string | null
}
const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'error' in value && typeof value.error === 'string'

async function refusalOf(response: Response): Promise<DoorError> {
  const refusal: unknown = await response.json().catch(() => undefined)
  if (isRefusal(refusal)) return new DoorError(refusal.error, response.status, refusal.fix ?? undefined)
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

/** What stands between may answer in the hub's place, with a page of its own. */
async function jsonOf<T>(response: Response, path: string): Promise<T> {
  return (await response.json().catch((error: unknown) => {
    if (error instanceof SyntaxError)
      throw new DoorError(`${path}: an answer that is not understood`, response.status, 'reload the page')
    throw error
  })) as T
}

async function get<T>(asker: Asker, path: string, signal?: AbortSignal): Promise<T> {
  return jsonOf(await ask(asker, path, signal), path)
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
async function post<T>(path: string, body: Blob | string | undefined): Promise<T> {
  const response = await fetch(path, { method: 'POST', ...(body !== undefined && { body }) }).catch(() => {
    throw new DoorError('the hub does not answer', undefined, 'check that `plumbline start` still runs')
  })
  if (!response.ok) throw await refusalOf(response)
  return jsonOf(response, path)
}

function query(parameters: Readonly<Record<string, string | number | undefined>> | Window): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
}

const of = (run: string) => `/api/runs/${encodeURIComponent(run)}`

interface Done {
  readonly ok: true
}

/** The hub's doors as seen from `base`. */
export function doorAt(base: string, headers: Readonly<Record<string, string>> = {}) {
  const asker = { base, headers }
  return {
    runs: (signal?: AbortSignal) => get<RunSummary[]>(asker, '/api/runs', signal),
    head: (run: string, signal?: AbortSignal) => get<RunHead>(asker, `${of(run)}/head`, signal),
    members: (run: string, signal?: AbortSignal) => get<RankInfo[]>(asker, `${of(run)}/members`, signal),
    steps: (run: string, window: Window, signal?: AbortSignal) =>
      get<StepSeries>(asker, `${of(run)}/steps?${query(window)}`, signal),
    heat: (run: string, metric: HeatMetricName, window: Window, since?: string, signal?: AbortSignal) =>
      getBytes(asker, `${of(run)}/heat?${query({ metric, since, ...window })}`, decodeHeat, signal),
    peers: (run: string, metrics: readonly HeatMetricName[], rank: number, window: Window, signal?: AbortSignal) =>
      get<PeerSeries[]>(asker, `${of(run)}/peers?${query({ metric: metrics.join(','), rank, ...window })}`, signal),
    budget: (run: string, signal?: AbortSignal) => get<FlopsBudget>(asker, `${of(run)}/budget`, signal),
    gpus: (run: string, window: Window, signal?: AbortSignal) =>
      get<GpuSeries[]>(asker, `${of(run)}/gpus?${query(window)}`, signal),
    hosts: (run: string, window: Window, signal?: AbortSignal) =>
      get<HostSeries[]>(asker, `${of(run)}/hosts?${query(window)}`, signal),
    events: (run: string, limit: number, signal?: AbortSignal) =>
      get<RunEvent[]>(asker, `${of(run)}/events?${query({ limit })}`, signal),
    lines: (run: string, window: Omit<Window, 'points'>, limit: number, signal?: AbortSignal) =>
      get<LogLine[]>(asker, `${of(run)}/lines?${query({ ...window, limit })}`, signal),
    findings: (run: string, signal?: AbortSignal) => get<Finding[]>(asker, `${of(run)}/findings`, signal),
    fabric: (run: string, signal?: AbortSignal) => get<FabricPicture>(asker, `${of(run)}/fabric`, signal),
    ways: (run: string, signal?: AbortSignal) => get<Ways>(asker, `${of(run)}/ways`, signal),
    probe: (run: string, signal?: AbortSignal) => get<ProbeReport | null>(asker, `${of(run)}/probe`, signal),
    hubs: (signal?: AbortSignal) => get<HubInfo[]>(asker, '/api/hubs', signal),
    nodes: (signal?: AbortSignal) => get<NodeInfo[]>(asker, '/api/nodes', signal),
    postMortem: (run: string, signal?: AbortSignal) => get<PostMortem>(asker, `${of(run)}/post-mortem`, signal),
    report: (run: string, form: 'md' | 'html') => `${base}${of(run)}/post-mortem.${form}`,
    importFile: (id: string, file: File) =>
      post<Done>(`${base}/api/imports/${id}/files?${query({ name: file.name })}`, file),
    finishImport: (id: string, name: string) =>
      post<ImportResult>(`${base}/api/imports/${id}?${query({ name })}`, undefined),
    addNote: (run: string, note: { time: number; message: string }) =>
      post<Done>(`${base}${of(run)}/notes`, JSON.stringify(note)),
    settings: (signal?: AbortSignal) => get<HubSettings>(asker, '/api/settings', signal),
    tokens: (signal?: AbortSignal) => get<TokenInfo[]>(asker, '/api/tokens', signal),
    playDemo: () => post<Done>(`${base}/api/demo`, undefined),
    stepsFile: (run: string, form: 'csv' | 'parquet') => `${base}${of(run)}/steps.${form}`,
    /** Every stored row of the steps, or of the devices, in a stretch of time: what a number was made of. */
    rawFile: (run: string, rows: 'steps' | 'gpus', { from, to }: Omit<Window, 'points'>) =>
      `${base}${of(run)}/${rows}.csv?${query({ rows: 'raw', from, to })}`,
  }
}
export type Door = ReturnType<typeof doorAt>

/** The hub that serves this page. */
export const door = doorAt('')
export const askHub = <T>(path: string, signal?: AbortSignal) => get<T>({ base: '', headers: {} }, path, signal)
