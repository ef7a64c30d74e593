/**
 * The page's door: `watch` a run and `update`s come, `watch` null and the list of `runs` comes. Work is done only while
 * someone looks; per topic never two computations at once, and changes meanwhile are folded into the next one.
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
const MOST_PACE_MS = 600
/** A state (silent, lost) may change without any data: each topic is looked at this often all the same. */
const IDLE_MS = 1000

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
      socket.on('watch', (run: unknown) => {
        if (run !== null && (typeof run !== 'string' || run.length > 256)) return
        this.leave(socket)
        this.join(socket, run)
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

  private join(socket: Socket, run: string | null): void {
    if (this.closed) return
    let topic = this.topics.get(run)
    if (topic === undefined) {
      topic = new Topic(run === null ? this.listWork() : this.runWork(run), this.log)
      this.topics.set(run, topic)
    }
    topic.sockets.add(socket)
    topic.touch()
  }

  private leave(socket: Socket): void {
    for (const [run, topic] of this.topics) {
      if (!topic.sockets.delete(socket) || topic.sockets.size > 0) continue
      void topic.stop()
      this.topics.delete(run)
    }
  }

  private listWork(): Work {
    return async send => {
      send('runs', await this.views.summaries())
    }
  }

  private runWork(run: string): Work {
    let since = unixSeconds() - 5
    return async send => {
      const facts = this.views.runs.get(run)
      if (facts === undefined) return
      const now = unixSeconds()
      send('update', await this.views.update(facts, since))
      // Steps are stamped by the node: a little overlap forgives its clock and its way here.
      since = Math.min(now, facts.lastStepAt ?? now) - 2
    }
  }
}

type Work = (send: (event: string, payload: unknown) => void) => Promise<void>

class Topic {
  readonly sockets = new Set<Socket>()
  private readonly stopped = new AbortController()
  private wake: AbortController = new AbortController()
  private readonly over: Promise<void>

  constructor(
    private readonly work: Work,
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
        await this.work((event, payload) => {
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
