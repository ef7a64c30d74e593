/** `start --demo`: a recorded run, played at its own pace through a real agent, beside made-up GPU lines that say so. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAgent } from '../../agent/agent'
import { unixSeconds } from '../../base/clock'
import { packageRoot } from '../../base/root'
import { localHost, type Host } from '../../collectors/host'
import { collectors } from '../../collectors/index'
import { Player } from './player'

const NODE = 'demo'
const SYNTHETIC = 'replay of a recorded 4-rank CPU run; its GPU lines are synthetic'

/** This machine under another name, whose nvidia-smi is the made-up one. */
function demoHost(): Host {
  const host = localHost()
  const program = (command: string) => (command === 'nvidia-smi' ? join(packageRoot, 'cli/demo/nvidia-smi') : command)
  return {
    ...host,
    hostname: NODE,
    run: (command, args, timeoutMs) => host.run(program(command), args, timeoutMs),
    spawn: (command, args, events) => host.spawn(program(command), args, events),
  }
}

export interface DemoOptions {
  readonly data: string
  readonly hub: string
  readonly token: string
  readonly log: (line: string) => void
}

export async function startDemo({ data, hub, token, log }: DemoOptions): Promise<{ stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-demo-'))
  process.env['FAKE_SMI_GPUS'] ??= '4'
  const agent = await startAgent({
    host: demoHost(),
    hub,
    token,
    data: folder,
    spool: 'demo',
    spoolBytes: 64 * 1024 * 1024,
    collectors: [...collectors].filter(({ name }) => name === 'nvidia-smi' || name === 'training-log'),
    collectorSettings: {
      intervalMs: 1000,
      logs: [join(folder, '*', 'rank-*.jsonl')],
      scrape: [],
      run: undefined,
      fromStart: true,
      synthetic: true,
    },
    log: line => log(`demo: ${line}`),
  })
  const player = new Player(folder, NODE, (run, fields) =>
    agent.add({ kind: 'run', time: unixSeconds(), run, node: NODE, name: 'demo', synthetic: SYNTHETIC, ...fields }),
  )
  log(`the demo run plays as node "${NODE}" (data of this hub: ${data})`)
  return {
    async stop() {
      player.stop()
      await agent.stop({ flushMs: 1000 })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
