/**
 * Evidence that agents send in pieces, kept below the data folder as it came, with a summary for the page beside it. Pieces may
 * come again after any end: what is here already is said, and nothing is written twice. Bounded, each file and all together,
 * by size and age (`evidence-room.ts`).
 *
 *     evidence/run-RUN/ID.json          what it is
 *     evidence/run-RUN/ID.bytes         the file, growing until it is whole
 *     evidence/run-RUN/ID.summary.json  what the page is told of it first, or { error }
 *     evidence/run-RUN/ID.columns       of a memory snapshot, what the page may ask then
 *     evidence/run-RUN/ID.dropped       why the two are no longer there
 */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, PlumblineError } from '../base/errors'
import type { EvidenceInfo } from '../wire/evidence'
import type { SnapshotQuestion } from '../wire/memory-snapshot'
import { evidenceSchema, type EvidenceAbout, type Reply } from '../wire/messages'
import { EVIDENCE_LIMITS, makeRoom, type EvidenceLimits } from './evidence-room'

export interface EvidenceReader {
  /** What the page is told of a file first; `columns` is where to keep what it may ask then. Throws a PlumblineError. */
  summary(kind: EvidenceAbout['kind'], files: { readonly file: string; readonly columns: string }): Promise<unknown>
  ask(columns: string, question: SnapshotQuestion): Promise<unknown>
}

const MOST_PIECE_BYTES = 4 * 1024 * 1024
const SWEEP_MS = 24 * 3600 * 1000
const MOST_OF_A_RUN = 256

const refused = (error: string, fix: string, retry = false): Reply => ({ ok: false, error, fix, retry })
const folderOf = (run: string) => `run-${encodeURIComponent(run)}`

export class Evidence {
  /** Summaries under way, by path. */
  private readonly reading = new Map<string, Promise<void>>()
  /** Pieces of one file are written one after the other. */
  private readonly writing = new Map<string, Promise<Reply>>()
  private readonly sweeping: NodeJS.Timeout

  constructor(
    private readonly root: string,
    private readonly reader: EvidenceReader | undefined,
    private readonly log: (line: string) => void,
    private readonly limits: EvidenceLimits = EVIDENCE_LIMITS,
  ) {
    this.makeRoom(0)
    this.sweeping = setInterval(() => this.makeRoom(0), SWEEP_MS)
    this.sweeping.unref()
  }

  /** Takes a piece, or says how much is here. Never throws. */
  async take(about: unknown, offset: unknown, piece: unknown): Promise<Reply> {
    const parsed = evidenceSchema.safeParse(about)
    if (!parsed.success || typeof offset !== 'number' || !Buffer.isBuffer(piece) || piece.length > MOST_PIECE_BYTES)
      return refused(
        'a piece of evidence is what it is of, an offset and bytes',
        'run the same Plumbline version on both',
      )
    const path = this.pathOf(parsed.data)
    const before = this.writing.get(path) ?? Promise.resolve()
    const work = before.then(() => this.write(parsed.data, offset, piece))
    this.writing.set(path, work)
    const reply = await work
    if (this.writing.get(path) === work) this.writing.delete(path)
    return reply
  }

  /** Of a run, the oldest first. */
  async list(run: string): Promise<EvidenceInfo[]> {
    const folder = join(this.root, folderOf(run))
    if (!existsSync(folder)) return []
    const names = readdirSync(folder).filter(name => /^[\w-]+\.json$/.test(name))
    const found = await Promise.all(names.map(name => this.info(join(folder, name))))
    return found.filter(one => one !== undefined).sort((one, other) => one.time - other.time)
  }

  /** The summary of a file; undefined where there is none. */
  async summary(run: string, id: string): Promise<string | undefined> {
    const path = `${this.safePath(run, id)}.summary.json`
    return existsSync(path) ? readFile(path, 'utf8') : undefined
  }

  /** The answer to what is asked of a memory snapshot; undefined where there is none. */
  async ask(run: string, id: string, question: SnapshotQuestion): Promise<unknown> {
    const columns = `${this.safePath(run, id)}.columns`
    return existsSync(columns) ? this.reader?.ask(columns, question) : undefined
  }

  /** Where a whole file lies; undefined where it is not here, or not all of it. */
  async file(run: string, id: string): Promise<{ path: string; name: string } | undefined> {
    const info = (await this.list(run)).find(one => one.id === id)
    if (info === undefined || info.state === 'coming' || info.state === 'dropped') return undefined
    return { path: `${this.safePath(run, id)}.bytes`, name: info.name }
  }

  async close(): Promise<void> {
    clearInterval(this.sweeping)
    await Promise.all([...this.writing.values(), ...this.reading.values()])
  }

  private safePath(run: string, id: string): string {
    return join(this.root, folderOf(run), id.replace(/[^\w-]/g, '_'))
  }
  private pathOf({ run, id }: EvidenceAbout): string {
    return this.safePath(run, id)
  }

  private async write(about: EvidenceAbout, offset: number, piece: Buffer): Promise<Reply> {
    const path = this.pathOf(about)
    if (existsSync(`${path}.dropped`)) return refused('it was here, and was dropped', 'import the file again')
    try {
      const held = existsSync(`${path}.bytes`) ? (await stat(`${path}.bytes`)).size : undefined
      if (held === undefined) {
        const problem = this.problemOf(about)
        if (problem !== undefined) return problem
        await mkdir(join(this.root, folderOf(about.run)), { recursive: true })
        await writeFile(`${path}.json`, JSON.stringify(about))
      }
      const have = held ?? 0
      if (offset !== have || piece.length === 0) return { ok: true, sequence: have }
      const room = piece.subarray(0, about.bytes - have)
      const file = await open(`${path}.bytes`, 'a')
      try {
        await file.write(room)
      } finally {
        await file.close()
      }
      if (have + room.length === about.bytes) this.startReading(about)
      return { ok: true, sequence: have + room.length }
    } catch (error) {
      this.log(`error: evidence of ${about.run} cannot be written: ${messageOf(error)}`)
      return refused(`evidence cannot be written: ${messageOf(error)}`, 'make room in the data folder of the hub', true)
    }
  }

  private problemOf(about: EvidenceAbout): Reply | undefined {
    const folder = join(this.root, folderOf(about.run))
    const own = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.bytes')).length : 0
    if (own >= MOST_OF_A_RUN)
      return refused(`run ${about.run} has ${own} files of evidence`, 'import it as a run of its own')
    if (!this.makeRoom(about.bytes))
      return refused('it is more than the hub keeps of evidence', `make room below ${this.root}`)
    return undefined
  }

  /** False where there is none. Never throws. */
  private makeRoom(bytes: number): boolean {
    const inUse = new Set([...this.writing.keys(), ...this.reading.keys()])
    try {
      const { fits, dropped } = makeRoom(this.root, { bytes, now: Date.now() / 1000, limits: this.limits, inUse })
      for (const one of dropped) this.log(one)
      return fits
    } catch (error) {
      this.log(`error: old evidence cannot be dropped: ${messageOf(error)}`)
      return true
    }
  }

  private startReading(about: EvidenceAbout): void {
    const path = this.pathOf(about)
    if (this.reader === undefined || this.reading.has(path)) return
    const work = this.summarise(about, path, this.reader).finally(() => this.reading.delete(path))
    this.reading.set(path, work)
  }

  private async summarise({ kind, name }: EvidenceAbout, path: string, reader: EvidenceReader): Promise<void> {
    let summary: unknown
    try {
      summary = await reader.summary(kind, { file: `${path}.bytes`, columns: `${path}.columns` })
    } catch (error) {
      const fix = error instanceof PlumblineError ? error.fix : undefined
      summary = { error: fix === undefined ? messageOf(error) : `${messageOf(error)}; ${fix}` }
      this.log(`${name}: ${messageOf(error)}`)
    }
    try {
      await writeFile(`${path}.summary.new`, JSON.stringify(summary))
      await rename(`${path}.summary.new`, `${path}.summary.json`)
    } catch (error) {
      this.log(`error: the summary of ${name} cannot be written: ${messageOf(error)}`)
      await rm(`${path}.summary.new`, { force: true }).catch(() => undefined)
    }
  }

  private async info(json: string): Promise<EvidenceInfo | undefined> {
    const path = json.replace(/\.json$/, '')
    const parsed = evidenceSchema.safeParse(JSON.parse(await readFile(json, 'utf8')))
    if (!parsed.success) return undefined
    const about = parsed.data
    if (existsSync(`${path}.dropped`))
      return { ...about, state: 'dropped', heldBytes: 0, error: await readFile(`${path}.dropped`, 'utf8') }
    const heldBytes = existsSync(`${path}.bytes`) ? (await stat(`${path}.bytes`)).size : 0
    const whole = heldBytes === about.bytes
    const summary = whole ? await this.summary(about.run, about.id) : undefined
    // A hub that was killed while it read one begins anew when somebody asks.
    if (whole && summary === undefined) this.startReading(about)
    const error = summary?.startsWith('{"error":') === true ? (JSON.parse(summary) as { error: string }).error : null
    const state = !whole ? 'coming' : summary === undefined ? 'reading' : error === null ? 'ready' : 'failed'
    return { ...about, state, heldBytes, error }
  }
}
