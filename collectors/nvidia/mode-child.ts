/**
 * One long-lived child for a mode of nvidia-smi that prints for ever: dmon, or compute apps in a loop. Restarted with
 * back-off when it dies; `collect` is its clock. What its lines mean is its reader's.
 */
import { backoff } from '../../base/clock'
import { PlumblineError } from '../../base/errors'
import type { RecordOf } from '../../wire/records'
import type { Context, Session } from '../collector'
import type { Child } from '../host'
import { ended, failureOf, notInstalled, type Failure } from './failures'
import { runOnce } from './stream'

const FIRST_WAIT_MS = 5_000
const LAST_WAIT_MS = 600_000

export interface ModeReader {
  /** Records of a line; undefined where it is none of this mode. `now` is when it was read, Unix seconds. */
  line(text: string, now: number): RecordOf<'gpu'>[] | undefined
  /** Records held back for lines that could have followed. */
  settle(now: number): RecordOf<'gpu'>[]
  /** The mode tells nothing on these devices: nobody needs the child. */
  readonly isVain: boolean
}

export class ModeChild implements Session {
  private readonly waits = backoff(FIRST_WAIT_MS, LAST_WAIT_MS)
  private reader: ModeReader | undefined
  private child: Child | undefined
  private startAt = 0
  private starting = false
  private failure: Failure | undefined
  private lastWords = ''
  /** Counts the starts, so that late words of a child that was given up are not heard. */
  private turn = 0
  private linesRead = 0
  private linesUnread = 0
  private closed = false

  constructor(
    private readonly context: Context,
    private readonly args: readonly string[],
    private readonly begin: () => ModeReader,
  ) {}

  async collect(): Promise<void> {
    const now = this.context.host.now()
    if (this.reader?.isVain === true) {
      this.turn += 1
      await this.child?.stop()
      this.child = undefined
      return
    }
    if (this.child === undefined && !this.starting && now >= this.startAt) await this.start()
    else if (this.reader !== undefined) this.take(this.reader.settle(now))
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

  private async start(): Promise<void> {
    this.starting = true
    const { host } = this.context
    const { program } = await runOnce(host, ['-L'])
    this.starting = false
    if (this.closed) return
    const turn = (this.turn += 1)
    const mine = () => !this.closed && this.turn === turn
    const reader = this.begin()
    this.reader = reader
    this.lastWords = ''
    const child = host.spawn(program, this.args, {
      line: text => {
        if (mine()) this.line(reader, text)
      },
      errorLine: text => {
        if (mine()) this.complaint(text)
      },
      warn: message => this.context.warn(`nvidia-smi: ${message}`),
      exit: ({ code, signal, error }) => {
        if (mine()) this.exit(error === undefined ? ended(code, signal, this.lastWords) : notInstalled(error))
      },
    })
    if (mine()) this.child = child
  }

  private line(reader: ModeReader, text: string): void {
    if (text.trim() === '') return
    const records = reader.line(text, this.context.host.now())
    if (records === undefined) return this.complaint(text)
    this.linesRead += 1
    this.failure = undefined
    this.waits.reset()
    this.take(records)
  }

  private take(records: readonly RecordOf<'gpu'>[]): void {
    const { host, settings } = this.context
    for (const record of records) {
      const source = settings.synthetic ? 'synthetic' : record.source
      this.context.batch().add({ ...record, source, node: host.hostname, time: record.time ?? host.now() })
    }
  }

  private complaint(text: string): void {
    if (failureOf(this.lastWords) === undefined || failureOf(text) !== undefined)
      this.lastWords = text.trim().slice(0, 200)
    this.linesUnread += 1
  }

  private exit(end: Failure): void {
    this.failure = failureOf(this.lastWords) ?? end
    this.turn += 1
    this.child = undefined
    this.startAt = this.context.host.now() + this.waits.next() / 1000
  }
}
