/** The agents' door: greets, checks, stores in order, acknowledges what is stored. One bad agent never hurts another. */
import type { Server, Socket } from 'socket.io'
import { unixSeconds } from '../../base/clock'
import { messageOf, PlumblineError } from '../../base/errors'
import { decodeFrame } from '../../wire/frame'
import { AGENT_NAMESPACE, helloSchema, PROTOCOL, type Hello, type Refused, type Reply } from '../../wire/messages'
import type { Batch } from '../../wire/table'
import type { Nodes } from '../nodes'
import type { Store } from '../store/store'
import { showsToken } from './token'

/** Batches of one agent that may wait for the store; more is refused for now, and the agent's spool keeps it. */
const MAX_WAITING = 64

export interface Ingest {
  readonly store: Store
  readonly nodes: Nodes
  readonly token: string
  /** Called after a batch is stored. */
  stored(batch: Batch, hello: Hello, receivedAt: number): void
  count(what: 'batches' | 'rows' | 'refusals', by: number): void
  log(line: string): void
}

const refusal = (error: string, fix: string, retry = false): Refused => ({ ok: false, error, fix, retry })
const CLOSING = refusal('the hub is closing', 'the agent tries again by itself', true)

function check(value: unknown, token: string): { hello: Hello } | { refused: Refused; node: string } {
  const parsed = helloSchema.safeParse(value)
  const node = parsed.success ? parsed.data.node : 'unknown'
  const version = (value as { protocol?: unknown } | null | undefined)?.protocol
  if (typeof version === 'number' && version !== PROTOCOL) {
    const error = `the agent speaks protocol ${version}, this hub ${PROTOCOL}`
    return { refused: refusal(error, 'run the same Plumbline version on agent and hub'), node }
  }
  if (!parsed.success)
    return {
      refused: refusal('the greeting is not understood', 'run the same Plumbline version on agent and hub'),
      node,
    }
  if (!showsToken(parsed.data.token, token)) {
    const error =
      parsed.data.token === undefined || parsed.data.token === ''
        ? 'this hub asks for a token'
        : 'the token is not the hub’s'
    return { refused: refusal(error, 'start the agent with --token or PLUMBLINE_TOKEN as the hub was'), node }
  }
  return { hello: parsed.data }
}

/** What the connections of one agent share. */
interface Doors {
  readonly owners: Map<string, Socket>
  /** The tail of each agent's queue, across its connections. */
  readonly waits: Map<string, Promise<void>>
  /** What the store last failed with: said once, not at every attempt of every agent. */
  failure: string
  closing: boolean
}

function serve(socket: Socket, ingest: Ingest, doors: Doors): void {
  const { owners, waits } = doors
  let hello: Hello | undefined
  let waiting = 0
  let queue: Promise<void> = Promise.resolve()

  socket.on('hello', (value: unknown, reply: unknown) => {
    if (typeof reply !== 'function') return
    const answer = reply as (answer: Reply) => void
    const checked = check(value, ingest.token)
    if ('refused' in checked) {
      ingest.count('refusals', 1)
      ingest.nodes.refuse(checked.node, checked.refused.error, checked.refused.fix, unixSeconds())
      return answer(checked.refused)
    }
    if (hello !== undefined && hello.agent !== checked.hello.agent) leave(hello)
    hello = checked.hello
    const { agent, node, version } = hello
    // The newest connection of an agent is the real one: an old half-dead one must not go on writing.
    const previous = owners.get(agent)
    owners.set(agent, socket)
    if (previous !== undefined && previous !== socket) previous.disconnect(true)
    ingest.nodes.connect(agent, node, version, unixSeconds())
    // What an earlier connection still has in the queue is stored first, else it would be asked for again.
    queue = (waits.get(agent) ?? Promise.resolve()).then(() =>
      answer({ ok: true, sequence: ingest.store.lastSequence(agent) }),
    )
  })

  socket.on('batch', (sequence: unknown, frame: unknown, reply: unknown) => {
    if (typeof reply !== 'function') return
    const answer = reply as (answer: Reply) => void
    const from = hello
    if (from === undefined || owners.get(from.agent) !== socket)
      return answer(refusal('a batch before the greeting', 'say hello first', true))
    if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 1 || !Buffer.isBuffer(frame)) {
      return answer(refusal('a batch is a sequence and a frame', 'run the same Plumbline version on agent and hub'))
    }
    if (waiting >= MAX_WAITING) return answer(refusal('the hub is busy', 'the agent tries again by itself', true))
    waiting += 1
    queue = queue.then(async () => {
      answer(doors.closing ? CLOSING : await take(ingest, doors, from, sequence, frame))
      waiting -= 1
    })
    const tail = queue
    waits.set(from.agent, tail)
    void tail.finally(() => waits.get(from.agent) === tail && waits.delete(from.agent))
  })

  const leave = ({ agent }: Hello) => {
    if (owners.get(agent) !== socket) return
    owners.delete(agent)
    ingest.nodes.disconnect(agent)
  }
  socket.on('disconnect', () => {
    if (hello !== undefined) leave(hello)
  })
}

async function take(ingest: Ingest, doors: Doors, hello: Hello, sequence: number, frame: Buffer): Promise<Reply> {
  let batch: Batch
  try {
    batch = decodeFrame(frame)
  } catch (error) {
    ingest.count('refusals', 1)
    const fix = error instanceof PlumblineError ? error.fix : undefined
    ingest.nodes.refuse(hello.node, messageOf(error), fix, unixSeconds())
    return { ok: false, error: messageOf(error), fix, retry: false }
  }
  const receivedAt = unixSeconds()
  if (sequence <= ingest.store.lastSequence(hello.agent)) return { ok: true, sequence }
  try {
    await ingest.store.insert(batch, { agent: hello.agent, sequence, receivedAt })
  } catch (error) {
    const failure = `the store failed: ${messageOf(error)}`
    if (failure !== doors.failure) ingest.log(`error: ${failure}`)
    doors.failure = failure
    return refusal(failure, 'look at the terminal of the hub', true)
  }
  doors.failure = ''
  ingest.count('batches', 1)
  ingest.count('rows', batch.rows)
  try {
    ingest.stored(batch, hello, receivedAt)
  } catch (error) {
    // It is stored: what could not be made of it now is no reason to send it again.
    ingest.log(`error: batch ${sequence} of ${hello.node} is stored and not shown: ${messageOf(error)}`)
  }
  return { ok: true, sequence }
}

/** Closed, it takes nothing more, and has answered for what it took. */
export function serveAgents(server: Server, ingest: Ingest): { close(): Promise<void> } {
  const doors: Doors = { owners: new Map(), waits: new Map(), failure: '', closing: false }
  server.of(AGENT_NAMESPACE).on('connection', socket => serve(socket, ingest, doors))
  return {
    async close() {
      doors.closing = true
      await Promise.all(doors.waits.values())
    },
  }
}
