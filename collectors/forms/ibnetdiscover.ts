/**
 * `ibnetdiscover` (a paragraph for each switch and adapter) and `ibnetdiscover -p` (a line for each port): the cables of an
 * InfiniBand fabric. Each is told of from both ends and given once.
 */
import { textForm } from '../form'
import { withTiers, type Cable } from '../topology/tree'

/** Bits per second of one lane. */
const LANE: Readonly<Record<string, number>> = {
  SDR: 2.5e9,
  DDR: 5e9,
  QDR: 10e9,
  FDR10: 10e9,
  FDR: 14e9,
  EDR: 25e9,
  HDR: 50e9,
  NDR: 100e9,
  XDR: 200e9,
}
const rateOf = (width: string | undefined, speed: string | undefined) => {
  const lane = LANE[speed?.toUpperCase() ?? '']
  return lane === undefined ? undefined : lane * Number(width)
}

interface End {
  readonly isSwitch: boolean
  readonly id: string
  readonly port: string
  readonly description: string
}

const PORT_LINE =
  /^(CA|SW|RT) {1,10}\d{1,6} {1,10}(\d{1,4}) (0x[\da-f]{1,16}) (\d{1,2})x (\S{1,8})(?: - (CA|SW|RT) {1,10}\d{1,6} {1,10}(\d{1,4}) (0x[\da-f]{1,16}) \( '(.{0,200})' - '(.{0,200})' \)| {1,80}'.{0,200}')$/
const HEAD_LINE = /^(Switch|Ca|Rt)\s{1,10}\d{1,4}\s{1,4}"([SHR]-[\da-f]{1,16})"\s{1,10}# "(.{0,200}?)"/
const CABLE_LINE =
  /^\[(\d{1,4})\](?:\([\da-f]{1,16}\))?\s{1,10}"([SHR]-[\da-f]{1,16})"\[(\d{1,4})\](?:\([\da-f]{1,16}\))?\s{0,10}#(?: lid \d{1,6} lmc \d{1,3})? "(.{0,200}?)".{0,60}? (\d{1,2})x(\w{1,8})\s*$/
const FABRIC_LINE = /^(?:#|vendid=|devid=|sysimgguid=|switchguid=|caguid=|rtguid=|DDR|\[\d{1,4}\])/

/** `MF0;leaf-3:MQM8700/U1` is leaf-3; `node-7 mlx5_0` is a node and its device. */
const switchName = (description: string) => (/^[\w-]{1,20};([^:]{1,100}):/.exec(description)?.[1] ?? description).trim()
const AGGREGATION = /aggregation node/i
const GENERIC = /mellanox|technologies|connectx|hca-?\d* *$/i

function nodeOf(description: string): Pick<Cable, 'node' | 'device'> {
  const text = description.trim()
  const at = text.indexOf(' ')
  if (at < 0) return { node: text }
  const [node, device] = [text.slice(0, at), text.slice(at + 1).trim()]
  // Without a name of its own an adapter is called by its make.
  return GENERIC.test(text) && !/^\S+ (?:HCA-\d+|mlx\w+)$/i.test(text) ? { device: text } : { node, device }
}

function cableOf(one: End, other: End, rate: number | undefined): Cable | undefined {
  const [low, high] = one.isSwitch && !other.isSwitch ? [other, one] : [one, other]
  if (!high.isSwitch || AGGREGATION.test(low.description)) return undefined
  const end = low.isSwitch ? { below: switchName(low.description) } : nodeOf(low.description)
  return {
    kind: 'topology',
    ...end,
    port: low.port,
    switch: switchName(high.description),
    switchPort: high.port,
    ...(rate === undefined ? {} : { rateBitsPerSecond: rate }),
    source: 'ibnetdiscover',
  }
}

/** Switches with nodes are leaves; a cable from a leaf to one without goes up, whichever end told of it. */
function upwards(cables: readonly Cable[]): Cable[] {
  const leaves = new Set(cables.filter(({ below }) => below === undefined).map(cable => cable.switch))
  return cables.map(cable => {
    const { below, port, switch: name, switchPort } = cable
    if (below === undefined || !leaves.has(name) || leaves.has(below)) return cable
    return { ...cable, below: name, port: switchPort, switch: below, switchPort: port }
  })
}

class Fabric {
  readonly cables: Cable[] = []
  private readonly seen = new Set<string>()
  private head: { isSwitch: boolean; id: string; description: string } | undefined

  add(one: End, other: End, rate: number | undefined): void {
    const key = [`${one.id}/${one.port}`, `${other.id}/${other.port}`].sort().join(' ')
    if (this.seen.has(key)) return
    this.seen.add(key)
    const cable = cableOf(one, other, rate)
    if (cable !== undefined) this.cables.push(cable)
  }

  /** False where the line is of no fabric. */
  read(line: string): boolean {
    const ports = PORT_LINE.exec(line)
    if (ports !== null) {
      const [
        ,
        kind,
        port = '',
        id = '',
        width,
        speed,
        otherKind,
        otherPort = '',
        otherId = '',
        description = '',
        other = '',
      ] = ports
      const end = { isSwitch: kind === 'SW', id, port, description }
      if (otherKind !== undefined)
        this.add(
          end,
          { isSwitch: otherKind === 'SW', id: otherId, port: otherPort, description: other },
          rateOf(width, speed),
        )
      return true
    }
    const head = HEAD_LINE.exec(line)
    if (head !== null) {
      this.head = { isSwitch: head[1] === 'Switch', id: head[2] ?? '', description: head[3] ?? '' }
      return true
    }
    const cable = this.head === undefined ? null : CABLE_LINE.exec(line)
    if (cable === null || this.head === undefined) return FABRIC_LINE.test(line)
    const [, port = '', id = '', otherPort = '', description = '', width, speed] = cable
    this.add(
      { ...this.head, port },
      { isSwitch: id.startsWith('S'), id, port: otherPort, description },
      rateOf(width, speed),
    )
    return true
  }
}

const LOOKS = /^(?:(?:CA|SW|RT) {1,10}\d{1,6} {1,10}\d{1,4} 0x[\da-f]{1,16} \d{1,2}x |switchguid=0x|caguid=0x)/m

export const ibnetdiscover = textForm({
  name: 'ibnetdiscover',
  tool: 'ibnetdiscover',
  help: 'the cables of an InfiniBand fabric: which node and switch is on which port of which switch, and how fast',
  origin: 'https://github.com/linux-rdma/rdma-core/blob/master/infiniband-diags/ibnetdiscover.c',
  begins: /(?:# ?\r?\n)?# Topology file:/,
  claims: ({ text }) => LOOKS.test(text),
  parse(text) {
    if (!LOOKS.test(text)) return undefined
    const fabric = new Fabric()
    const counts = { linesRead: 0, linesUnread: 0 }
    for (const line of text.split(/\r?\n/)) {
      if (line.trim() === '') continue
      if (fabric.read(line)) counts.linesRead += 1
      else counts.linesUnread += 1
    }
    return { records: withTiers(upwards(fabric.cables)), ...counts }
  },
})
