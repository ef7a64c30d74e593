/**
 * The long-lived child: `nvidia-smi --query-gpu=… --format=csv --loop-ms=N`. One process for the life of the agent: a
 * spawn per sample would cost about a second of driver start where persistence mode is off. It is restarted with
 * back-off when it dies, is refused or hangs; no timer of its own, `collect` is its clock.
 */
import { backoff } from '../../base/clock'
import { PlumblineError } from '../../base/errors'
import type { Context, Session } from '../collector'
import type { Child, Host } from '../host'
import { parseHeader, parseLine, type Layout } from './csv'
import { ended, failureOf, hung, notInstalled, refusedField, type Failure } from './failures'
import { chooseQuery, knownNames } from './fields'

/** On PATH, or where Windows puts it for Linux under WSL, which is often not on the PATH of services. */
const PROGRAMS = ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi']
const HELP_TIMEOUT_MS = 10_000
const FIRST_WAIT_MS = 1_000
const LAST_WAIT_MS = 60_000
const LEAST_HANG_SECONDS = 5
/** A driver that nothing keeps loaded wakes every device before the first line: some seconds each. */
const FIRST_LINE_SECONDS = 30
const MAX_REJECTED = 64

export interface Ran {
  readonly program: string
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly error?: string
}

/** Runs nvidia-smi once, wherever it is. `error` where it is nowhere or did not end in time. */
export async function runOnce(host: Host, args: readonly string[], timeoutMs = HELP_TIMEOUT_MS): Promise<Ran> {
  let result: Ran | undefined
  for (const program of PROGRAMS) {
    if (result !== undefined && (await host.stat(program)) === undefined) break
    result = { program, ...(await host.run(program, args, timeoutMs)) }
    if (result.error === undefined || !/not found|ENOENT/.test(result.error)) break
  }
  return result ?? { program: 'nvidia-smi', code: null, stdout: '', stderr: '', error: 'not found' }
}

/** What a run that did not work complains of. */
export function complaintOf({ code, stdout, stderr, error }: Ran): Failure | undefined {
  if (error !== undefined) return /did not end/.test(error) ? hung(HELP_TIMEOUT_MS / 1000) : notInstalled(error)
  const lines = `${stdout}\n${stderr}`.split('\n')
  for (const line of lines) {
    const failure = failureOf(line)
    if (failure !== undefined) return failure
  }
  return code === 0 ? undefined : ended(code, null, lines.find(line => line.trim() !== '')?.slice(0, 200) ?? '')
}

type State = 'waiting' | 'starting' | 'running'

export class Stream implements Session {
  private readonly waits = backoff(FIRST_WAIT_MS, LAST_WAIT_MS)
  private readonly rejected = new Set<string>()
  private readonly lost = new Set<string>()
  private state: State = 'waiting'
  private startAt = 0
  private child: Child | undefined
  private layout: Layout | undefined
  /** Since when the child owes a line. */
  private quietSince = 0
  /** Silence was seen once: a check later it counts, for an agent that was itself asleep first reads what waits. */
  private suspected = false
  /** Why no samples come; stays until the next one does. */
  private failure: Failure | undefined
  /** What the child at hand said itself. */
  private spoken: Failure | undefined
  /** Counts the starts, so that late words of a child that was given up are not heard. */
  private turn = 0
  private lastWords = ''
  private linesRead = 0
  private linesUnread = 0
  private warnedUnread = false
  private closed = false

  constructor(private readonly context: Context) {}

  async collect(): Promise<void> {
    const now = this.context.host.now()
    if (this.state === 'waiting' && now >= this.startAt) await this.start()
    else if (this.state === 'running' && now - this.quietSince > this.patience()) await this.doubt(now)
    if (this.failure !== undefined) throw new PlumblineError(this.failure.message, { fix: this.failure.fix })
  }

  counts(): { linesRead: number; linesUnread: number } {
    return { linesRead: this.linesRead, linesUnread: this.linesUnread }
  }

  async close(): Promise<void> {
    this.closed = true
    await this.child?.stop()
    this.child = undefined
  }

  /** Seconds of silence after which the child is taken to hang. */
  private patience(): number {
    const least = this.layout === undefined ? FIRST_LINE_SECONDS : LEAST_HANG_SECONDS
    return Math.max(least, (5 * this.context.settings.intervalMs) / 1000)
  }

  private async doubt(now: number): Promise<void> {
    if (!this.suspected) return void (this.suspected = true)
    const { child } = this
    this.fail(hung(now - this.quietSince))
    await child?.stop()
  }

  private async start(): Promise<void> {
    this.state = 'starting'
    const { host, settings } = this.context
    const help = await runOnce(host, ['--help-query-gpu'])
    if (this.closed) return
    const known = knownNames(help.stdout)
    const complaint = known === undefined ? complaintOf(help) : undefined
    if (complaint !== undefined && complaint.type !== 'ended') return this.fail(complaint)
    const { names } = chooseQuery(known, this.rejected)
    this.layout = undefined
    this.spoken = undefined
    this.suspected = false
    this.lastWords = ''
    this.quietSince = host.now()
    this.state = 'running'
    const turn = (this.turn += 1)
    const mine = () => !this.closed && this.turn === turn
    const hear = (text: string) => {
      if (mine()) this.line(text)
    }
    const args = [`--query-gpu=${names.join(',')}`, '--format=csv', `--loop-ms=${settings.intervalMs}`]
    const child = host.spawn(help.program, args, {
      line: hear,
      errorLine: hear,
      warn: message => this.context.warn(`nvidia-smi: ${message}`),
      exit: ({ code, signal, error }) => {
        if (mine()) this.exit(error === undefined ? ended(code, signal, this.lastWords) : notInstalled(error))
      },
    })
    if (mine()) this.child = child
  }

  private line(text: string): void {
    const { layout, context } = this
    const now = context.host.now()
    const stamp = {
      time: now,
      node: context.host.hostname,
      source: context.settings.synthetic ? 'synthetic' : 'nvidia-smi',
    }
    if (layout !== undefined && parseLine(layout, text, context.batch().table('gpu'), stamp))
      return this.sample(text, now)
    if (text.trim() === '') return
    const header = layout === undefined || text.startsWith('index,') ? parseHeader(text) : undefined
    if (header !== undefined) {
      this.layout = header
      this.linesRead += 1
    } else this.complaint(text)
  }

  private sample(text: string, now: number): void {
    this.linesRead += 1
    this.quietSince = now
    this.suspected = false
    this.failure = undefined
    this.waits.reset()
    if (this.lost.size > 0 || text.includes('GPU is lost')) this.watchLost(text, now)
  }

  /** One event per device that is lost, when it is lost. */
  private watchLost(text: string, now: number): void {
    const index = text.slice(0, text.indexOf(','))
    if (!text.includes('GPU is lost')) return void this.lost.delete(index)
    if (!this.lost.has(index)) this.tellLost(index, `nvidia-smi says that GPU ${index} is lost`, now)
  }

  private tellLost(which: string, message: string, time: number): void {
    this.lost.add(which)
    this.context.batch().add({
      kind: 'event',
      type: 'gpu-lost',
      time,
      node: this.context.host.hostname,
      message,
      ...(/^\d+$/.test(which) ? { gpuIndex: Number(which) } : {}),
    })
    this.context.warn(message, 'reboot the node; look for "Xid" in dmesg')
  }

  private complaint(text: string): void {
    const failure = failureOf(text)
    const refused = refusedField(text)
    if (refused !== undefined) this.rejected.add(refused)
    if (failure !== undefined) {
      this.spoken = failure
      if (failure.type !== 'unknown-field') this.failure = failure
      // Instead of a row of its own: the other devices go on.
      const isNew = failure.type === 'gpu-lost' && !this.lost.has(failure.message)
      if (isNew) this.tellLost(failure.message, failure.message, this.context.host.now())
      return
    }
    this.lastWords = text.trim().slice(0, 200)
    this.linesUnread += 1
    if (this.warnedUnread) return
    this.warnedUnread = true
    this.context.warn(`nvidia-smi printed a line that is not understood: ${this.lastWords}`)
  }

  private exit(end: Failure): void {
    // A driver without one of the fields is asked again without it, at the next tick: nothing is wrong with it.
    if (this.spoken?.type === 'unknown-field' && this.rejected.size < MAX_REJECTED) {
      this.rest()
      this.startAt = 0
    } else this.fail(this.spoken ?? end)
  }

  private fail(failure: Failure): void {
    this.failure = failure
    this.rest()
    this.startAt = this.context.host.now() + this.waits.next() / 1000
  }

  private rest(): void {
    this.turn += 1
    this.child = undefined
    this.state = 'waiting'
  }
}
