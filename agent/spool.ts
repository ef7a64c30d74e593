/**
 * The spool: what was gathered and is not yet acknowledged, on disk. Promises:
 * - an entry whose `append` returned survives a kill -9 of the agent (it is in the page cache; a power loss may take the
 *   last seconds, as nothing is synced for each entry);
 * - an entry and the cursors of all collectors are one record, so that what is read again after a crash is exactly what
 *   is not in the spool;
 * - a torn last entry is cut off at open; what stands before it is kept;
 * - never more than `maxBytes`: then the oldest segment goes, and `append` says how many entries were lost with it;
 * - only whole segments are deleted, when all of their entries are acknowledged, and never the newest: the newest entry
 *   tells a restarted agent its sequence and cursors.
 *
 *     segment 000000000042.seg:   entry | entry | …
 *     entry:   body length u32 | crc32 of body u32 | body
 *     body:    sequence f64 | cursors length u32 | cursors JSON | frame          (all little-endian)
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Json } from '../collectors/collector'
import { crc32 } from './crc32'

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

const fileName = (segment: number) => `${String(segment).padStart(12, '0')}.seg`

export class Spool {
  /** Who this spool is to the hub. */
  readonly agent: string
  private places: Place[] = []
  private readonly sizes = new Map<number, number>()
  private descriptor: number | undefined
  private newest = 0
  private lastSequence = 0
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
  }

  get bytes(): number {
    let bytes = 0
    for (const size of this.sizes.values()) bytes += size
    return bytes
  }

  get pending(): number {
    return this.places.length
  }

  /** Writes an entry; gives its sequence, and how many unacknowledged entries had to be dropped to hold the limit. */
  append(frame: Buffer, cursors: Cursors): { sequence: number; dropped: number } {
    const sequence = this.lastSequence + 1
    const json = Buffer.from(JSON.stringify(cursors), 'utf8')
    const body = Buffer.allocUnsafe(BODY_HEAD + json.length)
    body.writeDoubleLE(sequence, 0)
    body.writeUInt32LE(json.length, 8)
    json.copy(body, BODY_HEAD)
    const whole = Buffer.concat([body, frame])
    const head = Buffer.allocUnsafe(HEAD)
    head.writeUInt32LE(whole.length, 0)
    head.writeUInt32LE(crc32(whole), 4)
    const segment = this.writable()
    const offset = this.sizes.get(segment) ?? 0
    writeSync(this.descriptor ?? -1, Buffer.concat([head, whole]))
    this.sizes.set(segment, offset + HEAD + whole.length)
    this.places.push({ sequence, segment, offset, length: whole.length })
    this.lastSequence = sequence
    this.cursors = cursors
    this.sweep()
    return { sequence, dropped: this.shrink() }
  }

  /** The first entry after a sequence; undefined where there is none. */
  next(after: number): Entry | undefined {
    const place = this.places.find(({ sequence }) => sequence > after)
    if (place === undefined) return undefined
    const body = readBody(join(this.folder, fileName(place.segment)), place.offset + HEAD, place.length)
    return { sequence: place.sequence, frame: body.subarray(BODY_HEAD + body.readUInt32LE(8)) }
  }

  /** The hub has everything up to here. */
  acknowledge(sequence: number): void {
    this.places = this.places.filter(place => place.sequence > sequence)
    // A hub that knows more than this spool (its folder was lost and laid anew) must not get used numbers again.
    this.lastSequence = Math.max(this.lastSequence, sequence)
    this.sweep()
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor)
    this.descriptor = undefined
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
    while (offset + HEAD <= bytes.length) {
      const length = bytes.readUInt32LE(offset)
      const body = bytes.subarray(offset + HEAD, offset + HEAD + length)
      if (length < BODY_HEAD || body.length < length || crc32(body) !== bytes.readUInt32LE(offset + 4)) break
      const sequence = body.readDoubleLE(0)
      this.places.push({ sequence, segment, offset, length })
      this.lastSequence = Math.max(this.lastSequence, sequence)
      this.cursors = JSON.parse(body.toString('utf8', BODY_HEAD, BODY_HEAD + body.readUInt32LE(8))) as Cursors
      offset += HEAD + length
    }
    if (offset < bytes.length) truncateSync(path, offset)
    this.sizes.set(segment, offset)
    this.newest = Math.max(this.newest, segment)
  }

  /** The segment to write to, open; a full one is followed by a new one. */
  private writable(): number {
    const full = (this.sizes.get(this.newest) ?? 0) >= this.segmentBytes
    if (this.descriptor === undefined || full) {
      this.close()
      if (full || this.newest === 0) this.newest += 1
      this.descriptor = openSync(join(this.folder, fileName(this.newest)), 'a')
      this.sizes.set(this.newest, this.sizes.get(this.newest) ?? 0)
    }
    return this.newest
  }

  private sweep(): void {
    const needed = new Set(this.places.map(({ segment }) => segment))
    for (const segment of [...this.sizes.keys()]) {
      if (segment !== this.newest && !needed.has(segment)) this.remove(segment)
    }
  }

  private shrink(): number {
    let dropped = 0
    while (this.bytes > this.maxBytes && this.sizes.size > 1) {
      const oldest = Math.min(...this.sizes.keys())
      dropped += this.places.filter(({ segment }) => segment === oldest).length
      this.places = this.places.filter(({ segment }) => segment !== oldest)
      this.remove(oldest)
    }
    return dropped
  }

  private remove(segment: number): void {
    rmSync(join(this.folder, fileName(segment)), { force: true })
    this.sizes.delete(segment)
  }
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
