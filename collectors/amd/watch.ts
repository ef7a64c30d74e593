/**
 * The long-lived child `amd-smi monitor … --watch`: one Python for the life of the agent instead of one for each sample. It is
 * restarted with back-off when it dies or hangs; `collect` is its clock.
 */
import { backoff } from '../../base/clock'
import { PlumblineError } from '../../base/errors'
import type { WireRecord } from '../../wire/records'
import type { Context, Session } from '../collector'
import type { Child } from '../host'
import { failureOf, type Failure } from './failures'
import { SmiCsv } from './smi-csv'
import { here, runTool } from './tools'

const FIRST_WAIT_MS = 1_000
const LAST_WAIT_MS = 60_000
const LEAST_HANG_SECONDS = 15
/** Power, temperature, GFX and memory with their clocks, ECC, VRAM: what all versions of the monitor know. */
const COLUMNS = ['-p', '-t', '-u', '-m', '-e', '-v']

export class Watch implements Session {
  private readonly waits = backoff(FIRST_WAIT_MS, LAST_WAIT_MS)
  private child: Child | undefined
  private startAt = 0
  private quietSince = 0
  private failure: Failure | undefined
  private linesRead = 0
  private linesUnread = 0
  private lastWords = ''
  /** Counts the starts, so that late words of a child that was given up are not heard. */
  private turn = 0
  private starting = false
  private closed = false

  constructor(private readonly context: Context) {}

  async collect(): Promise<void> {
    const now = this.context.host.now()
    if (this.child === undefined && !this.starting && now >= this.startAt) await this.start()
    else if (this.child !== undefined && now - this.quietSince > this.patience()) await this.giveUp(now)
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

  /** The tool counts in whole seconds. */
  private get seconds(): number {
    return Math.max(1, Math.round(this.context.settings.intervalMs / 1000))
  }

  private patience(): number {
    return Math.max(LEAST_HANG_SECONDS, 5 * this.seconds)
  }

  private async giveUp(now: number): Promise<void> {
    const { child } = this
    const message = `amd-smi printed nothing for ${Math.round(now - this.quietSince)} s and was stopped`
    this.fail({
      type: 'hung',
      message,
      fix: 'run amd-smi monitor by hand; if it hangs as well, look for amdgpu in dmesg',
    })
    await child?.stop()
  }

  private async start(): Promise<void> {
    this.starting = true
    const { host } = this.context
    const { program } = await runTool(host, 'amd-smi', ['version'])
    this.starting = false
    if (this.closed) return
    const turn = (this.turn += 1)
    const mine = () => !this.closed && this.turn === turn
    this.quietSince = host.now()
    this.lastWords = ''
    const csv = new SmiCsv(record => this.take(record))
    // Python keeps what it prints into a pipe until some kilobytes are full.
    const args = ['PYTHONUNBUFFERED=1', program, 'monitor', ...COLUMNS, '--csv', '--watch', String(this.seconds)]
    const child = host.spawn('env', args, {
      line: text => {
        if (mine()) this.line(csv, text)
      },
      errorLine: text => {
        if (mine()) this.complaint(text)
      },
      warn: message => this.context.warn(`amd-smi: ${message}`),
      exit: ({ code, signal, error }) => {
        if (!mine()) return
        const how = error ?? signal ?? `exit code ${code ?? 'unknown'}`
        const message = `amd-smi ended (${how})${this.lastWords === '' ? '' : `: ${this.lastWords}`}`
        this.fail(
          failureOf(this.lastWords) ?? {
            type: 'ended',
            message,
            fix: 'run amd-smi monitor by hand to see what it says',
          },
        )
      },
    })
    if (mine()) this.child = child
  }

  private take(record: WireRecord): void {
    this.failure = undefined
    this.waits.reset()
    this.context.batch().add(here(this.context.host, record))
  }

  private line(csv: SmiCsv, text: string): void {
    if (text.trim() === '') return
    if (csv.line(text)) {
      this.linesRead += 1
      this.quietSince = this.context.host.now()
    } else this.complaint(text)
  }

  private complaint(text: string): void {
    if (text.trim() === '') return
    if (failureOf(this.lastWords) === undefined || failureOf(text) !== undefined)
      this.lastWords = text.trim().slice(0, 200)
    this.linesUnread += 1
  }

  private fail(failure: Failure): void {
    this.failure = failure
    this.turn += 1
    this.child = undefined
    this.startAt = this.context.host.now() + this.waits.next() / 1000
  }
}
