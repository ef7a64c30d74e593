/** A real hub with the built page, in a process and a folder of its own; it can be killed and come back. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

/** Builds the page where it is not of these sources. */
function ensureBuilt(): void {
  const { status } = spawnSync('node', [join(ROOT, 'scripts/build.mjs')], { cwd: ROOT, stdio: 'inherit' })
  if (status !== 0) throw new Error('the page cannot be built: see above')
}

/** Starts a hub and resolves with its address; throws with what it printed when it ends instead. */
function start(data: string, port: string): Promise<{ child: ChildProcess; url: string }> {
  const script = join(import.meta.dirname, 'page-hub-main.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, data, port], { cwd: ROOT })
  let printed = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk.toString()
      const url = /hub at (\S+)/.exec(printed)?.[1]
      if (url !== undefined) resolve({ child, url })
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', code => reject(new Error(`the hub ended with ${code}: ${printed}`)))
  })
}

export class PageHub {
  private constructor(
    private child: ChildProcess,
    readonly url: string,
    private readonly data: string,
  ) {}

  /** `data`: a folder that already holds something; a new one where absent. */
  static async start(data = mkdtempSync(join(tmpdir(), 'plumbline-page-'))): Promise<PageHub> {
    ensureBuilt()
    const { child, url } = await start(data, '0')
    return new PageHub(child, url, data)
  }

  /** As a power cut does it. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
  }

  /** The same data on the same port again. */
  async restart(): Promise<void> {
    const { child } = await start(this.data, new URL(this.url).port)
    this.child = child
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.data, { recursive: true, force: true })
  }
}
