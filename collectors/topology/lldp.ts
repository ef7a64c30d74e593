/**
 * LLDP neighbours: what lldpd (`lldpctl -f json`, `json0`) and systemd-networkd (`networkctl lldp --json`, raw frames under
 * /run/systemd/netif/lldp) know of the switch port that each card is plugged into. Frames: IEEE 802.1AB, clause 8.
 */
import { itemsOf, membersOf, textOf } from './document'
import type { Cable } from './tree'

/** lldpd prints one member where there is one, a list where there are several. */
const each = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value])

/** `{"name": {…}}` (json) and `[{"name": "name", …}]` (json0) alike. */
function named(value: unknown): (readonly [name: string | undefined, members: Readonly<Record<string, unknown>>])[] {
  return each(value).flatMap(item => {
    const members = membersOf(item)
    if ('via' in members || 'id' in members) {
      const name = members['name']
      return [[textOf(name) ?? textOf(membersOf(itemsOf(name)[0])['value']), members] as const]
    }
    return Object.entries(members).map(([name, inner]) => [name, membersOf(inner)] as const)
  })
}
const identifier = (members: Readonly<Record<string, unknown>>) => {
  const id = membersOf(each(members['id'])[0])
  return { type: textOf(id['type']), value: textOf(id['value']) }
}
const described = (members: Readonly<Record<string, unknown>>) => {
  const [first] = each(members['descr'])
  return textOf(first) ?? textOf(membersOf(first)['value'])
}

/** Hosts announce themselves too, through a bridge or a card’s own firmware: what says that it forwards nothing is no switch. */
function forwards(members: Readonly<Record<string, unknown>>): boolean {
  const capabilities = each(members['capability']).map(membersOf)
  const on = capabilities.filter(
    ({ type, enabled }) => /^(?:Bridge|Router)$/i.test(textOf(type) ?? '') && enabled === true,
  )
  return capabilities.length === 0 || on.length > 0
}
/** Bits of enabled capabilities in a frame: bridge and router. */
const FORWARDS = 0x04 | 0x10

function cablesOfLldpd(document: unknown): Cable[] {
  const roots = each(membersOf(document)['lldp'])
  return roots.flatMap(root =>
    named(membersOf(root)['interface']).flatMap(([device, neighbour]) => {
      const [chassis] = named(neighbour['chassis'])
      const port = membersOf(each(neighbour['port'])[0])
      const id = identifier(port)
      // A port that is known by its MAC address alone says its name in the description.
      const switchPort = id.type === 'mac' ? (described(port) ?? id.value) : (id.value ?? described(port))
      const name = chassis === undefined ? undefined : (chassis[0] ?? identifier(chassis[1]).value)
      const known = device !== undefined && name !== undefined && chassis !== undefined && forwards(chassis[1])
      return known ? [cableOf(device, name, switchPort)] : []
    }),
  )
}

function cablesOfNetworkd(document: unknown): Cable[] {
  return itemsOf(membersOf(document)['Neighbors']).flatMap(item => {
    const link = membersOf(item)
    const device = textOf(link['InterfaceName'])
    return itemsOf(link['Neighbors']).flatMap(one => {
      const neighbour = membersOf(one)
      const name = textOf(neighbour['SystemName']) ?? textOf(neighbour['ChassisID'])
      const port = textOf(neighbour['PortID']) ?? textOf(neighbour['PortDescription'])
      const capabilities = neighbour['EnabledCapabilities']
      const isHost = typeof capabilities === 'number' && capabilities !== 0 && (capabilities & FORWARDS) === 0
      return device === undefined || name === undefined || isHost ? [] : [cableOf(device, name, port)]
    })
  })
}

function cableOf(device: string, name: string, switchPort: string | undefined): Cable {
  return {
    kind: 'topology',
    device,
    switch: name,
    ...(switchPort === undefined ? {} : { switchPort }),
    tier: 'leaf',
    source: 'lldp',
  }
}

/** Cables that a JSON document of lldpd or networkctl tells of; the node is whose document it is. */
export function cablesOfDocument(document: unknown): Cable[] {
  return [...cablesOfLldpd(document), ...cablesOfNetworkd(document)]
}

const CHASSIS = 1
const PORT = 2
const PORT_DESCRIPTION = 4
const SYSTEM_NAME = 5
const CAPABILITIES = 7
/** Subtypes of identifiers that are a MAC address: of a chassis 4, of a port 3. */
const MAC_SUBTYPE: Readonly<Record<number, number>> = { [CHASSIS]: 4, [PORT]: 3 }
const ETHERNET_HEADER = 14
const MOST_FRAMES = 64

interface Tlvs {
  readonly texts: ReadonlyMap<number, string>
  readonly portIsMac: boolean
  readonly isHost: boolean
}

function textOfTlv(type: number, value: Buffer): string {
  if (type !== CHASSIS && type !== PORT) return value.toString('utf8').replaceAll('\0', '')
  const rest = value.subarray(1)
  if (value[0] !== MAC_SUBTYPE[type]) return rest.toString('utf8')
  return [...rest].map(byte => byte.toString(16).padStart(2, '0')).join(':')
}

/** What a frame’s TLVs say: 7 bits of type, 9 of length, then the value. */
function readTlvs(frame: Buffer): Tlvs {
  const texts = new Map<number, string>()
  let [portIsMac, isHost] = [false, false]
  for (let at = ETHERNET_HEADER; at + 2 <= frame.length;) {
    const head = frame.readUInt16BE(at)
    const [type, length] = [head >> 9, head & 0x1ff]
    const value = frame.subarray(at + 2, at + 2 + length)
    if (type === 0 || value.length < length) break
    if (!texts.has(type)) texts.set(type, textOfTlv(type, value))
    if (type === PORT) portIsMac = value[0] === MAC_SUBTYPE[PORT]
    if (type === CAPABILITIES && length === 4)
      isHost = value.readUInt16BE(2) !== 0 && (value.readUInt16BE(2) & FORWARDS) === 0
    at += 2 + length
  }
  return { texts, portIsMac, isHost }
}

/** Frames that systemd-networkd saved for an interface: each behind its length, eight bytes, least first. */
export function cablesOfFrames(device: string, bytes: Buffer): Cable[] {
  const cables: Cable[] = []
  for (let at = 0; at + 8 <= bytes.length && cables.length < MOST_FRAMES;) {
    const length = Number(bytes.readBigUInt64LE(at))
    if (length > bytes.length - at - 8) break
    const { texts, portIsMac, isHost } = readTlvs(bytes.subarray(at + 8, at + 8 + length))
    const name = texts.get(SYSTEM_NAME) ?? texts.get(CHASSIS)
    const id = texts.get(PORT)
    const port = portIsMac ? (texts.get(PORT_DESCRIPTION) ?? id) : id
    if (name !== undefined && name !== '' && !isHost) cables.push(cableOf(device, name, port))
    at += 8 + length
  }
  return cables
}
