/**
 * The page's door (`wire/live.ts`). Work is done only while someone looks; per topic never two computations at once, and
 * changes meanwhile are folded into the next one.
 */
import type { Server, Socket } from 'socket.io'
import { sleep, unixSeconds } from '../../base/clock'
import { messageOf } from '../../base/errors'
import { VERSION } from '../../base/version'
import { LIVE_NAMESPACE } from '../../wire/live'
import type { Views } from '../views'

/** Least milliseconds between two updates of a topic; one that takes longer comes less often, and so takes this share of the time. */
const PACE_MS = 150
const WORK_SHARE = 0.2
const MOST_PACE_MS = 450
/** A state (silent, lost) may change without any data: each topic is looked at this often all the same. */
const IDLE_MS = 1000
/** An agent among hundreds gathers for so long before it sends. */
const LATE_SECONDS = 5
/** An update reaches back by so much at most: it tells each step by itself. */
const MOST_BACK_SECONDS = 60

export class Live {
  /** By run; null is the list. */
  private readonly topics = new Map<string | null, Topic>()
  private closed = false

  constructor(
    server: Server,
    private readonly views: Views,
    private readonly log: (line: string) => void,
  ) {
    const namespace = server.of(LIVE_NAMESPACE)
    namespace.on('connection', socket => {
      socket.emit('version', VERSION)
      socket.on('watch', (run: unknown, since: unknown, answer: unknown) => {
        if (run !== null && (typeof run !== 'string' || run.length > 256)) return
        this.leave(socket)
        const reaches = this.join(socket, run, typeof since === 'number' ? since : undefined)
        if (typeof answer === 'function') answer(reaches)
      })
      socket.on('disconnect', () => this.leave(socket))
    })
  }

  /** Runs that someone looks at. */
  watched(): string[] {
    return [...this.topics.keys()].flatMap(run => run ?? [])
  }

  /** Something was stored that concerns these runs. */
  changed(concerns: (run: string) => boolean): void {
    for (const [run, topic] of this.topics) if (run === null || concerns(run)) topic.touch()
  }

  /** Resolves when no computation runs any more. */
  async close(): Promise<void> {
    this.closed = true
    const topics = [...this.topics.values()]
    this.topics.clear()
    await Promise.all(topics.map(topic => topic.stop()))
  }

  /** Whether the next update tells all that came after `since`. */
  private join(socket: Socket, run: string | null, since: number | undefined): boolean {
    if (this.closed) return false
    let topic = this.topics.get(run)
    if (topic === undefined) {
      topic = new Topic(run === null ? new ListWork(this.views) : new RunWork(this.views, run), this.log)
      this.topics.set(run, topic)
    }
    topic.sockets.add(socket)
    const reaches = since !== undefined && topic.work.reachBack(since)
    topic.touch()
    return reaches
  }

  private leave(socket: Socket): void {
    for (const [run, topic] of this.topics) {
      if (!topic.sockets.delete(socket) || topic.sockets.size > 0) continue
      void topic.stop()
      this.topics.delete(run)
    }
  }
}

interface Work {
  tell(send: (event: string, payload: unknown) => void): Promise<void>
  /** The next one tells what came after `since` as well; false where that is too long ago. */
  reachBack(since: number): boolean
}

class ListWork implements Work {
  constructor(private readonly views: Views) {}

  async tell(send: (event: string, payload: unknown) => void): Promise<void> {
    send('runs', await this.views.summaries())
  }

  /** It tells all of them each time. */
  reachBack(): boolean {
    return true
  }
}

class RunWork implements Work {
  /** What is stamped from here on is not told yet. */
  private since = unixSeconds() - LATE_SECONDS

  constructor(
    private readonly views: Views,
    private readonly run: string,
  ) {}

  async tell(send: (event: string, payload: unknown) => void): Promise<void> {
    const facts = this.views.runs.get(this.run)
    if (facts === undefined) return
    const from = this.since
    const now = unixSeconds()
    // Steps are stamped by the node: a little overlap forgives its clock and its way here.
    this.since = Math.min(now, facts.lastStepAt ?? now) - 2
    try {
      send('update', await this.views.update(facts, from))
    } catch (error) {
      this.since = Math.min(this.since, from)
      throw error
    }
  }

  reachBack(since: number): boolean {
    if (since < unixSeconds() - MOST_BACK_SECONDS) return false
    this.since = Math.min(this.since, since - LATE_SECONDS)
    return true
  }
}

class Topic {
  readonly sockets = new Set<Socket>()
  private readonly stopped = new AbortController()
  private wake: AbortController = new AbortController()
  private readonly over: Promise<void>

  constructor(
    readonly work: Work,
    private readonly log: (line: string) => void,
  ) {
    this.over = this.loop()
  }

  touch(): void {
    this.wake.abort()
  }

  stop(): Promise<void> {
    this.stopped.abort()
    this.wake.abort()
    return this.over
  }

  private async loop(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      await sleep(IDLE_MS, this.wake.signal)
      if (this.stopped.signal.aborted) return
      this.wake = new AbortController()
      const from = performance.now()
      try {
        await this.work.tell((event, payload) => {
          for (const socket of this.sockets) socket.emit(event, payload)
        })
      } catch (error) {
        // Nobody waits any more for what a stopped topic could not do.
        if (!this.stopped.signal.aborted) this.log(`live: ${messageOf(error)}`)
      }
      const took = performance.now() - from
      await sleep(Math.min(MOST_PACE_MS, Math.max(PACE_MS, took / WORK_SHARE - took)), this.stopped.signal)
    }
  }
}
