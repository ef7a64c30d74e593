/**
 * InfiniBand and RoCE ports from /sys/class/infiniband. Units and meaning of the counters:
 * https://docs.kernel.org/admin-guide/abi-stable-files.html (sysfs-class-infiniband).
 */
import type { Host } from '../host'

export interface Port {
  readonly device: string
  readonly port: string
  /** Names of the error counters that this port has. */
  readonly counters: readonly Counter[]
}
interface Counter {
  readonly name: string
  readonly path: string
}

export interface PortReading {
  readonly receiveBytes: number | undefined
  readonly transmitBytes: number | undefined
  readonly rateBitsPerSecond: number | undefined
  readonly state: string | undefined
  readonly errors: Readonly<Record<string, number>>
}

/** port_rcv_data and port_xmit_data count words of four bytes. */
const WORD_BYTES = 4
const WANTED =
  /^(symbol_error|link_error_recovery|link_downed|port_rcv_errors|port_rcv_remote_physical_errors|port_rcv_switch_relay_errors|port_xmit_discards|port_xmit_wait|port_xmit_constraint_errors|port_rcv_constraint_errors|local_link_integrity_errors|excessive_buffer_overrun_errors|VL15_dropped|out_of_sequence|packet_seq_err|local_ack_timeout_err|rnr_nak_retry_err|np_cnp_sent|rp_cnp_handled|np_ecn_marked_roce_packets|roce_adp_retrans|roce_slow_restart|rx_icrc_encapsulated)$/
const ROOT = '/sys/class/infiniband'

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

export async function findPorts(host: Host): Promise<Port[]> {
  const ports: Port[] = []
  for (const device of await host.list(ROOT)) {
    for (const port of await host.list(`${ROOT}/${device}/ports`)) {
      const folder = `${ROOT}/${device}/ports/${port}`
      const counters = await Promise.all(
        ['counters', 'hw_counters'].map(async kind =>
          (await host.list(`${folder}/${kind}`))
            .filter(name => WANTED.test(name))
            .map(name => ({ name: camel(name), path: `${folder}/${kind}/${name}` })),
        ),
      )
      ports.push({ device, port, counters: counters.flat() })
    }
  }
  return ports
}

/** A decimal counter; undefined for anything else, such as `N/A (no PMA)`. */
export function readCounter(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? ''
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined
}

/** `400 Gb/sec (4X NDR)` → 4e11. */
export function readRate(text: string | undefined): number | undefined {
  const match = /^([\d.]+) *Gb\/sec/.exec(text?.trim() ?? '')
  return match === null ? undefined : Number(match[1]) * 1e9
}

/** `4: ACTIVE` is up, `1: DOWN` down; others as the kernel says, in small letters. */
export function readState(text: string | undefined): string | undefined {
  const word = /^\d+: *(\w+)/.exec(text?.trim() ?? '')?.[1]?.toLowerCase()
  return word === 'active' ? 'up' : word
}

export async function readPort(host: Host, { device, port, counters }: Port): Promise<PortReading> {
  const folder = `${ROOT}/${device}/ports/${port}`
  const [receive, transmit, rate, state] = await Promise.all(
    ['counters/port_rcv_data', 'counters/port_xmit_data', 'rate', 'state'].map(file => host.read(`${folder}/${file}`)),
  )
  const errors: Record<string, number> = {}
  await Promise.all(
    counters.map(async ({ name, path }) => {
      const value = readCounter(await host.read(path))
      if (value !== undefined) errors[name] = value
    }),
  )
  const bytes = (words: number | undefined) => (words === undefined ? undefined : words * WORD_BYTES)
  return {
    receiveBytes: bytes(readCounter(receive)),
    transmitBytes: bytes(readCounter(transmit)),
    rateBitsPerSecond: readRate(rate),
    state: readState(state),
    errors,
  }
}
