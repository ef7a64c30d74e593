/** Network interfaces and InfiniBand ports of this node: bytes, speed, state and errors; their changes as events. */
import { PlumblineError } from '../base/errors'
import type { RecordOf } from '../wire/records'
import { defineCollector, type Availability, type Context, type Json, type Session } from './collector'
import type { Host } from './host'
import { DriverStatistics } from './kernel/driver-statistics'
import { parseNetDev, readLinkState, watchedNames, type InterfaceCounters, type LinkState } from './kernel/ethernet'
import { findPorts, readPort, type Port } from './kernel/infiniband'
import { LinkChanges } from './kernel/link-changes'

/** Which interfaces there are, their speed and state: seldom changing, and asking a card for its speed can be slow. */
const LOOK_AGAIN_SECONDS = 15
const FIX = 'run the agent on Linux, with /proc and /sys mounted'

async function detect(host: Host): Promise<Availability> {
  const table = await host.read('/proc/net/dev')
  if (table === undefined) return { available: false, why: '/proc/net/dev cannot be read', fix: FIX }
  const names = parseNetDev(table).map(({ name }) => name)
  const watched = [...(await watchedNames(host, names))].sort()
  const ports = (await findPorts(host)).map(({ device, port }) => `${device}/${port}`)
  if (watched.length + ports.length === 0) {
    return {
      available: false,
      why: 'there is no network card here but the loopback',
      fix: 'none is needed on one node',
    }
  }
  return { available: true, detail: [...watched, ...ports].join(', ') }
}

class NetSession implements Session {
  private lookedAt = -Infinity
  private links = new Map<string, LinkState>()
  private ports: readonly Port[] = []
  private readonly changes: LinkChanges
  private readonly drivers: DriverStatistics

  constructor(private readonly context: Context) {
    this.changes = new LinkChanges(context.cursor)
    this.drivers = new DriverStatistics(context.host)
  }

  async collect(): Promise<void> {
    const { host } = this.context
    const text = await host.read('/proc/net/dev')
    if (text === undefined) throw new PlumblineError('/proc/net/dev cannot be read', { fix: FIX })
    const interfaces = parseNetDev(text)
    const time = host.now()
    if (Math.abs(time - this.lookedAt) >= LOOK_AGAIN_SECONDS) await this.look(interfaces, time)
    this.drivers.ask(this.links.keys())
    for (const counters of interfaces) this.addInterface(counters, time)
    await Promise.all(this.ports.map(port => this.addPort(port, time)))
  }

  cursor(): Json {
    return this.changes.cursor()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private async look(interfaces: readonly InterfaceCounters[], time: number): Promise<void> {
    const { host } = this.context
    const names = await watchedNames(
      host,
      interfaces.map(({ name }) => name),
    )
    const states = await Promise.all([...names].map(async name => [name, await readLinkState(host, name)] as const))
    this.links = new Map(states)
    for (const [name, state] of states) this.tell(this.changes.note(name, state), time)
    this.ports = await findPorts(host)
    this.lookedAt = time
  }

  private tell(events: readonly RecordOf<'event'>[], time: number): void {
    const { hostname } = this.context.host
    for (const event of events) this.context.batch().add({ ...event, time, node: hostname })
  }

  private row(time: number, device: string) {
    const table = this.context.batch().table('link').begin()
    return table.number('time', time).text('node', this.context.host.hostname).text('device', device)
  }

  private addInterface({ name, receiveBytes, transmitBytes, errors }: InterfaceCounters, time: number): void {
    const link = this.links.get(name)
    if (link === undefined) return
    this.row(time, name)
      .number('receiveBytes', receiveBytes)
      .number('transmitBytes', transmitBytes)
      .number('rateBitsPerSecond', link.rateBitsPerSecond)
      .text('state', link.state)
      .json('errors', { ...errors, ...this.drivers.take(name) })
  }

  private async addPort(port: Port, time: number): Promise<void> {
    const reading = await readPort(this.context.host, port)
    this.tell(this.changes.note(`${port.device}/${port.port}`, reading), time)
    this.row(time, port.device)
      .text('port', port.port)
      .number('receiveBytes', reading.receiveBytes)
      .number('transmitBytes', reading.transmitBytes)
      .number('rateBitsPerSecond', reading.rateBitsPerSecond)
      .text('state', reading.state)
      .json('errors', reading.errors)
  }
}

export const net = defineCollector({
  name: 'net',
  help: 'network cards and InfiniBand ports: bytes, speed, state, errors',
  scope: 'node',
  everyMs: ({ intervalMs }) => Math.max(1_000, intervalMs),
  timeoutMs: 5_000,
  detect: host => detect(host),
  open: context => Promise.resolve(new NetSession(context)),
})
