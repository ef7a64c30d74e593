/**
 * OTLP/HTTP metrics, `POST /v1/metrics`: what an OpenTelemetry collector or SDK sends becomes records like those of agents.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp. OTLP has no sequences: a sender that repeats what the hub had stored,
 * because the answer was lost, stores it twice. Samples of devices are averaged by time, so nothing is counted double.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { messageOf } from '../../base/errors'
import { ExporterReader } from '../../wire/exporters/reader'
import { Batch } from '../../wire/table'
import type { Tokens } from '../access/tokens'
import { isForeignOrigin } from '../http/door'
import type { Store } from '../store/store'
import { encodeAnswer, type Encoding, type Outcome } from './answer'
import { decodeJson } from './decode-json'
import { decodeProtobuf } from './decode-protobuf'
import type { Point } from './point'
import { ProtobufError } from '../../base/protobuf'

const PATH = '/v1/metrics'
/** The name under which the store counts what came this way. */
export const OTLP_AGENT = 'otlp'
/** Of a body as sent, and unpacked. */
const MAX_SENT_BYTES = 8 * 1024 * 1024
const MAX_BYTES = 16 * 1024 * 1024
/** Requests that are read or stored at one time; more are asked to come again. */
const MAX_WAITING = 16
const RETRY_SECONDS = 5
/** Names of metrics told in an answer. */
const MAX_NAMED = 5

export interface OtlpOptions {
  readonly store: Store
  readonly tokens: Tokens
  /** Called after a request is stored; `nodes` are those that it spoke of. */
  stored(batch: Batch, nodes: readonly string[], receivedAt: number): void
  count(what: 'batches' | 'rows' | 'refusals', by: number): void
  log(line: string): void
}

export interface OtlpDoor {
  /** False: the request is not for this door. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  /** Takes nothing more, and resolves when all that was taken is stored. */
  close(): Promise<void>
}

class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly fix?: string,
  ) {
    super(message)
  }
}

const unpack = promisify(gunzip)

function encodingOf({ headers }: IncomingMessage): Encoding {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type === 'application/json' || type === 'application/x-protobuf') return type
  throw new Refused(415, 'the body is neither application/json nor application/x-protobuf', 'use an OTLP/HTTP exporter')
}

/** The body, unpacked. What is too large is refused before it is held. */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () => new Refused(413, `a body of more than ${MAX_SENT_BYTES} bytes`, 'send smaller batches')
  if (Number(request.headers['content-length'] ?? 0) > MAX_SENT_BYTES) throw tooLarge()
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MAX_SENT_BYTES) throw tooLarge()
    parts.push(part)
  }
  const body = Buffer.concat(parts)
  const packing = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (packing === 'identity' || packing === '') return body
  if (packing !== 'gzip') throw new Refused(415, `content-encoding ${packing.slice(0, 20)}`, 'use gzip or none')
  try {
    return await unpack(body, { maxOutputLength: MAX_BYTES })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Refused(413, `more than ${MAX_BYTES} bytes, unpacked`, 'send smaller batches')
    throw new Refused(400, `the body is no gzip: ${messageOf(error)}`)
  }
}

function* pointsOf(body: Buffer, encoding: Encoding): Generator<Point> {
  try {
    yield* encoding === 'application/json' ? decodeJson(body.toString('utf8')) : decodeProtobuf(body)
  } catch (error) {
    if (error instanceof ProtobufError || error instanceof SyntaxError)
      throw new Refused(400, `the body is not understood: ${error.message.slice(0, 200)}`)
    throw error
  }
}

/** The node that a resource is on. */
const nodeOf = ({ resource }: Point) => resource['host.name'] ?? resource['k8s.node.name']

export function serveOtlp({ store, tokens, stored, count, log }: OtlpOptions): OtlpDoor {
  const reader = new ExporterReader({ repeated: true, needsNode: true })
  const running = new Set<Promise<Outcome>>()
  let queue: Promise<unknown> = Promise.resolve()
  let closing = false
  // After a start the store may hold half of what came last: its number is left out.
  let sequence = store.lastSequence(OTLP_AGENT) + 1

  function read(body: Buffer, encoding: Encoding): { batch: Batch; rejected: number; message: string } {
    const batch = new Batch()
    const strangers = new Set<string>()
    let rejected = 0
    try {
      for (const point of pointsOf(body, encoding)) {
        const { sample } = point
        if (sample !== undefined && reader.take(sample, { node: nodeOf(point) })) continue
        rejected += 1
        if (strangers.size < MAX_NAMED)
          strangers.add(sample?.name.slice(0, 100) ?? 'histograms, summaries and differences')
      }
    } finally {
      // Also what a broken body began is ended, and must not run into the next.
      reader.finish(batch)
    }
    const named = [...strangers].join(', ')
    return { batch, rejected, message: rejected === 0 ? '' : `not known here, or without host.name: ${named}` }
  }

  async function keep(batch: Batch): Promise<void> {
    const receivedAt = store.arrival()
    sequence += 1
    try {
      await store.insert(batch, { agent: store.sender(OTLP_AGENT), sequence, receivedAt })
    } catch (error) {
      log(`error: the store failed: ${messageOf(error)}`)
      throw new Refused(503, 'the store failed', 'look at the terminal of the hub')
    }
    count('batches', 1)
    count('rows', batch.rows)
    const nodes = batch
      .records()
      .flatMap(record => ('node' in record && record.node !== undefined ? [record.node] : []))
    stored(batch, [...new Set(nodes)], receivedAt)
  }

  async function take(request: IncomingMessage, encoding: Encoding): Promise<Outcome> {
    const { batch, rejected, message } = read(await bodyOf(request), encoding)
    // One after the other: the store takes the batches of one sender in order.
    const done = queue.then(() => (batch.rows > 0 ? keep(batch) : undefined))
    queue = done.catch(() => undefined)
    await done
    return { status: 200, rejected, message }
  }

  function admit(request: IncomingMessage): Encoding {
    if (isForeignOrigin(request)) throw new Refused(403, 'a page of another origin may not send here')
    const shown = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (!tokens.mayReport(shown))
      throw new Refused(
        401,
        'the token is not one of the hub’s',
        'set OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN',
      )
    if (closing || running.size >= MAX_WAITING)
      throw new Refused(503, closing ? 'the hub is closing' : 'the hub is busy')
    return encodingOf(request)
  }

  async function outcomeOf(request: IncomingMessage): Promise<Outcome> {
    try {
      const work = take(request, admit(request))
      running.add(work)
      return await work.finally(() => running.delete(work))
    } catch (error) {
      count('refusals', 1)
      const { status, message, fix } = error instanceof Refused ? error : new Refused(500, messageOf(error))
      if (status === 500) log(`error: POST ${PATH}: ${message}`)
      return { status, rejected: 0, message, ...(fix !== undefined && { fix }) }
    }
  }

  return {
    async answer(request, response) {
      if (request.url?.split('?', 1)[0] !== PATH) return false
      if (request.method !== 'POST') {
        response
          .writeHead(405, { allow: 'POST', 'content-type': 'text/plain' })
          .end('metrics are sent here with POST\n')
        return true
      }
      const outcome = await outcomeOf(request)
      const isJson = /^application\/json\b/i.test(request.headers['content-type'] ?? 'application/json')
      const encoding: Encoding = isJson ? 'application/json' : 'application/x-protobuf'
      const { status } = outcome
      response.writeHead(status, {
        'content-type': encoding,
        ...(status === 503 && { 'retry-after': String(RETRY_SECONDS) }),
        // What was not read of a refused body must not be taken for the next request.
        ...(status !== 200 && { connection: 'close' }),
      })
      response.end(encodeAnswer(outcome, encoding))
      return true
    },
    async close() {
      closing = true
      await Promise.allSettled(running)
    },
  }
}
