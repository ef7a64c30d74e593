/**
 * The spool: what was gathered and is not yet acknowledged, on disk. Promises:
 * - an entry whose `append` returned survives a kill -9 of the agent (it is in the page cache; a power loss may take the
 *   last seconds, as nothing is synced for each entry);
 * - entries and the cursors of all collectors are written as one, so that what is read again after a crash is exactly
 *   what is not in the spool; of several entries that were appended together all are kept, or none;
 * - an `append` that fails (a full disk) leaves the spool as it was;
 * - a torn last entry is cut off at open; what stands before it is kept;
 * - never more than `maxBytes`: then the oldest segment goes, and `append` says how many entries were lost with it;
 * - only whole segments are deleted, when all of their entries are acknowledged, and never the newest: the newest entry
 *   tells a restarted agent its sequence and cursors.
 *
 *     segment 000000000042.seg:   entry | entry | …
 *     entry:   body length u32 | crc32 of body u32 | body
 *     body:    sequence f64 | cursors length u32 | cursors JSON | frame          (all little-endian)
 *
 * A cursors length of 0 says that the next entry belongs to this one. Beside the segments lie `agent`, who this spool is to
 * the hub, and `acknowledged`, the sequence up to which the hub had everything at the last orderly end.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Json } from '../collectors/collector'
import { crc32 } from '../base/crc32'

const HEAD = 8
const BODY_HEAD = 12
const SEGMENT_BYTES = 4 * 1024 * 1024

export type Cursors = Record<string, Json>
interface Place {
  readonly sequence: number
  readonly segment: number
  readonly offset: number
  readonly length: number
}
export interface Entry {
  readonly sequence: number
  readonly frame: Buffer
}
/** What the uplink sends from. */
export interface Outbox {
  /** Who it is to the hub. */
  readonly agent: string
  readonly folder: string
  /** Entries that are not acknowledged. */
  readonly pending: number
  /** The first entry after a sequence that is not acknowledged. Throws where it cannot be read any more. */
  next(after: number): Entry | undefined
  /** The hub has everything up to here. */
  acknowledge(sequence: number): void
}

const fileName = (segment: number) => `${String(segment).padStart(12, '0')}.seg`

export class Spool implements Outbox {
  readonly agent: string
  /** Unacknowledged entries in order, from `first` on; those before it are done with and go in lumps. */
  private places: Place[] = []
  private first = 0
  /** Unacknowledged entries by segment. */
  private readonly waiting = new Map<number, number>()
  private readonly sizes = new Map<number, number>()
  private descriptor: number | undefined
  private newest = 0
  private lastSequence = 0
  private acknowledged = 0
  /** Cursors of the newest entry. */
  cursors: Cursors = {}

  constructor(
    readonly folder: string,
    private readonly maxBytes: number,
    private readonly segmentBytes = Math.min(SEGMENT_BYTES, Math.ceil(maxBytes / 4)),
  ) {
    mkdirSync(folder, { recursive: true })
    this.agent = this.identity()
    const segments = readdirSync(folder).flatMap(name =>
      /^\d{12}\.seg$/.test(name) ? [Number(name.slice(0, 12))] : [],
    )
    for (const segment of segments.sort((one, other) => one - other)) this.load(segment)
    this.acknowledge(this.savedAcknowledgement())
  }

  get bytes(): number {
    let bytes = 0
    for (const size of this.sizes.values()) bytes += size
    return bytes
  }

  get pending(): number {
    return this.places.length - this.first
  }

  /**
   * Writes frames and the cursors that belong to them; gives the last sequence, and how many unacknowledged entries had
   * to be dropped to hold the limit. Throws, and changes nothing, where the disk does not take them.
   */
  append(frames: readonly Buffer[], cursors: Cursors): { sequence: number; dropped: number } {
    const segment = this.writable()
    let offset = this.sizes.get(segment) ?? 0
    const entries = frames.map((frame, index) =>
      entryOf(this.lastSequence + 1 + index, index === frames.length - 1 ? cursors : undefined, frame),
    )
    this.write(Buffer.concat(entries), offset)
    for (const entry of entries) {
      this.lastSequence += 1
      this.place({ sequence: this.lastSequence, segment, offset, length: entry.length - HEAD })
      offset += entry.length
    }
    this.sizes.set(segment, offset)
    this.cursors = cursors
    this.sweep()
    return { sequence: this.lastSequence, dropped: this.shrink() }
  }

  next(after = 0): Entry | undefined {
    // Few are on their way at a time: the next stands soon after the oldest.
    let index = this.first
    while ((this.places[index]?.sequence ?? Infinity) <= after) index += 1
    const place = this.places[index]
    if (place === undefined) return undefined
    const body = readBody(join(this.folder, fileName(place.segment)), place.offset + HEAD, place.length)
    return { sequence: place.sequence, frame: body.subarray(BODY_HEAD + body.readUInt32LE(8)) }
  }

  acknowledge(sequence: number): void {
    for (let place = this.places[this.first]; place !== undefined && place.sequence <= sequence;) {
      this.pass(place)
      place = this.places[this.first]
    }
    // A hub that knows more than this spool (its folder was lost and laid anew) must not get used numbers again.
    this.lastSequence = Math.max(this.lastSequence, sequence)
    this.acknowledged = Math.max(this.acknowledged, sequence)
    this.sweep()
  }

  close(): void {
    this.closeSegment()
    const file = join(this.folder, 'acknowledged')
    try {
      writeFileSync(`${file}.new`, String(this.acknowledged))
      renameSync(`${file}.new`, file)
    } catch {
      // The hub says it again at the next greeting.
    }
  }

  private closeSegment(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor)
    this.descriptor = undefined
  }

  private savedAcknowledgement(): number {
    const file = join(this.folder, 'acknowledged')
    const saved = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
    return Number.isSafeInteger(saved) ? saved : 0
  }

  private place(place: Place): void {
    this.places.push(place)
    this.waiting.set(place.segment, (this.waiting.get(place.segment) ?? 0) + 1)
  }

  /** The oldest entry is done with. */
  private pass({ segment }: Place): void {
    this.first += 1
    this.waiting.set(segment, (this.waiting.get(segment) ?? 1) - 1)
    if (this.first < 1024 || this.first * 2 < this.places.length) return
    this.places = this.places.slice(this.first)
    this.first = 0
  }

  private write(bytes: Buffer, offset: number): void {
    const descriptor = this.descriptor ?? -1
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done)
    } catch (error) {
      ftruncateSync(descriptor, offset)
      throw error
    }
  }

  private identity(): string {
    const file = join(this.folder, 'agent')
    if (existsSync(file)) {
      const id = readFileSync(file, 'utf8').trim()
      if (id !== '') return id
    }
    const id = randomUUID()
    writeFileSync(file, id)
    return id
  }

  private load(segment: number): void {
    const path = join(this.folder, fileName(segment))
    const bytes = readFileSync(path)
    let offset = 0
    let whole = 0
    let group: Place[] = []
    while (offset + HEAD <= bytes.length) {
      const length = bytes.readUInt32LE(offset)
      const body = bytes.subarray(offset + HEAD, offset + HEAD + length)
      if (length < BODY_HEAD || body.length < length || crc32(body) !== bytes.readUInt32LE(offset + 4)) break
      group.push({ sequence: body.readDoubleLE(0), segment, offset, length })
      offset += HEAD + length
      const cursorsLength = body.readUInt32LE(8)
      if (cursorsLength === 0) continue
      this.cursors = JSON.parse(body.toString('utf8', BODY_HEAD, BODY_HEAD + cursorsLength)) as Cursors
      for (const place of group) this.place(place)
      this.lastSequence = Math.max(this.lastSequence, group.at(-1)?.sequence ?? 0)
      group = []
      whole = offset
    }
    if (whole < bytes.length) truncateSync(path, whole)
    this.sizes.set(segment, whole)
    this.newest = Math.max(this.newest, segment)
  }

  /** The segment to write to, open; a full one is followed by a new one. */
  private writable(): number {
    const full = (this.sizes.get(this.newest) ?? 0) >= this.segmentBytes
    if (this.descriptor === undefined || full) {
      this.closeSegment()
      if (full || this.newest === 0) this.newest += 1
      this.descriptor = openSync(join(this.folder, fileName(this.newest)), 'a')
      this.sizes.set(this.newest, this.sizes.get(this.newest) ?? 0)
    }
    return this.newest
  }

  private sweep(): void {
    for (const segment of [...this.sizes.keys()]) {
      if (segment !== this.newest && (this.waiting.get(segment) ?? 0) === 0) this.remove(segment)
    }
  }

  private shrink(): number {
    let dropped = 0
    while (this.bytes > this.maxBytes && this.sizes.size > 1) {
      const oldest = Math.min(...this.sizes.keys())
      for (let place = this.places[this.first]; place?.segment === oldest; place = this.places[this.first]) {
        this.pass(place)
        dropped += 1
      }
      this.remove(oldest)
    }
    return dropped
  }

  private remove(segment: number): void {
    rmSync(join(this.folder, fileName(segment)), { force: true })
    this.sizes.delete(segment)
    this.waiting.delete(segment)
  }
}

function entryOf(sequence: number, cursors: Cursors | undefined, frame: Buffer): Buffer {
  const json = Buffer.from(cursors === undefined ? '' : JSON.stringify(cursors), 'utf8')
  const head = Buffer.alloc(HEAD + BODY_HEAD)
  head.writeUInt32LE(BODY_HEAD + json.length + frame.length, 0)
  head.writeDoubleLE(sequence, HEAD)
  head.writeUInt32LE(json.length, HEAD + 8)
  const entry = Buffer.concat([head, json, frame])
  entry.writeUInt32LE(crc32(entry.subarray(HEAD)), 4)
  return entry
}

function readBody(path: string, offset: number, length: number): Buffer {
  const descriptor = openSync(path, 'r')
  try {
    const body = Buffer.allocUnsafe(length)
    readSync(descriptor, body, 0, length, offset)
    return body
  } finally {
    closeSync(descriptor)
  }
}
