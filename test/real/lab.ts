/**
 * A small cluster of network namespaces on one machine: leaves of hosts below a spine, every cable of a known speed, every
 * host with its own share of the processors (one host’s rest must not be another’s gain). All addresses are in namespaces
 * that are made here; what is outside is not touched. The hub stays outside: each host reaches it at its own loopback, through
 * `doors.py`. Needs root, iproute2 with tbf, and cgroups of version 1.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { once } from 'node:events'

const CPU = '/sys/fs/cgroup/cpu'
/** Short, so that a host never rests for longer than a kernel call takes. */
const PERIOD_MICROSECONDS = 25_000
/** Of a host, where 1024 is usual: what else runs on this machine shall not slow the hosts, one more than the other. */
const PRIORITY = 65_536
/** Jumbo frames: what a packet costs the processors of this machine is then little beside what the cable takes. */
const MTU = 9000
/** Cables of a healthy lab: without a limit they are as fast as the processors of the moment. */
const CABLE = '1gbit'

export interface LabOptions {
  readonly leaves: number
  readonly hostsPerLeaf: number
  /** Of one processor, for each host. */
  readonly processorShare: number
  /** Where the hub listens on this machine’s loopback. */
  readonly hubPort: number
}

export interface Host {
  /** What `hostname` says there. */
  readonly name: string
  readonly address: string
  readonly leaf: string
  readonly namespace: string
}

/** Undefined where a lab can be made here, else why not. */
export function whyNoLab(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it takes root on Linux to make namespaces'
  if (spawnSync('ip', ['-V']).status !== 0 || spawnSync('tc', ['-V']).status !== 0) return 'iproute2 is not installed'
  if (!existsSync(join(CPU, 'cpu.cfs_quota_us'))) {
    if (!existsSync(join(CPU, 'cpu.shares'))) return 'there are no cgroups of version 1 for processors'
  }
  const name = `plumb-try-${process.pid}`
  const made = spawnSync('ip', ['netns', 'add', name])
  if (made.status !== 0) return `namespaces cannot be made: ${String(made.stderr).trim()}`
  const shaped = spawnSync('tc', [
    '-n',
    name,
    ...'qdisc add dev lo root tbf rate 1gbit burst 64kb latency 10ms'.split(' '),
  ])
  spawnSync('ip', ['netns', 'delete', name])
  return shaped.status === 0 ? undefined : 'this kernel has no tbf'
}

function ip(args: string): void {
  const { status, stderr } = spawnSync('ip', args.split(' '), { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args}: ${stderr.trim()}`)
}

/** `device` in `namespace` sends at most so fast. */
function shape(namespace: string, device: string, rate: string): void {
  const args = `-n ${namespace} qdisc replace dev ${device} root tbf rate ${rate} burst 64kb latency 100ms`
  const { status, stderr } = spawnSync('tc', args.split(' '), { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tc ${args}: ${stderr.trim()}`)
}

let labs = 0

export class Lab {
  readonly hosts: readonly Host[]
  private readonly id = `plumb-${process.pid}-${(labs += 1)}`
  private readonly namespaces: string[] = []
  private readonly groups: string[] = []
  private readonly children: ChildProcess[] = []

  constructor(private readonly options: LabOptions) {
    const leaves = Array.from({ length: options.leaves }, (_, leaf) => `leaf${leaf}`)
    this.hosts = leaves.flatMap((leaf, number) =>
      Array.from({ length: options.hostsPerLeaf }, (_, index) => {
        const host = number * options.hostsPerLeaf + index
        return { name: `h${host}`, leaf, address: `10.77.0.${host + 1}`, namespace: `${this.id}-h${host}` }
      }),
    )
    try {
      this.build(leaves)
    } catch (error) {
      this.remove()
      throw error
    }
  }

  private build(leaves: readonly string[]): void {
    const switches = ['spine', ...leaves]
    for (const name of [
      ...switches.map(name => `${this.id}-${name}`),
      ...this.hosts.map(({ namespace }) => namespace),
    ]) {
      ip(`netns add ${name}`)
      this.namespaces.push(name)
      ip(`-n ${name} link set lo up`)
    }
    for (const name of switches) {
      ip(`-n ${this.id}-${name} link add br0 type bridge`)
      ip(`-n ${this.id}-${name} link set br0 up`)
    }
    for (const leaf of leaves) this.cable(`${this.id}-${leaf}`, 'uplink', `${this.id}-spine`, leaf)
    for (const host of this.hosts) {
      this.cable(host.namespace, 'eth0', `${this.id}-${host.leaf}`, host.name)
      ip(`-n ${host.namespace} address add ${host.address}/24 dev eth0`)
      this.limit(host, this.options.processorShare)
    }
  }

  /** Of `below` and the switch `above`; the other end of `device` is named `port`. */
  private cable(below: string, device: string, above: string, port: string): void {
    ip(`link add ${device} netns ${below} type veth peer name ${port} netns ${above}`)
    for (const [namespace, end] of [
      [below, device],
      [above, port],
    ] as const) {
      ip(`-n ${namespace} link set dev ${end} mtu ${MTU}`)
      if (end !== 'eth0') ip(`-n ${namespace} link set dev ${end} master br0`)
      ip(`-n ${namespace} link set dev ${end} up`)
      shape(namespace, end, CABLE)
    }
  }

  host(name: string): Host {
    const found = this.hosts.find(one => one.name === name)
    if (found === undefined) throw new Error(`there is no host ${name}`)
    return found
  }

  /** Both ways of a leaf’s uplink carry so much, such as `50mbit`; without a rate as much as in a healthy lab. */
  throttleLeaf(leaf: string, rate = CABLE): void {
    shape(`${this.id}-${leaf}`, 'uplink', rate)
    shape(`${this.id}-spine`, leaf, rate)
  }

  /** All ports of the leaf: those of its hosts, and its uplink. */
  throttleSwitch(leaf: string, rate = CABLE): void {
    this.throttleLeaf(leaf, rate)
    for (const { name } of this.hosts.filter(host => host.leaf === leaf)) this.throttleCard(name, rate)
  }

  throttleCard(name: string, rate = CABLE): void {
    const host = this.host(name)
    shape(host.namespace, 'eth0', rate)
    shape(`${this.id}-${host.leaf}`, host.name, rate)
  }

  /** All processes of the host together get this share of one processor. */
  limit({ name }: Pick<Host, 'name'>, share = this.options.processorShare): void {
    const group = join(CPU, `${this.id}-${name}`)
    if (!existsSync(group)) {
      mkdirSync(group)
      this.groups.push(group)
      writeFileSync(join(group, 'cpu.shares'), String(PRIORITY))
    }
    writeFileSync(join(group, 'cpu.cfs_period_us'), String(PERIOD_MICROSECONDS))
    writeFileSync(join(group, 'cpu.cfs_quota_us'), String(Math.round(share * PERIOD_MICROSECONDS)))
  }

  /** Runs a command on a host. `isLimited`: within its share of the processors. */
  spawn(
    host: Host,
    command: readonly string[],
    environment: Readonly<Record<string, string>>,
    isLimited: boolean,
  ): ChildProcess {
    const enter = isLimited ? `echo $$ > ${CPU}/${this.id}-${host.name}/tasks; ` : ''
    // `ip netns exec` mounts a fresh /sys, in which the cgroups would be missing.
    const inside = `mount -t tmpfs none /sys/fs/cgroup && mkdir ${CPU} && mount -t cgroup -o cpu none ${CPU}; hostname ${host.name}; exec "$@"`
    const script = `${enter}exec ip netns exec ${host.namespace} unshare --uts sh -c '${inside}' sh "$@"`
    const child = spawn('sh', ['-c', script, 'sh', ...command], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.children.push(child)
    return child
  }

  /** So many processes on the host that never rest, until what comes back is called. */
  crowd(name: string, processes: number): () => void {
    const spin = ['/usr/bin/python3', '-c', 'while True: pass']
    const crowd = Array.from({ length: processes }, () => this.spawn(this.host(name), spin, {}, true))
    return () => {
      for (const child of crowd) child.kill('SIGKILL')
    }
  }

  /** Lets every host reach the hub at its own loopback. */
  async openDoors(): Promise<void> {
    const names = this.hosts.map(({ namespace }) => namespace)
    const args = [join(import.meta.dirname, 'doors.py'), String(this.options.hubPort), ...names]
    const child = spawn('/usr/bin/python3', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.children.push(child)
    await once(child.stdout, 'data')
  }

  /** Ends what runs in it, and takes it down. */
  async close(): Promise<void> {
    const running = this.children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    const ends = running.map(child => once(child, 'exit'))
    for (const child of running) child.kill('SIGKILL')
    await Promise.all(ends)
    this.remove()
  }

  private remove(): void {
    for (const name of this.namespaces) spawnSync('ip', ['netns', 'delete', name])
    for (const group of this.groups) {
      try {
        rmdirSync(group)
      } catch {
        // A process of it is still ending: an empty group costs nothing.
      }
    }
  }
}
