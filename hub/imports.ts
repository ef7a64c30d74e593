/**
 * Files on their way to become a run: each is written below the data folder as it comes, and gone once they are imported or
 * forgotten. Bounded: one import, and all of them together.
 */
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PlumblineError } from '../base/errors'
import type { ImportResult } from '../wire/api'

export type ImportFiles = (files: readonly string[], name: string) => Promise<ImportResult>

const MOST_BYTES = 2 * 1024 ** 3
const MOST_FILES = 256
const MOST_IMPORTS = 4
/** Files that nobody came back for. */
const FORGOTTEN_MS = 10 * 60_000

interface Import {
  readonly folder: string
  bytes: number
  files: number
  /** Of those that are whole, as they came. */
  readonly paths: string[]
  timer: NodeJS.Timeout
}

/** Keeps of a name what is no path: its extension tells what is packed. */
const safeName = (name: string) =>
  name
    .replace(/[^\w.-]/g, '_')
    .replace(/^\.+/, '')
    .slice(-100) || 'file'

/** Where the hub put a file says nothing to who sent it. */
function withoutFolder(error: unknown, folder: string): unknown {
  if (!(error instanceof PlumblineError)) return error
  const words = error.message
    .split(`${folder}/`)
    .map((text, place) => (place === 0 ? text : text.replace(/^\d+\//, '')))
  return new PlumblineError(words.join(''), { fix: error.fix, cause: error })
}

export class Imports {
  private readonly open = new Map<string, Import>()

  constructor(
    private readonly root: string,
    private readonly importFiles: ImportFiles,
  ) {}

  /** Takes one file. Throws a PlumblineError where it is too much, or the id is none. */
  async add(id: string, name: string, body: Readable): Promise<void> {
    const into = await this.opened(id)
    if (into.files >= MOST_FILES)
      throw new PlumblineError(`more than ${MOST_FILES} files`, { fix: 'import them in parts' })
    into.files += 1
    // A folder each: two files may have one name.
    const own = join(into.folder, String(into.files))
    await mkdir(own)
    const path = join(own, safeName(name))
    const counted = new Transform({
      transform(chunk: Buffer, _, done) {
        into.bytes += chunk.length
        const tooMuch = new PlumblineError(`more than ${MOST_BYTES} bytes in one import`, {
          fix: 'import it with `plumbline import`',
        })
        done(into.bytes > MOST_BYTES ? tooMuch : null, chunk)
      },
    })
    try {
      await pipeline(body, counted, createWriteStream(path))
      into.paths.push(path)
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
  }

  /** Makes a run of what was added; the files go. */
  async finish(id: string, name: string): Promise<ImportResult> {
    const found = this.open.get(id)
    if (found === undefined) throw new PlumblineError('there are no files of this import', { fix: 'send them first' })
    clearTimeout(found.timer)
    try {
      const result = await this.importFiles(found.paths, name === '' ? basename(found.paths[0] ?? '') : name)
      return { ...result, files: result.files.map(one => ({ ...one, file: basename(one.file) })) }
    } catch (error) {
      throw withoutFolder(error, found.folder)
    } finally {
      await this.forget(id)
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.keys()].map(id => this.forget(id)))
  }

  private async opened(id: string): Promise<Import> {
    if (!/^[\w-]{8,64}$/.test(id))
      throw new PlumblineError('this is no id of an import', { fix: 'use 8 to 64 letters and digits' })
    const known = this.open.get(id)
    if (known !== undefined) {
      known.timer.refresh()
      return known
    }
    if (this.open.size >= MOST_IMPORTS)
      throw new PlumblineError('other imports are under way', { fix: 'try again when they are done' })
    const folder = join(this.root, id)
    const timer = setTimeout(() => void this.forget(id), FORGOTTEN_MS)
    timer.unref()
    const fresh = { folder, bytes: 0, files: 0, paths: [], timer }
    this.open.set(id, fresh)
    await mkdir(folder, { recursive: true })
    return fresh
  }

  private async forget(id: string): Promise<void> {
    const found = this.open.get(id)
    if (found === undefined) return
    clearTimeout(found.timer)
    this.open.delete(id)
    await rm(found.folder, { recursive: true, force: true })
  }
}
