/**
 * The black box: the last minutes of what this agent gathered, at full resolution, on disk, whether or not a hub took it. A ring
 * of small files; what `append` wrote survives a kill -9 of the agent. Never more than `RING_BYTES`.
 *
 *     black-box/000042.box:   entry | entry | …
 *     entry:                  body length u32 | crc32 of body u32 | body
 *     body:                   kind u8 (1 a frame, 2 output of the job) | time f64 | frame, or name length u8, name, text
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from '../base/crc32'

const HEAD = 8
const BODY_HEAD = 9
const FRAME = 1
const OUTPUT = 2
const SEGMENT_SECONDS = 30
const SEGMENT_BYTES = 2 * 1024 * 1024
const RING_SEGMENTS = 12
const RING_BYTES = 24 * 1024 * 1024
/** Of what a job prints between two flushes. */
const MOST_OUTPUT = 64 * 1024

export type BoxEntry =
  | { readonly time: number; readonly frame: Buffer }
  | { readonly time: number; readonly output: string; readonly text: Buffer }

export class BlackBox {
  private segment = 0
  private bytes = 0
  private since = -Infinity
  private readonly outputs = new Map<string, Buffer>()

  constructor(
    private readonly folder: string,
    private readonly now: () => number,
  ) {
    this.segment = Math.max(0, ...this.segments())
  }

  /** Whether an agent before this one ended without closing it. */
  get isLeftOver(): boolean {
    return this.since === -Infinity && this.segments().length > 0
  }

  /** What the job printed, as it came; the end of much is kept. */
  output(name: string, chunk: Buffer): void {
    const all = Buffer.concat([this.outputs.get(name) ?? Buffer.alloc(0), chunk])
    this.outputs.set(name, all.subarray(-MOST_OUTPUT))
  }

  /** Throws where the disk takes nothing: nobody else needs to fail by that. */
  append(frames: readonly Buffer[]): void {
    const time = this.now()
    const entries = frames.map(frame => entryOf(FRAME, time, frame))
    for (const [name, text] of this.outputs) {
      const label = Buffer.from(name.slice(0, 100))
      entries.push(entryOf(OUTPUT, time, Buffer.concat([Buffer.from([label.length]), label, text])))
    }
    this.outputs.clear()
    if (entries.length === 0) return
    const bytes = Buffer.concat(entries)
    if (this.since === -Infinity || time - this.since > SEGMENT_SECONDS || this.bytes > SEGMENT_BYTES) this.turn(time)
    appendFileSync(this.path(this.segment), bytes)
    this.bytes += bytes.length
  }

  /** All that is whole, in order. */
  *entries(): Generator<BoxEntry> {
    for (const segment of this.segments()) yield* entriesOf(readFileSync(this.path(segment)))
  }

  /** Empties it: what was in it is told elsewhere, or not needed. */
  clear(): void {
    for (const segment of this.segments()) rmSync(this.path(segment), { force: true })
    this.since = -Infinity
  }

  private turn(time: number): void {
    mkdirSync(this.folder, { recursive: true })
    this.segment += 1
    this.bytes = 0
    this.since = time
    const held = this.segments()
    let bytes = 0
    for (const [index, segment] of held.toReversed().entries()) {
      bytes += statSync(this.path(segment)).size
      if (index >= RING_SEGMENTS - 1 || bytes > RING_BYTES) rmSync(this.path(segment), { force: true })
    }
  }
  private segments(): number[] {
    if (!existsSync(this.folder)) return []
    const names = readdirSync(this.folder).flatMap(name =>
      /^\d{6}\.box$/.test(name) ? [Number(name.slice(0, 6))] : [],
    )
    return names.sort((one, other) => one - other)
  }
  private path(segment: number): string {
    return join(this.folder, `${String(segment).padStart(6, '0')}.box`)
  }
}

function entryOf(kind: number, time: number, content: Buffer): Buffer {
  const head = Buffer.alloc(HEAD + BODY_HEAD)
  head.writeUInt32LE(BODY_HEAD + content.length, 0)
  head.writeUInt8(kind, HEAD)
  head.writeDoubleLE(time, HEAD + 1)
  const entry = Buffer.concat([head, content])
  entry.writeUInt32LE(crc32(entry.subarray(HEAD)), 4)
  return entry
}

/** A torn last entry ends it. */
function* entriesOf(bytes: Buffer): Generator<BoxEntry> {
  for (let at = 0; at + HEAD + BODY_HEAD <= bytes.length;) {
    const length = bytes.readUInt32LE(at)
    const body = bytes.subarray(at + HEAD, at + HEAD + length)
    if (length < BODY_HEAD || body.length < length || crc32(body) !== bytes.readUInt32LE(at + 4)) return
    const time = body.readDoubleLE(1)
    const content = body.subarray(BODY_HEAD)
    if (body[0] === FRAME) yield { time, frame: content }
    else if (body[0] === OUTPUT) {
      const name = 1 + (content[0] ?? 0)
      yield { time, output: content.toString('utf8', 1, name), text: content.subarray(name) }
    }
    at += HEAD + length
  }
}
