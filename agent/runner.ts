/**
 * Runs collectors: detect, open, collect at its interval, count. One that throws, hangs or cannot be opened is reported
 * in its `collector` record and tried again; the others do not notice.
 */
import { backoff } from '../base/clock'
import { messageOf, PlumblineError } from '../base/errors'
import type { Collector, CollectorSettings, Json, Session } from '../collectors/collector'
import type { Host } from '../collectors/host'
import type { Batch } from '../wire/table'
import type { Restraint } from './restraint'

/** A source that is not there is looked for again this often. */
const DETECT_MS = 60_000
const HEALTH_MS = 10_000
const OPEN_MS = 10_000
const CLOSE_MS = 5_000
/** Time for what is still unread at the end. */
const REST_MS = 3_000

export interface RunnerOptions {
  readonly collector: Collector
  readonly host: Host
  readonly settings: CollectorSettings
  readonly cursor: Json | undefined
  /** How many times rarer it looks now, and why. */
  readonly restraint: Pick<Restraint, 'factor' | 'note'>
  batch(): Batch
  log(line: string): void
}

type Health = { state: 'ok' | 'absent' | 'failed'; message?: string; fix?: string }

export class Runner {
  readonly name: string
  failures = 0
  lastSeconds: number | undefined
  health: Health = { state: 'absent', message: 'not looked for yet' }
  private session: Session | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private running: Promise<void> | undefined
  private stopped = false
  /** A collect that took too long and still runs: a session is never asked twice at once. */
  private hanging: Promise<void> | undefined
  private readonly healthTimer: ReturnType<typeof setInterval>
  private readonly reopen = backoff(1000, 60_000)

  constructor(private readonly options: RunnerOptions) {
    this.name = options.collector.name
    this.schedule(0)
    this.healthTimer = setInterval(() => this.report(true), HEALTH_MS)
  }

  /** State to resume from; what it was at the start until the session is open. */
  cursor(): Json | undefined {
    return this.session?.cursor?.() ?? this.options.cursor
  }

  /** One more look for what came last, then the end. */
  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    clearInterval(this.healthTimer)
    await this.running
    if (this.session === undefined) return
    await this.collectRest(this.session)
    await within(this.session.close(), CLOSE_MS, 'closing').catch((error: unknown) => this.fail(error))
  }

  /** One look reads only so much of a long log: a session that reads lines is asked until none comes. */
  private async collectRest(session: Session): Promise<void> {
    const until = performance.now() + REST_MS
    let before: number | undefined
    do {
      before = session.counts?.().linesRead
      await this.collectOnce(session)
    } while (session.counts?.().linesRead !== before && this.health.state === 'ok' && performance.now() < until)
  }

  private schedule(milliseconds: number): void {
    if (this.stopped) return
    this.timer = setTimeout(() => {
      this.running = this.tick()
    }, milliseconds)
  }

  private async tick(): Promise<void> {
    const from = performance.now()
    const wait = await this.work()
    this.report()
    // Self-correcting: the interval is from start to start.
    this.schedule(Math.max(1, wait - (performance.now() - from)))
  }

  /** Gives the milliseconds until the next look. */
  private async work(): Promise<number> {
    const { collector, settings } = this.options
    try {
      this.session ??= await this.open()
    } catch (error) {
      this.fail(error)
      return this.reopen.next()
    }
    if (this.session === undefined) return DETECT_MS
    this.reopen.reset()
    await this.collectOnce(this.session)
    return collector.everyMs(settings) * this.options.restraint.factor
  }

  private async open(): Promise<Session | undefined> {
    const { collector, host, settings, cursor } = this.options
    const found = await within(collector.detect(host, settings), OPEN_MS, 'looking for it')
    if (!found.available) {
      this.health = { state: 'absent', message: found.why, fix: found.fix }
      return undefined
    }
    const opening = collector.open({
      host,
      settings,
      cursor,
      batch: () => this.options.batch(),
      warn: (message, fix) =>
        this.options.log(`${collector.name}: ${message}${fix === undefined ? '' : ` (fix: ${fix})`}`),
    })
    try {
      return await within(opening, OPEN_MS, 'opening')
    } catch (error) {
      // One that comes after all is not wanted any more: another is opened by then.
      void opening.then(session => session.close()).catch(() => undefined)
      throw error
    }
  }

  private async collectOnce(session: Session): Promise<void> {
    const from = performance.now()
    try {
      const work = this.hanging ?? session.collect()
      const done = () => (this.hanging = undefined)
      this.hanging = work
      work.then(done, done)
      await within(work, this.options.collector.timeoutMs, 'collecting')
      this.health = { state: 'ok', ...this.options.restraint.note }
    } catch (error) {
      this.fail(error)
    }
    this.lastSeconds = (performance.now() - from) / 1000
  }

  private fail(error: unknown): void {
    this.failures += 1
    const fix = error instanceof PlumblineError ? error.fix : undefined
    const message = messageOf(error)
    if (this.health.state !== 'failed' || this.health.message !== message) {
      this.options.log(`${this.name}: ${message}${fix === undefined ? '' : ` (fix: ${fix})`}`)
    }
    this.health = { state: 'failed', message, ...(fix !== undefined && { fix }) }
  }

  private said = ''

  /** At each change, and every ten seconds. */
  private report(anyway = false): void {
    const { host } = this.options
    const key = JSON.stringify(this.health)
    if (key === this.said && !anyway) return
    this.said = key
    this.options.batch().add({
      kind: 'collector',
      time: host.now(),
      node: host.hostname,
      name: this.name,
      failures: this.failures,
      ...this.health,
      durationSeconds: this.lastSeconds,
      ...this.session?.counts?.(),
    })
  }
}

/** Rejects when the work takes longer; it is not stopped, for it cannot be, and what it gives later is ignored. */
async function within<T>(work: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new PlumblineError(`${what} took longer than ${milliseconds / 1000} s`)),
      milliseconds,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
