/** The fleet and the hub as processes of their own. */
import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { FleetReport } from './fleet-main'

const start = (file: string, args: readonly string[]) =>
  fork(join(import.meta.dirname, file), args, {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })

export interface Fleet {
  readonly child: ChildProcess
  /** The newest. */
  report(): FleetReport
  /** Seconds from sample to acknowledgement, since this was last asked. */
  delays(): number[]
}

export async function startFleet(nodes: number, hub?: string): Promise<Fleet> {
  const child = start('fleet-main.ts', [String(nodes), ...(hub === undefined ? [] : [hub])])
  let newest: FleetReport | undefined
  let delays: number[] = []
  const first = new Promise<void>(resolve =>
    child.on('message', (message: FleetReport) => {
      newest = message
      delays = delays.concat(message.delays)
      resolve()
    }),
  )
  await first
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

export async function startHub(data: string): Promise<{ child: ChildProcess; url: string }> {
  const child = start('hub-main.ts', [data])
  const url = await new Promise<string>(resolve => child.once('message', message => resolve(String(message))))
  return { child, url }
}
