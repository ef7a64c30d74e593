/** The agents' door: greets, checks, stores in order, acknowledges what is stored. One bad agent never hurts another. */
import type { Server, Socket } from 'socket.io'
import { unixSeconds } from '../../base/clock'
import { messageOf, PlumblineError } from '../../base/errors'
import { decodeFrame } from '../../wire/frame'
import { AGENT_NAMESPACE, helloSchema, PROTOCOL, type Hello, type Refused, type Reply } from '../../wire/messages'
import type { Kind } from '../../wire/metrics'
import type { Batch } from '../../wire/table'
import type { Tokens } from '../access/tokens'
import type { Evidence } from '../evidence'
import type { Nodes } from '../nodes'
import { FULL } from '../store/commits'
import type { Store } from '../store/store'
import type { LimitName, Limits } from '../../wire/limits'
import { AgentLimits, checkInAll, type Met } from './limits'

/** Batches of one agent that may wait for the store; more is refused for now, and the agent's spool keeps it. */
const MAX_WAITING = 64
/** Who has not said who it is by then is sent away. */
const GREETING_MS = 10_000
/** Names under which one connection may greet, and agents whose pace is remembered. */
const MOST_NAMES = 8
const MOST_REMEMBERED = 20_000

export interface Ingest {
  readonly store: Store
  /** Seconds of samples that an agent of this node should gather in a batch; undefined where it is free. */
  pace(node: string): number | undefined
  /** Whether somebody looks at a run on this node. */
  isWatched(node: string): boolean
  readonly nodes: Nodes
  readonly tokens: Tokens
  readonly evidence: Evidence
  readonly limits: Limits
  /** That the hub knows. */
  readonly runs: Pick<ReadonlyMap<string, unknown>, 'size' | 'has'>
  /** Makes this hub the one that stores what an agent sends, while it waits for that; says why not. */
  admit(agent: string, isStill: () => boolean): Promise<string | undefined>
  /** It is another hub's from now on; what it sent here is stored. */
  giveUp(agent: string): Promise<void>
  /** Of which tables of a batch `stored` wants to know. */
  isTold(kind: Kind): boolean
  /** Called after a batch is stored. */
  stored(batch: Batch, hello: Hello, receivedAt: number): void
  count(what: 'batches' | 'rows' | 'refusals', by: number): void
  /** An agent was refused for this limit. */
  countLimit(limit: LimitName): void
  log(line: string): void
}

const refusal = (error: string, fix: string, retry = false): Refused => ({ ok: false, error, fix, retry })
const CLOSING = refusal('the hub is closing', 'the agent tries again by itself', true)

function check(value: unknown, tokens: Tokens): { hello: Hello } | { refused: Refused; node: string } {
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
  if (!tokens.mayReport(parsed.data.token)) {
    const error =
      parsed.data.token === undefined || parsed.data.token === ''
        ? 'this hub asks for a token'
        : 'the token is not one of the hub’s'
    return { refused: refusal(error, 'start the agent with --token or PLUMBLINE_TOKEN as the hub was'), node }
  }
  return { hello: parsed.data }
}

/** What the connections of one agent share. */
interface Doors {
  readonly owners: Map<string, Socket>
  /** The last answer of each agent that is not given yet, across its connections. */
  readonly waits: Map<string, Promise<void>>
  /** What each agent did of late: a new connection does not make it forgotten. */
  readonly limits: Map<string, AgentLimits>
  /** What the store last failed with: said once, not at every attempt of every agent. */
  failure: string
  closing: boolean
}

function limitsOf({ limits, owners }: Doors, { limits: most }: Ingest, agent: string): AgentLimits {
  const own = limits.get(agent) ?? new AgentLimits(most)
  limits.set(agent, own)
  if (limits.size > MOST_REMEMBERED)
    for (const other of limits.keys()) if (!owners.has(other) && other !== agent) limits.delete(other)
  return own
}

/** Says to an agent which limit it met, counts it and shows it beside its node. */
function refuse(ingest: Ingest, { node }: Hello, { limit, error, fix, retry }: Met): Refused {
  ingest.count('refusals', 1)
  ingest.countLimit(limit)
  ingest.nodes.refuse(node, error, fix, unixSeconds())
  return refusal(error, fix, retry)
}

function serve(socket: Socket, ingest: Ingest, doors: Doors): void {
  const { owners, waits } = doors
  let hello: Hello | undefined
  /** Something was refused for now: what was sent behind it must not be stored before it. */
  let behind = false
  let waiting = 0
  const names = new Set<string>()
  const greeting = setTimeout(() => socket.disconnect(true), GREETING_MS)

  /** Answers in the order in which was asked, also across the connections of an agent. */
  const inTurn = (agent: string, work: Promise<Reply>, answer: (reply: Reply) => void) => {
    const before = waits.get(agent) ?? Promise.resolve()
    const tail = before.then(async () => answer(await work))
    waits.set(agent, tail)
    void tail.finally(() => waits.get(agent) === tail && waits.delete(agent))
  }

  /** A refusal for who sends faster than it may; who goes on all the same is cut off. */
  const tooFast = (from: Hello, bytes: number): Refused | undefined => {
    const own = limitsOf(doors, ingest, from.agent)
    const why = own.pass(bytes)
    if (own.isDeaf) socket.disconnect(true)
    return why && refuse(ingest, from, why)
  }

  socket.on('hello', (value: unknown, reply: unknown) => {
    if (typeof reply !== 'function') return
    const answer = reply as (answer: Reply) => void
    const checked = check(value, ingest.tokens)
    if ('refused' in checked) {
      ingest.count('refusals', 1)
      ingest.nodes.refuse(checked.node, checked.refused.error, checked.refused.fix, unixSeconds())
      return answer(checked.refused)
    }
    const fast = tooFast(checked.hello, 0)
    if (fast !== undefined) return answer(fast)
    if (names.add(checked.hello.agent).size > MOST_NAMES) return void socket.disconnect(true)
    if (hello !== undefined && hello.agent !== checked.hello.agent) leave(hello)
    hello = checked.hello
    behind = false
    clearTimeout(greeting)
    const { agent, node, version } = hello
    // The newest connection of an agent is the real one: an old half-dead one must not go on writing.
    const previous = owners.get(agent)
    owners.set(agent, socket)
    if (previous !== undefined && previous !== socket) previous.disconnect(true)
    ingest.nodes.connect(agent, node, version, unixSeconds())
    // What an earlier connection still has in the queue is stored first, else it would be asked for again.
    const stored = (waits.get(agent) ?? Promise.resolve()).then(async (): Promise<Reply> => {
      const why = await ingest.admit(agent, () => owners.get(agent) === socket)
      if (why !== undefined) return refusal(why, 'the agent tries again by itself', true)
      return { ok: true, sequence: ingest.store.lastSequence(agent), pace: ingest.pace(node) }
    })
    inTurn(agent, stored, answer)
  })

  /** A refusal at once, without a look into the frame. */
  const turnedAway = (sequence: unknown, frame: unknown): Refused | undefined => {
    if (hello === undefined || owners.get(hello.agent) !== socket)
      return refusal('a batch before the greeting', 'say hello first', true)
    if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 1 || !Buffer.isBuffer(frame))
      return refusal('a batch is a sequence and a frame', 'run the same Plumbline version on agent and hub')
    const fast = tooFast(hello, frame.length)
    if (fast !== undefined) return fast
    // A token that was taken back ends its agents' connections too; the greeting says why.
    if (!ingest.tokens.mayReport(hello.token))
      return refusal('the token is not one of the hub’s', 'say hello first', true)
    if (behind) return refusal('a batch behind one that was refused', 'say hello first', true)
    if (doors.closing) return CLOSING
    // Before a look into the frame: an agent that is told to come again later must cost little.
    if (ingest.store.isFull()) return failed(ingest, doors, FULL)
    return waiting < MAX_WAITING ? undefined : refusal('the hub is busy', 'the agent tries again by itself', true)
  }

  socket.on('batch', (sequence: number, frame: Buffer, reply: unknown) => {
    if (typeof reply !== 'function') return
    const answer = reply as (answer: Reply) => void
    const from = hello
    const refused = turnedAway(sequence, frame)
    if (from === undefined || refused !== undefined) {
      behind ||= refused?.retry === true && from?.ahead === true
      return answer(refused ?? CLOSING)
    }
    waiting += 1
    const received = receive(ingest, doors, from, sequence, frame)
    const work = settle(ingest, doors, from, sequence, received).then(outcome => {
      if (!outcome.ok && outcome.retry && hello === from) behind = from.ahead === true
      waiting -= 1
      return outcome
    })
    inTurn(from.agent, work, answer)
  })

  socket.on('evidence', (about: unknown, offset: unknown, piece: unknown, reply: unknown) => {
    if (typeof reply !== 'function') return
    const answer = reply as (answer: Reply) => void
    if (hello === undefined || owners.get(hello.agent) !== socket)
      return answer(refusal('evidence before the greeting', 'say hello first', true))
    if (doors.closing) return answer(CLOSING)
    const fast = tooFast(hello, Buffer.isBuffer(piece) ? piece.length : 0)
    if (fast !== undefined) return answer(fast)
    void ingest.evidence.take(about, offset, piece).then(answer)
  })

  const leave = ({ agent }: Hello) => {
    if (owners.get(agent) !== socket) return
    owners.delete(agent)
    ingest.nodes.disconnect(agent)
  }
  socket.on('disconnect', () => {
    clearTimeout(greeting)
    if (hello !== undefined) leave(hello)
  })
}

/** A frame as it comes: an answer at once, or what is being stored and what the hub itself is told of it then. */
type Received =
  { readonly told: Batch; readonly rows: number; readonly receivedAt: number; readonly stored: Promise<void> } | Reply

function receive(ingest: Ingest, doors: Doors, hello: Hello, sequence: number, frame: Buffer): Received {
  const { store, nodes } = ingest
  const { agent, node } = hello
  let batch: Batch
  try {
    batch = decodeFrame(frame)
  } catch (error) {
    ingest.count('refusals', 1)
    const fix = error instanceof PlumblineError ? error.fix : undefined
    nodes.refuse(node, messageOf(error), fix, unixSeconds())
    return { ok: false, error: messageOf(error), fix, retry: false }
  }
  const receivedAt = store.arrival()
  if (sequence <= store.lastSequence(agent)) return { ok: true, sequence }
  const many = limitsOf(doors, ingest, agent).check(batch) ?? checkInAll(batch, ingest.limits, ingest.runs)
  if (many !== undefined) return refuse(ingest, hello, many)
  const stored = store.insert(batch, { agent, sequence, receivedAt }, ingest.isWatched(node))
  return { told: batch.only(ingest.isTold), rows: batch.rows, receivedAt, stored }
}

/** What the store takes not now is said once in the log, and the agent tries again. */
function failed(ingest: Ingest, doors: Doors, why: string): Refused {
  const failure = `the store failed: ${why}`
  if (failure !== doors.failure) ingest.log(`error: ${failure}`)
  doors.failure = failure
  return refusal(failure, 'look at the terminal of the hub', true)
}

/** Once it is stored; of a frame that waits only what is told of it is held. */
async function settle(
  ingest: Ingest,
  doors: Doors,
  hello: Hello,
  sequence: number,
  received: Received,
): Promise<Reply> {
  if ('ok' in received) return received
  const { told, rows, receivedAt, stored } = received
  try {
    await stored
  } catch (error) {
    return failed(ingest, doors, messageOf(error))
  }
  doors.failure = ''
  ingest.count('batches', 1)
  ingest.count('rows', rows)
  try {
    ingest.stored(told, hello, receivedAt)
  } catch (error) {
    // It is stored: what could not be made of it now is no reason to send it again.
    ingest.log(`error: batch ${sequence} of ${hello.node} is stored and not shown: ${messageOf(error)}`)
  }
  return { ok: true, sequence, pace: ingest.pace(hello.node) }
}

export interface AgentsDoor {
  /** Sends an agent to another hub, once what it sent here is stored. */
  release(agent: string): void
  /** Sends all away: what they sent and is not stored they send again. */
  sendAway(): void
  /** Closed, it takes nothing more, and has answered for what it took. */
  close(): Promise<void>
}

export function serveAgents(server: Server, ingest: Ingest): AgentsDoor {
  const doors: Doors = { owners: new Map(), waits: new Map(), limits: new Map(), failure: '', closing: false }
  server.of(AGENT_NAMESPACE).on('connection', socket => serve(socket, ingest, doors))
  const leaving = new Set<string>()
  return {
    release(agent) {
      if (leaving.has(agent)) return
      leaving.add(agent)
      doors.owners.get(agent)?.disconnect(true)
      // Who greets here again meanwhile waits for it.
      const gone = (doors.waits.get(agent) ?? Promise.resolve())
        .then(() => ingest.giveUp(agent))
        .catch((error: unknown) => ingest.log(`an agent is not given to another hub: ${messageOf(error)}`))
      doors.waits.set(agent, gone)
      void gone.finally(() => {
        leaving.delete(agent)
        if (doors.waits.get(agent) === gone) doors.waits.delete(agent)
      })
    },
    sendAway() {
      for (const socket of doors.owners.values()) socket.disconnect(true)
    },
    async close() {
      doors.closing = true
      await Promise.all(doors.waits.values())
    },
  }
}
