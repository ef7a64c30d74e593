/**
 * The way to the hub. One state, one loop: disconnected → greeting → sending, or refused. A few batches are on their way
 * at a time, so that what waits is soon sent: the hub stores in order, and what it answers is all that may be forgotten.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import { backoff } from '../base/clock'
import { messageOf } from '../base/errors'
import { VERSION } from '../base/version'
import { AGENT_NAMESPACE, PROTOCOL, type Accepted, type Refused, type Reply } from '../wire/messages'
import { Parcels, type Piece } from './parcels'
import type { Entry, Outbox } from './spool'
import { Turn } from './turn'

export type UplinkState = 'disconnected' | 'greeting' | 'sending' | 'refused'

export interface UplinkOptions {
  readonly hub: string
  readonly token: string
  readonly node: string
  /** Of all that is sent, where it is known: a balancer may go by it, so that the agents of a run come to one hub. */
  readonly run?: string | undefined
  readonly spool: Outbox
  readonly log: (line: string) => void
}

/** An answer that does not come in this time counts as a lost connection: a hub that is behind must not be sent all of it again. */
const ANSWER_MS = 60_000
/** After a refusal: a hub that is set right is found again without a restart of the agent. */
const REFUSED_MS = 10_000
/** A hub that is busy is asked again ever later, each agent at a moment of its own: all at once would keep it busy. */
const [BUSY_MS, MOST_BUSY_MS] = [500, 5000] as const
const RECONNECT_LAST_MS = 2_000
/** Batches that may wait for their answer. */
const MAX_AHEAD = 8
/** Seconds of samples in a batch, where the hub says nothing, and at most. */
const PACE_SECONDS = 0.25
const MAX_PACE_SECONDS = 10
/** Refused frames that are kept to look at: the limit of the spool does not count them. */
const MAX_QUARANTINED = 16

export class Uplink {
  state: UplinkState = 'disconnected'
  /** Whether a hub has taken anything from this agent yet. */
  reached = false
  refused = 0
  /** Seconds of samples that the hub would like in one batch. */
  private paceSeconds = PACE_SECONDS
  private readonly turn = new Turn()
  /** Files that go when no batch waits; beside the spool, so that whoever adopts it sends them as well. */
  readonly parcels: Parcels
  private readonly socket: Socket
  /** The last that was sent on this connection, and how many have no answer. */
  private sent = 0
  private ahead = 0
  /** A piece of a file is on its way. */
  private carrying = false
  private closed = false
  private told = ''
  private timer: ReturnType<typeof setTimeout> | undefined
  private waiters: (() => void)[] = []
  private readonly busy = backoff(BUSY_MS, MOST_BUSY_MS)

  constructor(private readonly options: UplinkOptions) {
    this.parcels = new Parcels(join(options.spool.folder, 'evidence'))
    this.socket = io(options.hub.replace(/\/$/, '') + AGENT_NAMESPACE, {
      transports: ['websocket'],
      reconnectionDelay: 200,
      reconnectionDelayMax: RECONNECT_LAST_MS,
      timeout: 5000,
      forceNew: true,
      query: options.run === undefined ? {} : { run: options.run },
    })
    this.socket.on('connect', () => void this.greet())
    this.socket.on('disconnect', () => this.lost())
    this.socket.on('connect_error', () => this.lost())
  }

  /** Batches and files that the hub does not have yet. */
  get pending(): number {
    return this.options.spool.pending + this.parcels.pending
  }

  /** Something was appended. */
  kick(): void {
    this.pump()
  }

  /** Resolves when nothing is pending, after `milliseconds` where given, or at `close`. */
  drained(milliseconds?: number): Promise<void> {
    if (this.pending === 0) return Promise.resolve()
    return new Promise(resolve => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds)
      this.waiters.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    this.socket.disconnect()
    for (const waiter of this.waiters.splice(0)) waiter()
  }

  private lost(): void {
    if (this.closed) return
    if (this.state === 'sending') this.say(`lost the hub at ${this.options.hub}; collecting into the spool meanwhile`)
    else if (this.state === 'disconnected')
      this.say(`no hub at ${this.options.hub} yet; collecting into the spool meanwhile`)
    this.state = 'disconnected'
    clearTimeout(this.timer)
    // After a cut by the hub itself socket.io does not come back of its own accord.
    if (!this.socket.active) this.timer = setTimeout(() => this.socket.connect(), RECONNECT_LAST_MS)
  }

  private async greet(): Promise<void> {
    const { spool, token, node } = this.options
    this.state = 'greeting'
    const who = { protocol: PROTOCOL, version: VERSION, agent: spool.agent, node, ahead: true }
    const hello = token === '' ? who : { ...who, token }
    const reply = await this.ask('hello', hello)
    if (reply === undefined) return
    if (!reply.ok) return this.beRefused(reply)
    this.say(`reports to ${this.options.hub}`)
    this.accepted(reply)
    this.state = 'sending'
    this.reached = true
    this.sent = 0
    this.ahead = 0
    this.pump()
  }

  private beRefused(reply: Refused): void {
    this.state = 'refused'
    this.say(`error: the hub refuses this agent: ${reply.error}${reply.fix === undefined ? '' : `\nfix: ${reply.fix}`}`)
    this.timer = setTimeout(() => void this.greet(), reply.retry ? this.busyMilliseconds() : REFUSED_MS)
  }

  private pump(): void {
    try {
      while (this.state === 'sending' && !this.closed && this.ahead < MAX_AHEAD) {
        const entry = this.options.spool.next(this.sent)
        if (entry === undefined) return this.carry()
        this.sent = entry.sequence
        this.ahead += 1
        void this.deliver(entry)
      }
    } catch (error) {
      this.options.log(`error: the spool cannot be read: ${messageOf(error)}`)
    }
  }

  /** The next piece of a file, where nothing else is on its way. */
  private carry(): void {
    const piece = this.ahead > 0 || this.carrying ? undefined : this.parcels.next()
    if (piece === undefined) return
    this.carrying = true
    void this.deliverPiece(piece)
  }

  private async deliverPiece({ about, offset, bytes }: Piece): Promise<void> {
    const reply = await this.ask('evidence', about, offset, bytes)
    this.carrying = false
    if (reply === undefined) return
    if (reply.ok) this.parcels.acknowledge(reply.sequence)
    else if (reply.retry) return this.hold(reply)
    else {
      const fix = reply.fix === undefined ? '' : `\nfix: ${reply.fix}`
      this.options.log(`error: the hub refused ${about.name}: ${reply.error}${fix}`)
      this.parcels.drop()
    }
    this.release()
    this.pump()
  }

  private async deliver(entry: Entry): Promise<void> {
    const reply = await this.ask('batch', entry.sequence, entry.frame)
    // After a refusal, and on a new connection, all is sent again: what is answered late counts all the same.
    if (reply === undefined) return
    this.ahead -= 1
    if (reply.ok) {
      this.busy.reset()
      this.accepted(reply)
      this.say(`reports to ${this.options.hub}`)
    } else if (!reply.retry) this.quarantine(entry.sequence, entry.frame, reply)
    else if (this.state === 'sending') return this.hold(reply)
    this.pump()
  }

  /** The hub takes nothing now. What else is on its way is refused too; then all of it begins again with a greeting. */
  private hold(reply: Refused): void {
    this.say(`the hub at ${this.options.hub} takes nothing now (${reply.error}); trying again`)
    this.state = 'refused'
    this.timer = setTimeout(() => void this.greet(), this.busyMilliseconds())
  }

  private busyMilliseconds = () => this.busy.next() * (0.5 + Math.random())

  /** The answer; undefined where the connection was lost over it, and a new one begins with a greeting. */
  private async ask(event: string, ...values: unknown[]): Promise<Reply | undefined> {
    try {
      return (await this.socket.timeout(ANSWER_MS).emitWithAck(event, ...values)) as Reply
    } catch {
      if (this.socket.connected) this.socket.disconnect().connect()
      return undefined
    }
  }

  /** Whether what was gathered is to be sent now, where this is asked every 0.25 s or more often; `now`: seconds. */
  isDue(now = performance.now() / 1000): boolean {
    return this.paceSeconds <= PACE_SECONDS || this.turn.take(now, this.paceSeconds)
  }

  private accepted({ sequence, pace = PACE_SECONDS }: Accepted): void {
    this.paceSeconds = Math.min(MAX_PACE_SECONDS, Math.max(PACE_SECONDS, pace))
    this.acknowledge(sequence)
  }

  private acknowledge(sequence: number): void {
    this.options.spool.acknowledge(sequence)
    this.release()
  }

  private release(): void {
    if (this.pending > 0) return
    for (const waiter of this.waiters.splice(0)) waiter()
  }

  /** A frame that the hub will never take must not stop those behind it; it is kept for whoever wants to know why. */
  private quarantine(sequence: number, frame: Buffer, reply: Refused): void {
    const folder = join(this.options.spool.folder, 'refused')
    mkdirSync(folder, { recursive: true })
    if (readdirSync(folder).length < MAX_QUARANTINED) writeFileSync(join(folder, `${sequence}.frame`), frame)
    this.refused += 1
    this.options.log(
      `error: the hub refused batch ${sequence}: ${reply.error}\nfix: ${reply.fix ?? `look at ${folder}`}`,
    )
    this.acknowledge(sequence)
  }

  /** State changes are said once, not at every attempt. */
  private say(line: string): void {
    if (line === this.told) return
    this.told = line
    this.options.log(line)
  }
}
