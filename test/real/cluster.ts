/** A lab with a hub, an agent on every host, and jobs of one rank a host. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../base/errors'
import type { RunDetail } from '../../wire/api'
import type { Finding } from '../../wire/findings'
import { eventually, freePort, ROOT, startHubProcess, type Running } from '../plumbline'
import { Lab, type Host } from './lab'
import { PYTHON, pythonPath } from './torch'

/** Six hosts on two cores. Their ranks mostly wait for a device, so that all of them get what they need. */
const SHARE = 0.5
const MASTER_PORT = 29_500
const SECRET = 'of this lab'
const GLOO = { GLOO_SOCKET_IFNAME: 'eth0' }
const OPEN_MS = 180_000

export interface Job {
  readonly name: string
  /** Arguments of examples/train.py. */
  readonly args: readonly string[]
  readonly steps: number
  /** Called once when rank 0 has printed this step. */
  readonly at?: { readonly step: number; readonly act: () => void }
}

export class Cluster {
  private constructor(
    readonly lab: Lab,
    readonly port: number,
    private readonly folder: string,
    private readonly hub: Running,
  ) {}

  /** `options` of the hub beside its port and folder. */
  static async open(options: readonly string[] = [], knowsTopology = true): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'plumbline-cluster-'))
    const port = await freePort()
    const hub = await startHubProcess(port, join(folder, 'hub'), options)
    const lab = new Lab({ leaves: 3, hostsPerLeaf: 2, processorShare: SHARE, hubPort: port })
    const cluster = new Cluster(lab, port, folder, hub)
    await lab.openDoors()
    writeFileSync(cluster.topology, topologyOf(lab.hosts))
    for (const host of lab.hosts) cluster.startAgent(host, knowsTopology)
    return cluster
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  private get topology(): string {
    return join(this.folder, 'topology.yaml')
  }

  private dataOf(host: Host): string {
    return join(this.folder, host.name)
  }

  /** What a probe of all hosts prints as JSON; the hub keeps it. */
  async probe(): Promise<unknown> {
    const program = [process.execPath, join(ROOT, 'bin/plumbline.js'), 'probe', '--secret', SECRET]
    const wait = this.lab.hosts.map(host => this.lab.spawn(host, [...program, '--listen'], GLOO, true))
    for (const child of wait) await once(child.stderr ?? child, 'data')
    const [first] = this.lab.hosts
    if (first === undefined) throw new Error('a lab without hosts')
    const args = [
      ...this.lab.hosts.map(({ address }) => address),
      '--json',
      '--python',
      PYTHON,
      '--topology',
      this.topology,
    ]
    const where = ['--hub', this.url, '--data', this.dataOf(first)]
    const child = this.lab.spawn(first, [...program, ...args, ...where], GLOO, true)
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stderr?.resume()
    await once(child, 'close')
    return JSON.parse(said) as unknown
  }

  private startAgent(host: Host, knowsTopology: boolean): void {
    const data = this.dataOf(host)
    mkdirSync(data, { recursive: true })
    const args = ['agent', '--hub', this.url, '--data', data, '--from-start']
    if (knowsTopology) args.push('--topology', this.topology)
    const child = this.lab.spawn(host, [process.execPath, join(ROOT, 'bin/plumbline.js'), ...args], {}, false)
    child.stdout?.resume()
    child.stderr?.resume()
  }

  /** Runs a job to its end. Throws with what its ranks said where one of them failed. */
  async run({ name, args, steps, at }: Job): Promise<void> {
    const [first] = this.lab.hosts
    let said = ''
    const ranks = this.lab.hosts.map((host, rank) => {
      const environment = {
        RANK: String(rank),
        LOCAL_RANK: '0',
        WORLD_SIZE: String(this.lab.hosts.length),
        MASTER_ADDR: first?.address ?? '',
        MASTER_PORT: String(MASTER_PORT),
        ...GLOO,
        OMP_NUM_THREADS: '1',
        SLURM_JOB_ID: name,
        PYTHONPATH: pythonPath,
        PLUMBLINE_HOOK_DIR: join(this.dataOf(host), 'hook', name),
      }
      const command = [PYTHON, join(ROOT, 'examples/train.py'), '--steps', String(steps), ...args]
      const child = this.lab.spawn(host, command, environment, true)
      child.stdout?.resume()
      child.stderr?.on('data', (chunk: Buffer) => (said += `${host.name}: ${chunk.toString()}`))
      return child
    })
    let isDone = at === undefined
    ranks[0]?.stdout?.on('data', (chunk: Buffer) => {
      if (isDone || !chunk.toString().includes(`iter ${at?.step ?? 0}:`)) return
      isDone = true
      at?.act()
    })
    const codes = await Promise.all(ranks.map(async rank => (await once(rank, 'exit'))[0] as number | null))
    if (codes.some(code => code !== 0)) throw new Error(`a rank failed: ${codes.join()}\n${said}`)
  }

  get = async <T>(path: string): Promise<T> => (await (await fetch(`${this.url}${path}`)).json()) as T

  /** What was found in a run that has ended, once all its steps were looked at. */
  async findings(run: string, lastStep: number): Promise<Finding[]> {
    try {
      return await this.foundBy(run, lastStep)
    } catch (error) {
      throw new Error(`${run}: ${messageOf(error)}\n${this.hub.output.stderr}`, { cause: error })
    }
  }

  private async foundBy(run: string, lastStep: number): Promise<Finding[]> {
    await eventually(
      'the end of the run',
      async () => {
        const { summary } = await this.get<RunDetail>(`/api/runs/${run}`)
        return summary.step === lastStep && summary.state === 'ended'
      },
      OPEN_MS,
    )
    return eventually(
      'the last look',
      async () => {
        const answer = await fetch(`${this.url}/api/runs/${run}/findings`)
        const isWhole = answer.headers.get('plumbline-looked-to-step') === String(lastStep)
        return isWhole ? ((await answer.json()) as Finding[]) : undefined
      },
      OPEN_MS,
    )
  }

  async close(): Promise<void> {
    await this.lab.close()
    await this.hub.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function topologyOf(hosts: readonly Host[]): string {
  const leaves = [...new Set(hosts.map(({ leaf }) => leaf))]
  const nodes = (leaf: string) => hosts.filter(host => host.leaf === leaf).map(({ name }) => name)
  return [
    'switches:',
    `  - {switch: spine, children: "${leaves.join()}"}`,
    ...leaves.map(leaf => `  - {switch: ${leaf}, nodes: "${nodes(leaf).join()}"}`),
  ].join('\n')
}
