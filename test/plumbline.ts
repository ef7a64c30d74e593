/** Runs the built `plumbline` as people do, for tests that need whole processes. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '..')

export interface Running {
  readonly child: ChildProcess
  readonly output: { stdout: Buffer; stderr: string }
  readonly ended: Promise<{ code: number | null; signal: string | null }>
  kill(signal: NodeJS.Signals): Promise<void>
}

export function plumbline(args: readonly string[], environment: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [resolve(ROOT, 'bin/plumbline.js'), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: Buffer.alloc(0), stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout = Buffer.concat([output.stdout, chunk])))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  const ended = new Promise<{ code: number | null; signal: string | null }>(done => {
    child.once('close', (code, signal) => done({ code, signal }))
  })
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await ended
  }
  return { child, output, ended, kill }
}

export function freePort(): Promise<number> {
  return new Promise(done => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => done(port))
    })
  })
}

/** Waits until the work gives something; throws with the name of what did not come. */
export async function eventually<T>(
  what: string,
  work: () => Promise<T | undefined | false>,
  milliseconds = 60_000,
): Promise<T> {
  const until = Date.now() + milliseconds
  for (;;) {
    const result = await work().catch(() => undefined)
    if (result !== undefined && result !== false) return result
    if (Date.now() > until) throw new Error(`${what} did not come within ${milliseconds / 1000} s`)
    await new Promise(done => setTimeout(done, 50))
  }
}

/** A crowded machine takes its time. */
const HUB_MS = 120_000

/** Starts a hub (no agent beside it) and waits until it answers. */
export async function startHubProcess(port: number, data: string, options: readonly string[] = []): Promise<Running> {
  const hub = plumbline(['start', '--no-agent', '--port', String(port), '--data', data, ...options])
  await eventually('the hub', async () => (await fetch(`http://127.0.0.1:${port}/api/health`)).ok, HUB_MS).catch(
    (error: unknown) => {
      throw new Error(`${String(error)}\n${hub.output.stderr}`)
    },
  )
  return hub
}

/** `step,rank` of every row that the store holds of a run, repeats included. */
export async function storedSteps(url: string, run: string): Promise<string[]> {
  const asked = { signal: AbortSignal.timeout(HUB_MS) }
  const text = await (await fetch(`${url}/api/runs/${run}/steps.csv?rows=raw`, asked)).text()
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split(',').slice(0, 2).join(','))
}
