/** What chaos is made on: a hub and agents as processes of their own, a proxy between them, logs that grow, and their record. */
import { spawn, type ChildProcess } from 'node:child_process'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { eventually, freePort, ROOT, storedSteps } from '../plumbline'
import { startClickHouse, startRedis, type ServerProcess } from '../server-process'
import { startBalancer, type Balancer } from './balancer'
import { startProxy, type Proxy } from './proxy'

const LINES_PER_SECOND = 100
/** A busy machine starts a process slowly. */
const START_MS = 120_000
const ANSWER_MS = 5_000

export interface Part {
  child: ChildProcess | undefined
  start(): void
  signal(signal: NodeJS.Signals): void
  /** With -9; resolves when it is gone. */
  kill(): Promise<void>
}

/** A `plumbline` command that is started, killed and started again. */
function part(folder: string, name: string, args: readonly string[], log: (line: string) => void): Part {
  const clock = join(folder, `${name}.clock`)
  const one: Part = {
    child: undefined,
    start() {
      if (one.child !== undefined) return
      const preload = pathToFileURL(join(import.meta.dirname, 'clock.mjs')).href
      const child = spawn(process.execPath, ['--import', preload, '--import', 'tsx', 'cli/entry.ts', ...args], {
        cwd: ROOT,
        env: { ...process.env, CHAOS_CLOCK: clock },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      child.stderr.on('data', (chunk: Buffer) => log(`${name}: ${chunk.toString().trimEnd()}`))
      one.child = child
    },
    signal: signal => void one.child?.kill(signal),
    async kill() {
      const { child } = one
      if (child === undefined) return
      const gone = new Promise(resolve => child.once('exit', resolve))
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await gone
      one.child = undefined
    },
  }
  return one
}

/** What several hubs share, and what is before them. */
export interface Shared {
  store: ServerProcess
  redis: ServerProcess
  readonly storeFolder: string
  readonly balancer: Balancer
}
export const LEASE_SECONDS = 6

interface Hubs {
  readonly hubs: readonly Part[]
  readonly shared: Shared | undefined
  /** Where they are reached. */
  readonly port: number
}

async function oneHub(folder: string, log: (line: string) => void): Promise<Hubs> {
  const port = await freePort()
  const data = join(folder, 'hub')
  mkdirSync(data, { recursive: true })
  const args = ['start', '--no-agent', '--no-page', '--port', String(port), '--data', data]
  return { hubs: [part(folder, 'hub', args, log)], shared: undefined, port }
}

/** On one store and one Redis, behind a balancer. */
async function manyHubs(folder: string, count: number, log: (line: string) => void): Promise<Hubs> {
  const storeFolder = join(folder, 'store')
  const [store, redis] = [await startClickHouse(storeFolder), await startRedis()]
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  const balancer = await startBalancer(ports)
  const hubs = ports.map((port, at) => {
    const data = join(folder, `hub-${at}`)
    mkdirSync(data, { recursive: true })
    const own = ['start', '--no-agent', '--no-page', '--port', String(port), '--data', data]
    const fleet = ['--store', `${store.url}/plumbline`, '--redis', redis.url, '--lease-seconds', String(LEASE_SECONDS)]
    return part(folder, `hub-${at}`, [...own, ...fleet], log)
  })
  return { hubs, shared: { store, redis, storeFolder, balancer }, port: balancer.port }
}

export interface StageOptions {
  readonly agents: number
  readonly hubs: number
  log(line: string): void
}

export class Stage {
  readonly written: string[] = []
  readonly agents: Part[] = []
  private constructor(
    /** Data of hub and agents: on the small disk, where there is one. */
    readonly folder: string,
    private readonly logs: string,
    readonly hubs: readonly Part[],
    readonly shared: Shared | undefined,
    readonly proxy: Proxy,
    readonly url: string,
    private readonly runs: readonly string[],
  ) {}

  static async open(folder: string, logs: string, options: StageOptions): Promise<Stage> {
    const { log } = options
    mkdirSync(folder, { recursive: true })
    const { hubs, shared, port } = await (options.hubs > 1 ? manyHubs(folder, options.hubs, log) : oneHub(folder, log))
    const proxy = await startProxy(port)
    const runs = Array.from({ length: options.agents }, (_, agent) => `chaos-${agent}`)
    const stage = new Stage(folder, logs, hubs, shared, proxy, `http://127.0.0.1:${port}`, runs)
    for (const run of runs) {
      mkdirSync(join(logs, run), { recursive: true })
      writeFileSync(join(logs, run, 'rank-0.jsonl'), '')
      const own = ['--data', join(folder, `${run}-data`), '--logs', join(logs, run, '*.jsonl'), '--from-start']
      stage.agents.push(part(folder, run, ['agent', '--hub', `http://127.0.0.1:${proxy.port}`, ...own], log))
    }
    for (const hub of hubs) hub.start()
    await stage.answers()
    for (const agent of stage.agents) agent.start()
    return stage
  }

  /** Resolves when the hub answers. A connection that ends as soon as it is open may leave Node's fetch waiting for ever. */
  answers(): Promise<boolean> {
    const ask = () => fetch(`${this.url}/api/health`, { signal: AbortSignal.timeout(ANSWER_MS) })
    return eventually('the hub', async () => (await ask()).ok, START_MS)
  }

  /** Resolves when something of every job is stored. */
  async flows(): Promise<void> {
    for (const run of this.runs)
      await eventually(`lines of ${run}`, async () => (await storedSteps(this.url, run)).length > 0, START_MS)
  }

  /** Jobs that write a line each, until they are stopped. */
  write(): { stop(): void } {
    let step = 0
    const timer = setInterval(() => {
      for (const run of this.runs) {
        const record = {
          kind: 'step',
          source: 'hook',
          run,
          node: run,
          rank: 0,
          step,
          time: Date.now() / 1000,
          stepSeconds: 0.01,
        }
        appendFileSync(join(this.logs, run, 'rank-0.jsonl'), `${JSON.stringify(record)}\n`)
        this.written.push(`${run} ${step},0`)
      }
      step += 1
    }, 1000 / LINES_PER_SECOND)
    return { stop: () => clearInterval(timer) }
  }

  setClock(name: string, seconds: number): void {
    writeFileSync(join(this.folder, `${name}.clock`), String(seconds))
  }

  /** Every row of the store, repeats included. */
  async stored(): Promise<string[]> {
    const all: string[] = []
    for (const run of this.runs) for (const row of await storedSteps(this.url, run)) all.push(`${run} ${row}`)
    return all
  }

  async close(): Promise<void> {
    await Promise.all([...this.hubs, ...this.agents].map(one => one.kill()))
    this.proxy.close()
    this.shared?.balancer.close()
    await this.shared?.store.stop()
    await this.shared?.redis.stop()
  }
}
