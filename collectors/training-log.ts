/** Follows training logs and the hook's records, and watches the processes that they tell of. */
import { createHash } from 'node:crypto'
import { catalogue, type Kind } from '../wire/metrics'
import type { WireRecord } from '../wire/records'
import { defineCollector, type CollectorSettings, type Context, type Json, type Session } from './collector'
import { LogFollower, type FileCursor } from './logs/follow'
import { formatsWith } from './logs/user-pattern'
import { RankWatch } from './logs/ranks'

/** What the hook writes: records of a rank, for nobody to read. */
const HOOK_RECORDS = /\brank-\d{1,8}\.jsonl$/
/** Seconds between two looks for new files, and between two looks at the processes of ranks. */
const LOOK_SECONDS = 1

interface Followed {
  readonly follower: LogFollower
  /** A `run` record was given for the run that was made from the path. */
  announced: boolean
  /** Of which its records told last. */
  run: string | undefined
}
interface Cursor {
  files: { [path: string]: FileCursor & { announced: boolean } }
  ranks: Json
  /** Globs that were looked at before: a file of such a glob that was not there then is new. */
  globs: string[]
}

const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function savedFile(value: Json): Cursor['files'][string] | undefined {
  if (!isObject(value) || typeof value['id'] !== 'string' || typeof value['offset'] !== 'number') return undefined
  const { id, offset, head, state, announced } = value
  const text = typeof head === 'string' ? head : ''
  return { id, offset, head: text, state: state ?? null, announced: announced === true }
}

function savedCursor(value: Json | undefined): Cursor {
  const saved = isObject(value) ? value : {}
  const files = Object.entries(isObject(saved['files']) ? saved['files'] : {}).flatMap(([path, entry]) => {
    const file = savedFile(entry)
    return file === undefined ? [] : [[path, file] as const]
  })
  const globs = Array.isArray(saved['globs']) ? saved['globs'].filter(glob => typeof glob === 'string') : []
  return { files: Object.fromEntries(files), ranks: saved['ranks'] ?? null, globs }
}

const hasNode = (kind: Kind) => Object.hasOwn(catalogue[kind], 'node')
const nodeOf = (record: WireRecord) => ('node' in record ? record.node : undefined)

/** The run of a log that names none: the same for the same file of the same node. */
export function runOfPath(hostname: string, path: string): string {
  return `log-${createHash('sha256').update(`${hostname}\n${path}`).digest('hex').slice(0, 12)}`
}

class TrainingLogSession implements Session {
  private readonly files = new Map<string, Followed>()
  private readonly ranks: RankWatch
  private readonly knownGlobs: Set<string>
  private lookedForFilesAt = -Infinity
  private lookedAtRanksAt = -Infinity
  private readonly formats: ReturnType<typeof formatsWith>

  constructor(private readonly context: Context) {
    const cursor = savedCursor(context.cursor)
    this.formats = formatsWith(context.settings.logFormats)
    this.ranks = new RankWatch(context.host, context.settings.run, cursor.ranks)
    this.knownGlobs = new Set(cursor.globs)
    for (const [path, file] of Object.entries(cursor.files)) this.follow(path, true, file)
  }

  async collect(): Promise<void> {
    const now = this.context.host.now()
    if (Math.abs(now - this.lookedForFilesAt) >= LOOK_SECONDS) {
      this.lookedForFilesAt = now
      await this.findFiles()
    }
    for (const { follower } of this.files.values()) await follower.read()
    if (this.ranks.uncertain || Math.abs(now - this.lookedAtRanksAt) >= LOOK_SECONDS) {
      this.lookedAtRanksAt = now
      await this.ranks.look(records => records.forEach(record => this.context.batch().add(record)))
    }
  }

  cursor(): Json {
    const files = [...this.files].flatMap(([path, { follower, announced }]) => {
      const cursor = follower.cursor
      return cursor === undefined ? [] : [[path, { ...cursor, announced }] as const]
    })
    return { files: Object.fromEntries(files), ranks: this.ranks.state(), globs: [...this.knownGlobs] }
  }

  counts(): { linesRead: number; linesUnread: number } {
    let linesRead = 0
    let linesUnread = 0
    for (const { follower } of this.files.values()) {
      linesRead += follower.counts.linesRead
      linesUnread += follower.counts.linesUnread
    }
    return { linesRead, linesUnread }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private async findFiles(): Promise<void> {
    const { host, settings } = this.context
    for (const pattern of settings.logs) {
      const fromStart = settings.fromStart || this.knownGlobs.has(pattern)
      for (const path of await host.glob(pattern)) {
        if (!this.files.has(path)) this.follow(path, fromStart, undefined)
      }
      this.knownGlobs.add(pattern)
    }
  }

  private follow(path: string, fromStart: boolean, cursor: Cursor['files'][string] | undefined): void {
    const { host } = this.context
    const follower = new LogFollower({
      host,
      path,
      cursor,
      formats: this.formats,
      fromStart,
      tells: !HOOK_RECORDS.test(path),
      emit: records => this.append(path, records),
      warn: (message, fix) => this.context.warn(message, fix),
    })
    const announced = cursor?.announced ?? false
    this.files.set(path, { follower, announced, run: announced ? runOfPath(host.hostname, path) : undefined })
  }

  private append(path: string, records: readonly WireRecord[]): void {
    const { host, settings } = this.context
    for (const record of records) {
      const own = 'run' in record ? record.run : undefined
      const file = this.files.get(path)
      const isLine = record.kind === 'line'
      // A line alone makes no run: of a file that told of none it may be anything.
      if (isLine && settings.run === undefined && file?.run === undefined) continue
      const run = settings.run ?? own ?? (isLine ? file?.run : undefined) ?? runOfPath(host.hostname, path)
      if (settings.run === undefined && own === undefined && !isLine) this.announce(path, run, record.time)
      if (file !== undefined) file.run = run
      const complete = { ...record, run }
      if (hasNode(record.kind)) Object.assign(complete, { node: nodeOf(record) ?? host.hostname })
      this.context.batch().add(complete as WireRecord)
      if (complete.kind === 'rank') this.ranks.note(complete)
    }
  }

  /** A log that names no run becomes one, named by its path. */
  private announce(path: string, run: string, time: number | undefined): void {
    const file = this.files.get(path)
    if (file === undefined || file.announced) return
    file.announced = true
    const { host } = this.context
    const record = { run, node: host.hostname, name: path, state: 'started', time: time ?? host.now() }
    this.context.batch().add({ kind: 'run', ...record })
  }
}

export const trainingLog = defineCollector({
  name: 'training-log',
  help: 'training logs and the records of the hook: steps, losses, phases, memory, how a job died',
  scope: 'job',
  everyMs: () => 200,
  timeoutMs: 10_000,
  detect(_host, settings: CollectorSettings) {
    if (settings.logs.length === 0) {
      return Promise.resolve({
        available: false,
        why: 'no training log is named',
        fix: 'name logs with --logs GLOB,… or start the job with `plumbline run -- COMMAND`',
      })
    }
    return Promise.resolve({ available: true, detail: `follows ${settings.logs.join(', ')}` })
  },
  open: context => Promise.resolve(new TrainingLogSession(context)),
})
