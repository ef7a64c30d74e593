/** A machine in memory: files by path, each with an id that a rename keeps. */
import type { Child, ChildEvents, Host } from '../../collectors/host'
import type { Fetched } from '../../collectors/machine/http'
import type { FileStat } from '../../collectors/machine/files'

interface FakeFile {
  id: string
  content: Buffer
}

export class FakeHost implements Host {
  readonly hostname: string
  clock = 1_800_000_000
  private readonly files = new Map<string, FakeFile>()
  private nextId = 1

  constructor(hostname = 'node-a') {
    this.hostname = hostname
    this.write('/proc/1/stat', '1 (init) S 0')
  }

  now(): number {
    return this.clock
  }

  /** Replaces the content; the file stays the same one where it exists, as `>` in a shell has it. */
  write(path: string, content: string | Buffer): void {
    const id = this.files.get(path)?.id ?? `fake:${this.nextId++}`
    this.files.set(path, { id, content: Buffer.from(content) })
  }

  append(path: string, content: string | Buffer): void {
    this.write(path, Buffer.concat([this.files.get(path)?.content ?? Buffer.alloc(0), Buffer.from(content)]))
  }

  rename(from: string, to: string): void {
    const file = this.files.get(from)
    if (file === undefined) throw new Error(`no ${from}`)
    this.files.delete(from)
    this.files.set(to, file)
  }

  remove(path: string): void {
    this.files.delete(path)
  }

  read(path: string, maxBytes = 1024 * 1024): Promise<string | undefined> {
    return Promise.resolve(this.files.get(path)?.content.toString('utf8', 0, maxBytes))
  }

  readRange(path: string, offset: number, length: number): Promise<Buffer> {
    const file = this.files.get(path)
    if (file === undefined) return Promise.reject(new Error(`no ${path}`))
    return Promise.resolve(file.content.subarray(offset, offset + length))
  }

  stat(path: string): Promise<FileStat | undefined> {
    const file = this.files.get(path)
    if (file !== undefined) return Promise.resolve({ size: file.content.length, id: file.id, modifiedAt: this.clock })
    const isFolder = [...this.files.keys()].some(name => name.startsWith(`${path}/`))
    return Promise.resolve(isFolder ? { size: 0, id: `folder:${path}`, modifiedAt: this.clock } : undefined)
  }

  list(folder: string): Promise<readonly string[]> {
    const inside = [...this.files.keys()].filter(name => name.startsWith(`${folder}/`))
    const names = inside.map(name => name.slice(folder.length + 1).split('/')[0] ?? '')
    return Promise.resolve([...new Set(names)].sort())
  }

  /** Knows `*` within a name, which is what these tests need. */
  glob(pattern: string): Promise<readonly string[]> {
    const parts = pattern.split('*').map(part => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
    const matcher = new RegExp(`^${parts.join('[^/]*')}$`)
    return Promise.resolve([...this.files.keys()].filter(name => matcher.test(name)).sort())
  }

  /** Pages by address. */
  readonly pages = new Map<string, string>()

  fetch(url: string): Promise<Fetched> {
    const text = this.pages.get(url)
    return Promise.resolve(text === undefined ? { ok: false, error: 'ECONNREFUSED' } : { ok: true, text })
  }

  run(): Promise<{ code: number | null; stdout: string; stderr: string; error?: string }> {
    return Promise.resolve({ code: null, stdout: '', stderr: '', error: 'a fake machine runs nothing' })
  }

  spawn(_command: string, _args: readonly string[], events: ChildEvents): Child {
    queueMicrotask(() => events.exit({ code: null, signal: null, error: 'a fake machine runs nothing' }))
    return { pid: undefined, stop: () => Promise.resolve() }
  }
}
