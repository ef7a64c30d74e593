/** Servers of others that tests run beside hubs: ClickHouse's interface over the embedded engine, and Redis where it is installed. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createConnection } from 'node:net'
import { resolve } from 'node:path'
import { eventually, freePort, ROOT } from './plumbline'

export interface ServerProcess {
  readonly port: number
  readonly url: string
  readonly child: ChildProcess
  stop(signal?: NodeJS.Signals): Promise<void>
}

const START_MS = 300_000

const answers = (port: number) =>
  new Promise<boolean>(done => {
    const socket = createConnection(port, '127.0.0.1', () => done(true))
    socket.once('error', () => done(false)).once('close', () => done(false))
    socket.once('connect', () => socket.destroy())
  })

async function serve(scheme: string, port: number, program: string, args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)))
  const ended = new Promise<void>(done => child.once('close', () => done()))
  const stop = async (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal)
    await ended
  }
  await eventually(program, () => answers(port), START_MS).catch(async (error: unknown) => {
    await stop()
    throw new Error(`${String(error)}\n${said}`)
  })
  return { port, url: `${scheme}://127.0.0.1:${port}`, child, stop }
}

export interface ClickHouseOptions {
  readonly port?: number
  /** A name makes it a cluster of one shard. */
  readonly cluster?: string
}

/** Its database is `plumbline`. */
export async function startClickHouse(folder: string, options: ClickHouseOptions = {}): Promise<ServerProcess> {
  const { port = await freePort(), cluster = '' } = options
  const script = resolve(import.meta.dirname, 'clickhouse-door.ts')
  const args = ['--import', 'tsx', script, String(port), folder, cluster]
  return serve('http', port, process.execPath, args)
}

/** Debian's package `redis-server`. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0

/** Keeps nothing: what is started again is empty. */
export async function startRedis(port?: number): Promise<ServerProcess> {
  const at = port ?? (await freePort())
  const args = ['--port', String(at), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  return serve('redis', at, 'redis-server', args)
}
