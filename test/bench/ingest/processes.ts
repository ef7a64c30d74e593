/** The fleet and the hub as processes of their own. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../../base/clock'
import { packageRoot } from '../../../base/root'
import { bundle } from '../bundle'
import type { FleetReport } from './fleet-main'

let built: string | undefined
/** Where programs of this bench lie while it runs. */
function programs(): string {
  if (built !== undefined) return built
  const folder = mkdtempSync(join(packageRoot, 'node_modules', '.bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return (built = folder)
}

async function start(name: string, args: readonly string[]): Promise<ChildProcess> {
  const program = await bundle(programs(), `test/bench/ingest/${name}.ts`)
  return fork(program, args, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

export interface Fleet {
  readonly child: ChildProcess
  /** The newest. */
  report(): FleetReport
  /** Seconds from sample to acknowledgement, since this was last asked. */
  delays(): number[]
}

/** Resolves when all its nodes are connected and send, to a hub with runs or without, or its pages are served. */
export async function startFleet(nodes: number, hub?: string, trains = true): Promise<Fleet> {
  const args = [String(nodes), ...(hub === undefined ? [] : [hub]), ...(trains ? [] : ['idle'])]
  const child = await start('fleet-main', args)
  let newest: FleetReport | undefined
  let delays: number[] = []
  const begun = new Promise<void>(resolve =>
    child.on('message', (message: FleetReport) => {
      newest = message
      delays = delays.concat(message.delays)
      if (hub === undefined || message.made > 0) resolve()
    }),
  )
  await begun
  return {
    child,
    report: () => newest ?? { made: 0, acknowledged: 0, pages: 0, delays: [], connected: 0 },
    delays() {
      const taken = delays
      delays = []
      return taken
    },
  }
}

export interface Hub {
  readonly child: ChildProcess
  readonly url: string
  /** Resolves when it has ended, or has not within 20 s. */
  stop(): Promise<void>
}

export async function startHub(data: string): Promise<Hub> {
  const child = await start('hub-main', [data])
  const url = await new Promise<string>(resolve => child.once('message', message => resolve(String(message))))
  const stop = async () => {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await Promise.race([ended, sleep(20_000)])
  }
  return { child, url, stop }
}
