/** The contract of an endpoint: one entry in `index.ts`. Paths may hold `:run` and `:import`. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { PlumblineError } from '../../base/errors'
import type { Evidence } from '../evidence'
import type { Imports } from '../imports'
import type { Nodes } from '../nodes'
import type { HubInfo, HubSettings, TokenInfo, ViewerRole } from '../../wire/api'
import type { Notes } from '../notes'
import type { RunFacts } from '../run-facts'
import type { Views } from '../views'

export interface Hub {
  readonly views: Views
  readonly nodes: Nodes
  readonly startedAt: number
  readonly metrics: () => Promise<{ type: string; text: string }>
  /** Makes a run of files; undefined where this hub takes none. */
  readonly imports: Imports | undefined
  readonly evidence: Evidence
  readonly notes: Notes
  /** What it was started with, secrets left out. */
  readonly settings: HubSettings
  /** Plays the recorded run; undefined where this hub has none. */
  readonly playDemo: (() => Promise<void>) | undefined
  /** What who asks may; undefined for nothing. */
  roleOf(request: IncomingMessage): ViewerRole | undefined
  /** Hubs that share the store; none for a hub alone. */
  hubs(): HubInfo[]
  /** Who may come, hashes and secrets left out. */
  tokens(): TokenInfo[]
  log(line: string): void
}

export interface Call {
  readonly hub: Hub
  readonly query: URLSearchParams
  readonly run: string | undefined
  /** `:import` of the path. */
  readonly id: string | undefined
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

export interface Endpoint {
  readonly name: string
  readonly path: string
  readonly help: string
  /** What its answer looks like: a schema of JSON, or the type of a text. The law holds real answers against it. */
  readonly answers: z.ZodType | string
  /** What may stand after the `?`. */
  readonly query?: z.ZodObject
  /** GET where absent, and HEAD with it. */
  readonly method?: 'GET' | 'POST'
  /** What one must be allowed; `view` where absent. */
  readonly role?: ViewerRole | 'anybody'
  /** The JSON answer; undefined where the endpoint wrote the response itself. Throws HttpError for what a caller did wrong. */
  answer(call: Call): Promise<unknown>
}

export class HttpError extends PlumblineError {
  constructor(
    readonly status: number,
    message: string,
    fix?: string,
  ) {
    super(message, fix === undefined ? {} : { fix })
  }
}

export function runOf({ hub, run }: Call): RunFacts {
  const facts = run === undefined ? undefined : hub.views.runs.get(run)
  if (facts === undefined) throw new HttpError(404, `there is no run "${run ?? ''}"`, 'the list of runs is at /')
  return facts
}

export const rangeSchema = z.object({
  from: z.coerce.number().finite().optional(),
  to: z.coerce.number().finite().optional(),
  points: z.coerce.number().int().min(1).max(20_000).optional(),
  columns: z.coerce.number().int().min(1).max(5_000).optional(),
})

export function readQuery<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  const parsed = schema.safeParse(Object.fromEntries(query))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new HttpError(400, `${issue?.path.join('.') ?? 'query'}: ${issue?.message ?? 'not valid'}`, 'correct the query')
}

export function rangeOf(call: Call, facts: RunFacts) {
  const { from, to, points, columns } = readQuery(rangeSchema, call.query)
  const count = columns ?? points
  return call.hub.views.range(facts, {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(count !== undefined && { points: count }),
  })
}
