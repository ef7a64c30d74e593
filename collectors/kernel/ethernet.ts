/** Network interfaces: counters of /proc/net/dev, speed and state of /sys/class/net. */
import type { Host } from '../host'

export interface InterfaceCounters {
  readonly name: string
  readonly receiveBytes: number
  readonly transmitBytes: number
  readonly errors: Readonly<Record<string, number>>
}

/** Columns of /proc/net/dev behind the name: eight of receiving, eight of sending. */
const COLUMNS = {
  receiveErrors: 2,
  receiveDropped: 3,
  receiveFifo: 4,
  receiveFrame: 5,
  transmitErrors: 10,
  transmitDropped: 11,
  transmitFifo: 12,
  transmitCollisions: 13,
  transmitCarrier: 14,
} as const

/** Lines that are not of the table are left out. */
export function parseNetDev(text: string): InterfaceCounters[] {
  return text.split('\n').flatMap(line => {
    const colon = line.lastIndexOf(':')
    const texts = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
    // Counters are digits, and no more of them than a 64-bit one has: a damaged line is none.
    if (colon < 1 || texts.length < 16 || !texts.every(text => /^\d{1,20}$/.test(text))) return []
    const cells = texts.map(Number)
    const errors = Object.fromEntries(Object.entries(COLUMNS).map(([name, at]) => [name, cells[at] ?? 0]))
    return [{ name: line.slice(0, colon).trim(), receiveBytes: cells[0] ?? 0, transmitBytes: cells[8] ?? 0, errors }]
  })
}

/** Interfaces that carry a default route, from /proc/net/route (hexadecimal) and /proc/net/ipv6_route. */
export function defaultRouteNames(route: string, route6: string): Set<string> {
  const names = new Set<string>()
  for (const line of route.split('\n')) {
    const [name, destination, , , , , , mask] = line.trim().split(/\s+/)
    if (name !== undefined && destination === '00000000' && mask === '00000000') names.add(name)
  }
  for (const line of route6.split('\n')) {
    const cells = line.trim().split(/\s+/)
    const name = cells[9]
    if (cells[0] === '0'.repeat(32) && cells[1] === '00' && name !== undefined && name !== 'lo') names.add(name)
  }
  return names
}

export interface LinkState {
  /** up, down, or what the kernel says. */
  readonly state: string | undefined
  readonly rateBitsPerSecond: number | undefined
}

/** `speed` is in Mbit/s and -1, or not readable, where it is not known. */
export async function readLinkState(host: Host, name: string): Promise<LinkState> {
  const [state, speed] = await Promise.all(
    ['operstate', 'speed'].map(file => host.read(`/sys/class/net/${name}/${file}`)),
  )
  const megabits = Number(speed?.trim() ?? '')
  return {
    state: state?.trim() === '' ? undefined : state?.trim(),
    rateBitsPerSecond: speed !== undefined && megabits > 0 ? megabits * 1e6 : undefined,
  }
}

/**
 * Interfaces worth watching: those with a device behind them (a NIC, a virtual function, a virtio card), and those that
 * carry a default route (in a container that is one end of a veth pair, and all there is). Left out: loopback, bridges,
 * bonds, tunnels and the host's ends of containers, whose bytes cross a watched NIC anyway.
 */
export async function watchedNames(host: Host, names: readonly string[]): Promise<Set<string>> {
  const [route, route6] = await Promise.all(['/proc/net/route', '/proc/net/ipv6_route'].map(path => host.read(path)))
  const watched = defaultRouteNames(route ?? '', route6 ?? '')
  for (const name of names) {
    if (name !== 'lo' && (await host.list(`/sys/class/net/${name}/device`)).length > 0) watched.add(name)
  }
  return watched
}
