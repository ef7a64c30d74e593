/** A real hub with the built page, on a free port and in a folder of its own; it can stop and come back. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startHub, type HubHandle } from '../../hub/hub'

const ROOT = resolve(import.meta.dirname, '../..')

/** Builds the page where nobody has yet. */
function ensureBuilt(): void {
  if (existsSync(join(ROOT, '.next/BUILD_ID'))) return
  const script = join(ROOT, 'scripts/build.mjs')
  const [command, ...rest] = existsSync(script) ? ['node', script] : ['npx', 'next', 'build']
  const { status } = spawnSync(command ?? 'node', rest, { cwd: ROOT, stdio: 'inherit' })
  if (status !== 0) throw new Error('the page cannot be built: see above')
}

export class PageHub {
  private constructor(
    private handle: HubHandle,
    private readonly data: string,
  ) {}

  static async start(): Promise<PageHub> {
    ensureBuilt()
    const data = mkdtempSync(join(tmpdir(), 'plumbline-page-'))
    return new PageHub(await PageHub.open(data, 0), data)
  }

  private static open(data: string, port: number): Promise<HubHandle> {
    return startHub({ host: '127.0.0.1', port, data, store: '', token: '', page: ROOT, log: () => undefined })
  }

  get url(): string {
    return this.handle.url
  }

  async stop(): Promise<void> {
    await this.handle.close()
  }

  /** The same data on the same port again. */
  async restart(): Promise<void> {
    this.handle = await PageHub.open(this.data, this.handle.port)
  }

  async remove(): Promise<void> {
    await this.handle.close()
    rmSync(this.data, { recursive: true, force: true })
  }
}
