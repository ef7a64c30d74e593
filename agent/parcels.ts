/**
 * Files of evidence on their way to the hub: allocator snapshots, sealed black boxes. Each is copied here as a whole before it
 * counts (its `.json` is written last), goes in pieces when nothing else waits, goes on after any end where the hub says that
 * it stopped, and is forgotten when the hub has all of it. Bounded: a file that does not fit is refused, and that is said.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { messageOf, PlumblineError } from '../base/errors'
import { evidenceSchema, MOST_EVIDENCE_BYTES, type EvidenceAbout } from '../wire/messages'

const PIECE_BYTES = 1024 * 1024
const MOST_BYTES = 4 * 1024 ** 3

export interface Piece {
  readonly about: EvidenceAbout
  readonly offset: number
  readonly bytes: Buffer
}

export class Parcels {
  private readonly waiting: EvidenceAbout[] = []
  /** Bytes that the hub has of the first; undefined: it was not asked yet. */
  private offset: number | undefined

  constructor(
    private readonly folder: string,
    private readonly maxBytes = MOST_BYTES,
  ) {
    if (!existsSync(folder)) return
    for (const name of readdirSync(folder).sort()) {
      const about = name.endsWith('.json') ? readAbout(join(folder, name)) : undefined
      if (about !== undefined && existsSync(this.file(about))) this.waiting.push(about)
      else if (!name.endsWith('.bytes')) rmSync(join(folder, name), { force: true })
    }
    const known = new Set(this.waiting.map(({ id }) => `${id}.bytes`))
    for (const name of readdirSync(folder))
      if (name.endsWith('.bytes') && !known.has(name)) rmSync(join(folder, name), { force: true })
  }

  get pending(): number {
    return this.waiting.length
  }

  /** Copies a file here; one with an id that waits already is left. Throws a PlumblineError where that is not possible. */
  add(path: string, about: Omit<EvidenceAbout, 'id' | 'bytes'>, id: string = randomUUID()): void {
    if (this.waiting.some(one => one.id === id)) return
    try {
      const { size } = statSync(path)
      const held = this.waiting.reduce((sum, { bytes }) => sum + bytes, 0)
      if (size > MOST_EVIDENCE_BYTES || size + held > this.maxBytes)
        throw new PlumblineError(`${about.name} is too large to be kept: ${size} bytes`, {
          fix: 'import it by itself; record fewer entries',
        })
      if (size === 0) return
      mkdirSync(this.folder, { recursive: true })
      const whole = { ...about, id, bytes: size }
      copyFileSync(path, this.file(whole))
      const json = join(this.folder, `${whole.id}.json`)
      writeFileSync(`${json}.new`, JSON.stringify(whole))
      renameSync(`${json}.new`, json)
      this.waiting.push(whole)
    } catch (error) {
      if (error instanceof PlumblineError) throw error
      throw new PlumblineError(`${about.name} cannot be kept: ${messageOf(error)}`, {
        fix: `make room in ${this.folder}`,
      })
    }
  }

  /** What to send next: of each file first an empty piece, to hear how much of it the hub has. */
  next(): Piece | undefined {
    const [about] = this.waiting
    if (about === undefined) return undefined
    if (this.offset === undefined) return { about, offset: 0, bytes: Buffer.alloc(0) }
    const bytes = Buffer.allocUnsafe(Math.min(PIECE_BYTES, about.bytes - this.offset))
    const descriptor = openSync(this.file(about), 'r')
    try {
      const read = readSync(descriptor, bytes, 0, bytes.length, this.offset)
      return { about, offset: this.offset, bytes: bytes.subarray(0, read) }
    } finally {
      closeSync(descriptor)
    }
  }

  /** The hub has so many bytes of the first file. */
  acknowledge(bytes: number): void {
    const [about] = this.waiting
    if (about === undefined) return
    this.offset = Math.min(bytes, about.bytes)
    if (this.offset === about.bytes) this.drop()
  }

  /** Lets go of the first file: it is there, or never wanted. */
  drop(): void {
    const about = this.waiting.shift()
    this.offset = undefined
    if (about === undefined) return
    rmSync(join(this.folder, `${about.id}.json`), { force: true })
    rmSync(this.file(about), { force: true })
  }

  private file({ id }: Pick<EvidenceAbout, 'id'>): string {
    return join(this.folder, `${id}.bytes`)
  }
}

function readAbout(path: string): EvidenceAbout | undefined {
  try {
    const parsed = evidenceSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}
