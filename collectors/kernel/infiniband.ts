/**
 * InfiniBand and RoCE ports from /sys/class/infiniband. Units and meaning of the counters:
 * https://docs.kernel.org/admin-guide/abi-stable-files.html (sysfs-class-infiniband).
 */
import type { Host } from '../host'
import { rdmaCounterName } from './rdma-counters'

/** Where the files are: this machine, or what was saved of another. */
type Files = Pick<Host, 'list' | 'read'>

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
const SATURATED = 0xffff_ffff
const ROOT = '/sys/class/infiniband'

export async function findPorts(host: Files): Promise<Port[]> {
  const ports: Port[] = []
  for (const device of await host.list(ROOT)) {
    for (const port of await host.list(`${ROOT}/${device}/ports`)) {
      const folder = `${ROOT}/${device}/ports/${port}`
      const counters = await Promise.all(
        ['counters', 'hw_counters'].map(async kind =>
          (await host.list(`${folder}/${kind}`)).flatMap(file => {
            const name = rdmaCounterName(file)
            return name === undefined ? [] : [{ name, path: `${folder}/${kind}/${file}` }]
          }),
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
  const match = /^(\d+(?:\.\d+)?) *Gb\/sec/.exec(text?.trim() ?? '')
  return match === null ? undefined : Number(match[1]) * 1e9
}

/**
 * Bytes of a counter of words. A port without extended counters has 32 bits, which stop at their highest value: then it
 * says no more how much it was.
 */
export function wordsToBytes(words: number | undefined): number | undefined {
  return words === undefined || words === SATURATED ? undefined : words * WORD_BYTES
}

const STATES: Readonly<Record<string, string>> = { active: 'up', initializing: 'init', initialize: 'init' }

/** `4: ACTIVE` (sysfs) and `Active` (ibstat) are up, `1: DOWN` down; others as the kernel says, in small letters. */
export function readState(text: string | undefined): string | undefined {
  const word = /^(?:\d+: *)?([A-Za-z]\w*)/.exec(text?.trim() ?? '')?.[1]?.toLowerCase()
  return word === undefined ? undefined : (STATES[word] ?? word)
}

export async function readPort(host: Files, { device, port, counters }: Port): Promise<PortReading> {
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
  return {
    receiveBytes: wordsToBytes(readCounter(receive)),
    transmitBytes: wordsToBytes(readCounter(transmit)),
    rateBitsPerSecond: readRate(rate),
    state: readState(state),
    errors,
  }
}
