/**
 * The kernel log of this node, live: one long-lived `journalctl` where there is a journal, else `dmesg`. What was logged
 * since boot comes first, with its own times; a restart goes on behind the last line that reached the spool.
 */
import { backoff } from '../base/clock'
import { PlumblineError } from '../base/errors'
import { defineCollector, type Availability, type Context, type Json, type Session } from './collector'
import type { Child, Host } from './host'
import { readJournalEntry, readKernelLine } from './kernel/log-line'
import type { LogLine } from './logs/format'
import { kernel } from './logs/kernel'

const TRY_MS = 5_000
const FIRST_WAIT_MS = 1_000
const LAST_WAIT_MS = 60_000
/** Lines of the past that the journal is asked for at the first start; the kernel's own buffer is about as long. */
const PAST_LINES = 10_000
const FIX =
  'run the agent as root, or let its user read the kernel log: add it to the group adm or systemd-journal, or set sysctl kernel.dmesg_restrict=0'

/** Where reading goes on: a journal's cursor, or the time of dmesg's last line in this boot. */
type Place = { readonly tool: Tool['name']; readonly boot: string; readonly after: string }
interface Read {
  readonly line: LogLine
  readonly after: string
}
interface Tool {
  readonly name: 'journalctl' | 'dmesg'
  readonly probe: readonly string[]
  follow(after: string | undefined): readonly string[]
  read(text: string): Read | undefined
  /** Whether this was read before: dmesg always begins at the beginning. */
  isOld(after: string, place: string): boolean
}

const journal: Tool = {
  name: 'journalctl',
  probe: ['--dmesg', '--lines=1', '--output=json', '--quiet'],
  follow: after => [
    ...['--dmesg', '--follow', '--output=json', '--quiet'],
    ...(after === undefined ? [`--lines=${PAST_LINES}`] : ['--lines=all', `--after-cursor=${after}`]),
  ],
  read(text) {
    const entry = readJournalEntry(text)
    if (entry?.cursor === undefined) return undefined
    return { line: { text: entry.text, program: 'kernel', time: entry.time }, after: entry.cursor }
  },
  isOld: () => false,
}

const dmesg: Tool = {
  name: 'dmesg',
  probe: ['--time-format=iso', '--level=emerg'],
  follow: () => ['--follow', '--time-format=iso'],
  read(text) {
    const read = readKernelLine(text)
    if (read === undefined) return undefined
    return { line: { text: read.text, program: 'kernel', time: read.time }, after: String(read.time ?? '') }
  },
  // The kernel's clock against the wall's drifts and is set: two readings of one line may differ by a little.
  isOld: (after, place) => Number(after) <= Number(place) + 0.01,
}

type Found = { tool: Tool } | { why: string }

/** The first tool that may read the log. A journal that holds no line of the kernel (in a container) is none. */
async function findTool(host: Host): Promise<Found> {
  const journalRan = await host.run(journal.name, journal.probe, TRY_MS)
  if (journalRan.code === 0 && journalRan.stdout.trimStart().startsWith('{')) return { tool: journal }
  const ran = await host.run(dmesg.name, dmesg.probe, TRY_MS)
  if (ran.code === 0) return { tool: dmesg }
  return {
    why: `the kernel log cannot be read: ${(ran.error ?? (ran.stderr.trim() || `dmesg ended with ${ran.code}`)).slice(0, 200)}`,
  }
}

async function detect(host: Host): Promise<Availability> {
  const found = await findTool(host)
  return 'tool' in found
    ? { available: true, detail: `followed with ${found.tool.name}` }
    : { available: false, why: found.why, fix: FIX }
}

function placeOf(cursor: Json | undefined): Place | undefined {
  if (typeof cursor !== 'object' || cursor === null || Array.isArray(cursor)) return undefined
  const { tool, boot, after } = cursor
  if ((tool !== 'journalctl' && tool !== 'dmesg') || typeof boot !== 'string' || typeof after !== 'string')
    return undefined
  return { tool, boot, after }
}

class KernelLogSession implements Session {
  private readonly waits = backoff(FIRST_WAIT_MS, LAST_WAIT_MS)
  private readonly state = kernel.begin() as Parameters<typeof kernel.parse>[1]
  private place: Place | undefined
  private child: Child | undefined
  private startAt = 0
  private failure: string | undefined
  private lastWords = ''
  private quiet = true
  private closed = false
  private linesRead = 0
  private linesUnread = 0

  constructor(private readonly context: Context) {
    this.place = placeOf(context.cursor)
  }

  async collect(): Promise<void> {
    if (this.child === undefined && this.context.host.now() >= this.startAt) await this.start()
    // A report of several lines is over when nothing more of it came since the last look.
    if (this.quiet) this.emit(kernel.flush?.(this.state) ?? [])
    this.quiet = true
    if (this.failure !== undefined) throw new PlumblineError(this.failure, { fix: FIX })
  }

  cursor(): Json {
    return this.place === undefined ? null : { ...this.place }
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
    const { host } = this.context
    const [found, bootId] = await Promise.all([findTool(host), host.read('/proc/sys/kernel/random/boot_id')])
    if (this.closed) return
    if ('why' in found) return this.fail(found.why)
    const { tool } = found
    const boot = bootId?.trim() ?? ''
    if (this.place?.tool !== tool.name || (tool === dmesg && this.place.boot !== boot)) this.place = undefined
    const resumed = this.place?.after
    this.failure = undefined
    this.lastWords = ''
    let over = false
    const child = host.spawn(tool.name, tool.follow(resumed), {
      line: text => {
        if (!over && !this.closed) this.line(tool, boot, resumed, text)
      },
      errorLine: text => (this.lastWords = text.trim().slice(0, 200)),
      exit: ({ code, signal, error }) => {
        over = true
        this.child = undefined
        if (!this.closed) this.fail(error ?? `${tool.name} ended with ${code ?? signal}: ${this.lastWords}`)
      },
    })
    // A program that cannot be started says so at once.
    if (!over) this.child = child
  }

  private line(tool: Tool, boot: string, resumed: string | undefined, text: string): void {
    const read = tool.read(text)
    if (read === undefined) return void (this.linesUnread += 1)
    if (resumed !== undefined && tool.isOld(read.after, resumed)) return
    this.quiet = false
    this.linesRead += 1
    this.waits.reset()
    this.emit(kernel.parse(read.line, this.state) ?? [])
    if (read.after !== '') this.place = { tool: tool.name, boot, after: read.after }
  }

  private emit(records: ReturnType<NonNullable<typeof kernel.flush>>): void {
    const { hostname } = this.context.host
    for (const record of records) this.context.batch().add({ ...record, node: hostname } as typeof record)
  }

  private fail(why: string): void {
    this.failure = why
    this.startAt = this.context.host.now() + this.waits.next() / 1000
  }
}

export const kernelLog = defineCollector({
  name: 'kernel-log',
  help: 'the kernel log: Xids, lost links, host OOM kills, hardware errors, hung tasks',
  scope: 'node',
  quiet: true,
  everyMs: () => 2_000,
  timeoutMs: 15_000,
  detect: host => detect(host),
  open: context => Promise.resolve(new KernelLogSession(context)),
})
