/**
 * The way to the hub. One state, one loop: disconnected → greeting → sending, or refused. One batch is in flight at a
 * time: the hub stores in order, and what it answers is all that may be forgotten.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import { messageOf } from '../base/errors'
import { VERSION } from '../base/version'
import { AGENT_NAMESPACE, PROTOCOL, type Refused, type Reply } from '../wire/messages'
import type { Spool } from './spool'

export type UplinkState = 'disconnected' | 'greeting' | 'sending' | 'refused'

export interface UplinkOptions {
  readonly hub: string
  readonly token: string
  readonly node: string
  readonly spool: Spool
  readonly log: (line: string) => void
}

/** An answer that does not come in this time counts as a lost connection. */
const ANSWER_MS = 15_000
/** After a refusal: a hub that is set right is found again without a restart of the agent. */
const REFUSED_MS = 10_000
const BUSY_MS = 500
const RECONNECT_LAST_MS = 2_000
/** Refused frames that are kept to look at: the limit of the spool does not count them. */
const MAX_QUARANTINED = 16

export class Uplink {
  state: UplinkState = 'disconnected'
  /** Whether a hub has taken anything from this agent yet. */
  reached = false
  refused = 0
  private readonly socket: Socket
  private busy = false
  private closed = false
  private told = ''
  private timer: ReturnType<typeof setTimeout> | undefined
  private waiters: (() => void)[] = []

  constructor(private readonly options: UplinkOptions) {
    this.socket = io(options.hub.replace(/\/$/, '') + AGENT_NAMESPACE, {
      transports: ['websocket'],
      reconnectionDelay: 200,
      reconnectionDelayMax: RECONNECT_LAST_MS,
      timeout: 5000,
      forceNew: true,
    })
    this.socket.on('connect', () => void this.greet())
    this.socket.on('disconnect', () => this.lost())
    this.socket.on('connect_error', () => this.lost())
  }

  /** Something was appended. */
  kick(): void {
    void this.pump()
  }

  /** Resolves when nothing is pending, after `milliseconds` where given, or at `close`. */
  drained(milliseconds?: number): Promise<void> {
    if (this.options.spool.pending === 0) return Promise.resolve()
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
    const hello = { protocol: PROTOCOL, version: VERSION, agent: spool.agent, node, ...(token !== '' && { token }) }
    const reply = await this.ask('hello', hello)
    if (reply === undefined) return
    if (!reply.ok) return this.beRefused(reply)
    this.say(`reports to ${this.options.hub}`)
    this.acknowledge(reply.sequence)
    this.state = 'sending'
    this.reached = true
    await this.pump()
  }

  private beRefused(reply: Refused): void {
    this.state = 'refused'
    this.say(`error: the hub refuses this agent: ${reply.error}${reply.fix === undefined ? '' : `\nfix: ${reply.fix}`}`)
    this.timer = setTimeout(() => void this.greet(), reply.retry ? BUSY_MS : REFUSED_MS)
  }

  private async pump(): Promise<void> {
    if (this.busy) return
    this.busy = true
    try {
      for (
        let entry = this.options.spool.next();
        entry !== undefined && this.state === 'sending' && !this.closed;
        entry = this.options.spool.next()
      ) {
        const reply = await this.ask('batch', entry.sequence, entry.frame)
        if (reply === undefined) return
        if (reply.ok) {
          this.acknowledge(reply.sequence)
          this.say(`reports to ${this.options.hub}`)
        } else if (reply.retry) {
          this.say(`the hub at ${this.options.hub} takes nothing now (${reply.error}); trying again`)
          await new Promise(resolve => setTimeout(resolve, BUSY_MS))
        } else this.quarantine(entry.sequence, entry.frame, reply)
      }
    } catch (error) {
      this.options.log(`error: the spool cannot be read: ${messageOf(error)}`)
    } finally {
      this.busy = false
    }
  }

  /** The answer; undefined where the connection was lost over it, and a new one begins with a greeting. */
  private async ask(event: string, ...values: unknown[]): Promise<Reply | undefined> {
    try {
      return (await this.socket.timeout(ANSWER_MS).emitWithAck(event, ...values)) as Reply
    } catch {
      if (this.socket.connected) this.socket.disconnect().connect()
      return undefined
    }
  }

  private acknowledge(sequence: number): void {
    this.options.spool.acknowledge(sequence)
    if (this.options.spool.pending > 0) return
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
