/** A real Slurm on this machine: munged, slurmctld and a slurmd for each node, of Debian, all their files in one folder. As root. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { eventually, freePort } from '../plumbline'

const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'srun', 'python3']
export const hasSlurm =
  process.getuid?.() === 0 && PROGRAMS.every(name => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0)

export interface Slurm {
  /** A command, such as srun, to its end; as another user where one is named. */
  run(command: readonly string[], environment?: Readonly<Record<string, string>>, user?: string): Promise<Ended>
  /** Until every node may take a job: one whose prolog or epilog failed never may. */
  idle(): Promise<unknown>
  stop(): Promise<void>
}
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export function idOf(user: string, flag: '-u' | '-g'): number {
  return Number(spawnSync('id', [flag, user], { encoding: 'utf8' }).stdout)
}

/** munged wants its folders to be its own, and its socket's to be open to all. */
function mungeFolders(folder: string): { key: string; socket: string } {
  const [own, open] = [join(folder, 'munge'), join(folder, 'socket')]
  const key = join(own, 'key')
  for (const path of [own, open]) mkdirSync(path)
  writeFileSync(key, randomBytes(1024), { mode: 0o400 })
  for (const path of [own, open, key]) chownSync(path, idOf('munge', '-u'), idOf('munge', '-g'))
  chmodSync(own, 0o700)
  chmodSync(open, 0o755)
  return { key, socket: join(open, 'munge') }
}

/** `lines` are added to slurm.conf: Prolog=…, where %n is the node's name. */
export async function startSlurm(folder: string, nodes: readonly string[], lines: readonly string[]): Promise<Slurm> {
  chmodSync(folder, 0o755)
  const { key, socket } = mungeFolders(folder)
  for (const name of ['state', 'spool']) mkdirSync(join(folder, name))
  const host = hostname().split('.')[0] ?? ''
  const ports = await Promise.all(nodes.map(() => freePort()))
  const config = join(folder, 'slurm.conf')
  const text = [
    'ClusterName=plumbline',
    `SlurmctldHost=${host}(127.0.0.1)`,
    'SlurmUser=root',
    `SlurmctldPort=${await freePort()}`,
    `AuthInfo=socket=${socket}`,
    `StateSaveLocation=${join(folder, 'state')}`,
    `SlurmdSpoolDir=${join(folder, 'spool/%n')}`,
    `SlurmctldPidFile=${join(folder, 'slurmctld.pid')}`,
    `SlurmdPidFile=${join(folder, 'slurmd-%n.pid')}`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'MpiDefault=none',
    'ReturnToService=2',
    ...nodes.map((name, place) => {
      const address = `NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports[place]}`
      return `NodeName=${name} ${address} CPUs=2 State=UNKNOWN`
    }),
    `PartitionName=all Nodes=${nodes.join(',')} Default=YES State=UP`,
    ...lines,
    '',
  ]
  writeFileSync(config, text.join('\n'))
  const environment = { ...process.env, SLURM_CONF: config }
  const daemons: ChildProcess[] = []
  const daemon = (command: string, args: readonly string[], uid?: number) =>
    daemons.push(spawn(command, args, { env: environment, stdio: 'ignore', ...(uid === undefined ? {} : { uid }) }))
  const files = ['--log-file', join(folder, 'munge/log'), '--seed-file', join(folder, 'munge/seed')]
  const munge = ['--foreground', '--key-file', key, '--socket', socket, ...files]
  daemon('munged', [...munge, '--pid-file', join(folder, 'socket/pid')], idOf('munge', '-u'))
  daemon('slurmctld', ['-D', '-f', config])
  for (const name of nodes) daemon('slurmd', ['-D', '-N', name, '-f', config])

  const run: Slurm['run'] = ([command = '', ...args], more = {}, user = 'root') =>
    new Promise(resolve => {
      const who = { uid: idOf(user, '-u'), gid: idOf(user, '-g') }
      const child = spawn(command, args, { env: { ...environment, ...more }, cwd: folder, ...who })
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      child.once('close', code => resolve({ code, stdout, stderr }))
    })
  const allIdle = async () => {
    const { stdout } = await run(['sinfo', '--noheader', '--Node', '--format=%N %T'])
    return nodes.every(name => stdout.includes(`${name} idle\n`))
  }
  await eventually('idle nodes', allIdle)
  return {
    run,
    idle: () => eventually('idle nodes', allIdle),
    async stop() {
      for (const child of daemons.reverse()) {
        const gone = new Promise(resolve => child.once('close', resolve))
        if (child.exitCode === null && child.kill('SIGTERM')) await gone
      }
    },
  }
}
