/**
 * Follows one log file over rotation and truncation. `cursor` is exactly what `read` has given: bytes after the last
 * finished line are read again by whoever resumes from it.
 */
import type { WireRecord } from '../../wire/records'
import type { Json } from '../collector'
import type { Host } from '../host'
import type { FileStat } from '../machine/files'
import type { LogFormat } from './format'
import { createLogReader, type LogReader } from './read'

/** Bytes read of a file in one go, so that a huge one does not hold up the others. */
export const READ_BYTES = 4 * 1024 * 1024
/** Bytes at a file's beginning by which it is known again: a log that was overwritten while nobody looked has others. */
const HEAD_BYTES = 64
/** Looks at a still file after which held-back records are given. */
const STILL_LOOKS = 5
/** Looks at a still file after which it is looked at less often, and how often then. */
const IDLE_LOOKS = 300
const IDLE_EVERY = 10

export interface FileCursor {
  /** Device and inode. */
  id: string
  /** Byte offset after the last finished line that was read. */
  offset: number
  /** First bytes of the file, as Latin-1. */
  head: string
  state: Json
}

export interface FollowOptions {
  readonly host: Host
  readonly path: string
  readonly cursor: FileCursor | undefined
  /** Formats that its lines are offered to; absent for all that are known. */
  readonly formats?: readonly LogFormat[] | undefined
  /** Without a cursor: from the first byte, or only what is written from now on. */
  readonly fromStart: boolean
  /** Tells its lines as well. */
  readonly tells?: boolean | undefined
  /** Takes records at once, before anything else runs. */
  emit(records: readonly WireRecord[]): void
  warn(message: string, fix?: string): void
}

export class LogFollower {
  readonly counts = { linesRead: 0, linesUnread: 0 }
  private id: string | undefined
  private head: string
  /** File offset at which the reader began. */
  private base: number
  /** Bytes handed to the reader since. */
  private pushed = 0
  private reader: LogReader
  /** Where the rotated file of this id lies while the rest of it is read. */
  private rotatedPath: string | undefined
  private checked: boolean
  private stillLooks = 0

  constructor(private readonly options: FollowOptions) {
    const { cursor } = options
    this.id = cursor?.id
    this.head = cursor?.head ?? ''
    this.base = cursor?.offset ?? 0
    this.reader = this.readerFrom(cursor?.state)
    this.checked = cursor === undefined
  }

  get cursor(): FileCursor | undefined {
    if (this.id === undefined) return undefined
    return { id: this.id, offset: this.base + this.reader.consumed, head: this.head, state: this.reader.state() }
  }

  /** Gives the records of what was written since, of at most READ_BYTES. True: there is more to read. */
  async read(): Promise<boolean> {
    this.stillLooks += 1
    if (this.stillLooks > IDLE_LOOKS && this.stillLooks % IDLE_EVERY !== 0) return false
    const { host, path } = this.options
    const stat = await host.stat(path)
    if (this.id === undefined) return stat !== undefined && this.begin(stat)
    if (stat?.id !== this.id) return this.readRotated(stat)
    this.rotatedPath = undefined
    if (!this.checked) await this.checkHead(path)
    if (stat.size < this.position) this.restart('it became shorter')
    return this.readFrom(path, stat.size)
  }

  private get position(): number {
    return this.base + this.pushed
  }

  private async begin(stat: FileStat): Promise<boolean> {
    const { path, fromStart, emit } = this.options
    if (fromStart) {
      this.id = stat.id
      return this.readFrom(path, stat.size)
    }
    // Not the history, but how the job was set up stands at the beginning of its log.
    const head = await this.bytes(path, 0, Math.min(stat.size, READ_BYTES))
    const records = this.reader.push(head, this.options.host.now())
    this.id = stat.id
    this.head = headOf(head)
    this.resetReader(stat.size)
    emit(records.filter(record => record.kind === 'config'))
    return false
  }

  private async readFrom(path: string, size: number): Promise<boolean> {
    const length = Math.min(size - this.position, READ_BYTES)
    const chunk = length > 0 ? await this.bytes(path, this.position, length) : Buffer.alloc(0)
    const now = this.options.host.now()
    // From here on without a pause: what the cursor says and what was given must not come apart.
    if (chunk.length === 0) {
      if (this.stillLooks === STILL_LOOKS) this.options.emit(this.reader.flush(now))
      return false
    }
    this.stillLooks = 0
    if (this.position < HEAD_BYTES) this.head = (this.head + headOf(chunk)).slice(0, HEAD_BYTES)
    this.pushed += chunk.length
    this.give(() => this.reader.push(chunk, now))
    return this.position < size
  }

  /** The path leads to another file, or to none: the rest of the old one comes first, where it can still be found. */
  private async readRotated(stat: FileStat | undefined): Promise<boolean> {
    this.rotatedPath ??= await this.findRotated()
    if (this.rotatedPath !== undefined) {
      const old = await this.options.host.stat(this.rotatedPath)
      if (old === undefined || old.id !== this.id) this.rotatedPath = undefined
      else if (await this.readFrom(this.rotatedPath, old.size)) return true
      // A job that was not told of the rotation goes on in the old file.
      else if (stat?.size === 0) return false
    }
    if (stat === undefined) return false
    this.give(() => this.reader.end(this.options.host.now()))
    this.id = stat.id
    this.head = ''
    this.rotatedPath = undefined
    this.stillLooks = 0
    this.resetReader(0)
    return this.readFrom(this.options.path, stat.size)
  }

  private async findRotated(): Promise<string | undefined> {
    const { host, path } = this.options
    for (const candidate of [`${path}.1`, `${path}.0`, `${path}.old`, `${path}-1`]) {
      if ((await host.stat(candidate))?.id === this.id) return candidate
    }
    return undefined
  }

  /** Once after a resume: the same inode may hold another log by now. */
  private async checkHead(path: string): Promise<void> {
    this.checked = true
    const bytes = await this.bytes(path, 0, this.head.length)
    if (headOf(bytes) !== this.head) this.restart('it was overwritten')
  }

  private restart(why: string): void {
    this.options.warn(`${this.options.path}: ${why}; reading it from the beginning`)
    this.head = ''
    this.resetReader(0)
  }

  /** Goes on at another offset with what the formats know already. */
  private resetReader(base: number): void {
    this.base = base
    this.pushed = 0
    this.reader = this.readerFrom(this.reader.state())
  }

  private readerFrom(state: Json | undefined): LogReader {
    const { formats, tells, path } = this.options
    return createLogReader({ formats, state, tells: tells === true ? path : undefined })
  }

  private give(read: () => WireRecord[]): void {
    const { linesRead, linesUnread } = this.reader.counts
    const records = read()
    this.counts.linesRead += this.reader.counts.linesRead - linesRead
    this.counts.linesUnread += this.reader.counts.linesUnread - linesUnread
    this.options.emit(records)
  }

  /** Empty where the file is gone: the next look finds out what became of it. */
  private async bytes(path: string, offset: number, length: number): Promise<Buffer> {
    try {
      return await this.options.host.readRange(path, offset, length)
    } catch {
      return Buffer.alloc(0)
    }
  }
}

function headOf(bytes: Buffer): string {
  return bytes.toString('latin1', 0, Math.min(bytes.length, HEAD_BYTES))
}
