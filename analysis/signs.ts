/**
 * The evidence beside a finding: what the devices, hosts and cards of those that are blamed say, and their peers do not. The
 * first sign that tells a cause names it. A sign alone blames nobody: clocks of healthy chips differ as well.
 */
import { format, type Unit } from '../base/units'
import type { Finding, Sign } from '../wire/findings'
import type { RecordOf } from '../wire/records'
import { median } from './statistics'

/** Means since the finding's moment; counters as what they grew by. Absent is not known. */
export interface DeviceSample {
  readonly node: string
  readonly rank?: number | undefined
  readonly smClockHertz?: number | undefined
  readonly powerWatts?: number | undefined
  readonly powerLimitWatts?: number | undefined
  readonly temperatureCelsius?: number | undefined
  readonly pcieGeneration?: number | undefined
  readonly pcieWidth?: number | undefined
  readonly eccUncorrectedErrors?: number | undefined
  readonly eccCorrectedErrors?: number | undefined
  readonly remappedRowsUncorrectable?: number | undefined
  /** Processes that hold memory on it. */
  readonly processes?: number | undefined
  readonly throttleReasons?: readonly string[] | undefined
}
export interface HostSample {
  readonly node: string
  readonly cpuStealRatio?: number | undefined
  readonly cpuIoWaitRatio?: number | undefined
  readonly cpuUtilizationRatio?: number | undefined
  readonly swapUsedBytes?: number | undefined
}
export interface CardSample {
  readonly node: string
  readonly device: string
  readonly rateBitsPerSecond?: number | undefined
  /** Growth of the error counters by name. */
  readonly errors?: Readonly<Record<string, number>> | undefined
}
export interface Samples {
  readonly devices: readonly DeviceSample[]
  readonly hosts: readonly HostSample[]
  readonly cards: readonly CardSample[]
  readonly events: readonly RecordOf<'event'>[]
}

type NumberOf<T> = { [K in keyof T]-?: T[K] extends number | undefined ? K : never }[keyof T] & string

interface Rule<T> {
  readonly field: NumberOf<T>
  readonly what: string
  readonly unit: Unit
  readonly cause: string
  isWorse(own: number, peers: number): boolean
}

/** So much of a clock, a width or a speed below that of the peers is more than what chips differ by. */
const BELOW = 0.97
const grows = (own: number, peers: number) => own > 0 && own > 2 * peers

const DEVICE: readonly Rule<DeviceSample>[] = [
  {
    field: 'eccUncorrectedErrors',
    what: 'uncorrected ECC errors',
    unit: 'count',
    cause: 'memory errors',
    isWorse: grows,
  },
  { field: 'remappedRowsUncorrectable', what: 'remapped rows', unit: 'count', cause: 'memory errors', isWorse: grows },
  {
    field: 'pcieWidth',
    what: 'PCIe lanes',
    unit: 'count',
    cause: 'PCIe downgrade',
    isWorse: (own, peers) => own < peers,
  },
  {
    field: 'pcieGeneration',
    what: 'PCIe generation',
    unit: 'count',
    cause: 'PCIe downgrade',
    isWorse: (own, peers) => own < peers,
  },
  {
    field: 'powerLimitWatts',
    what: 'power cap',
    unit: 'watts',
    cause: 'power cap',
    isWorse: (own, peers) => own < BELOW * peers,
  },
  {
    field: 'processes',
    what: 'processes on the device',
    unit: 'count',
    cause: 'neighbour process',
    isWorse: (own, peers) => own >= peers + 1,
  },
  {
    field: 'temperatureCelsius',
    what: 'temperature',
    unit: 'celsius',
    cause: 'thermal',
    isWorse: (own, peers) => own >= peers + 10,
  },
  {
    field: 'smClockHertz',
    what: 'SM clock',
    unit: 'hertz',
    cause: 'low clock',
    isWorse: (own, peers) => own < BELOW * peers,
  },
  {
    field: 'eccCorrectedErrors',
    what: 'corrected ECC errors',
    unit: 'count',
    cause: 'memory errors',
    isWorse: (own, peers) => own > 100 && grows(own, peers),
  },
]
const HOST: readonly Rule<HostSample>[] = [
  {
    field: 'cpuStealRatio',
    what: 'processor time stolen',
    unit: 'ratio',
    cause: 'CPU steal',
    isWorse: (own, peers) => own > peers + 0.02,
  },
  {
    field: 'cpuIoWaitRatio',
    what: 'processor time waiting for input and output',
    unit: 'ratio',
    cause: 'storage',
    isWorse: (own, peers) => own > peers + 0.05,
  },
  {
    field: 'swapUsedBytes',
    what: 'swap in use',
    unit: 'bytes',
    cause: 'host memory',
    isWorse: (own, peers) => own > peers + 2 ** 30,
  },
  {
    field: 'cpuUtilizationRatio',
    what: 'processor time in use',
    unit: 'ratio',
    cause: 'busy host',
    isWorse: (own, peers) => own > 0.5 && own > peers + 0.25,
  },
]

/** Why clocks are held down, by the names of the driver; what is not listed (idle, application clocks) is nobody’s fault. */
const THROTTLED: readonly (readonly [reason: RegExp, cause: string])[] = [
  [/thermal/i, 'thermal'],
  [/power_brake|brake/i, 'power supply'],
  [/power_cap|power cap/i, 'power cap'],
  [/hw_slowdown/i, 'hardware slowdown'],
]

/** Four lanes are not 4.00 lanes. */
const shown = (value: number, unit: Unit) =>
  unit === 'count' && Number.isInteger(value) ? String(value) : format(value, unit)

interface Told {
  readonly sign: Sign
  readonly cause: string
}

/** What samples are held against: those of others, or of the same before. */
type Others = 'its peers’' | 'before'

function toldBy<T extends { readonly node: string }>(
  kind: string,
  rules: readonly Rule<T>[],
  own: readonly T[],
  peers: readonly T[],
  nameOf: (one: T) => string,
  others: Others = 'its peers’',
): Told[] {
  return rules.flatMap(({ field, what, unit, cause, isWorse }) => {
    const valueOf = (one: T) => (typeof one[field] === 'number' ? one[field] : NaN)
    const usual = median(peers.map(valueOf))
    const worst = own.find(one => isWorse(valueOf(one), usual))
    if (worst === undefined) return []
    const value = valueOf(worst)
    const says = `${what} of ${nameOf(worst)} ${shown(value, unit)}, ${others} ${shown(usual, unit)}`
    return [{ cause, sign: { field: `${kind}.${field}`, of: nameOf(worst), own: value, peers: usual, says } }]
  })
}

const rankName = ({ rank, node }: DeviceSample) => (rank === undefined ? `a device of ${node}` : `rank ${rank}`)

/** A reason that those blamed have and most peers have not. */
function throttled(
  own: readonly DeviceSample[],
  peers: readonly DeviceSample[],
  others: Others = 'its peers’',
): Told[] {
  const has = (one: DeviceSample, reason: RegExp) => one.throttleReasons?.some(name => reason.test(name)) === true
  return THROTTLED.flatMap(([reason, cause]) => {
    const one = own.find(sample => has(sample, reason))
    const share = peers.filter(sample => has(sample, reason)).length / Math.max(1, peers.length)
    const name = one?.throttleReasons?.find(text => reason.test(text))
    if (one === undefined || name === undefined || share > 0.5) return []
    const usual = `${Math.round(share * 100)} %`
    const beside = others === 'before' ? `${usual} of them were before` : `of ${usual} of its peers as well`
    const says = `clocks of ${rankName(one)} are held down: ${name.replaceAll('_', ' ')}; ${beside}`
    return [{ cause, sign: { field: 'gpu.throttleReasons', of: rankName(one), own: 1, peers: share, says } }]
  })
}

/** Errors that grew, the fastest first, and a link that came up slower than others. */
function ofCards(own: readonly CardSample[], peers: readonly CardSample[]): Told[] {
  const nameOf = ({ node, device }: CardSample) => `${node} ${device}`
  const slower = toldBy<CardSample>(
    'link',
    [
      {
        field: 'rateBitsPerSecond',
        what: 'speed of the link',
        unit: 'bitsPerSecond',
        cause: 'link speed',
        isWorse: (value, usual) => value < BELOW * usual,
      },
    ],
    own,
    peers,
    nameOf,
  )
  const grown = own.flatMap(card => Object.entries(card.errors ?? {}).map(([name, count]) => ({ card, name, count })))
  const errors = grown
    .map(one => ({ ...one, usual: median(peers.map(peer => peer.errors?.[one.name] ?? 0)) }))
    .filter(({ count, usual }) => grows(count, Number.isNaN(usual) ? 0 : usual))
    .sort((one, other) => other.count - one.count)
    .slice(0, 3)
    .map(({ card, name, count, usual }): Told => {
      const says = `${name} of ${nameOf(card)} grew by ${count}, its peers’ by ${Number.isNaN(usual) ? 0 : usual}`
      return {
        cause: 'link errors',
        sign: { field: `link.errors.${name}`, of: nameOf(card), own: count, peers: usual || 0, says },
      }
    })
  return [...slower, ...errors]
}

/** Types of events that are signs, and the cause that they tell. */
const EVENTS: Readonly<Record<string, string>> = {
  xid: 'Xid',
  sxid: 'SXid',
  'gpu-error': 'GPU error',
  'gpu-lost': 'GPU error',
  'pcie-error': 'PCIe errors',
  'machine-check': 'hardware error',
  'link-down': 'link down',
  'link-slower': 'link speed',
  'link-error': 'link errors',
  'nic-error': 'link errors',
  'storage-error': 'storage',
  'storage-hang': 'storage',
  thermal: 'thermal',
}

function ofEvents(events: readonly RecordOf<'event'>[], nodes: ReadonlySet<string>, since: number): Told[] {
  return events.flatMap(({ type = '', node = '', time = NaN, message = '', device }) => {
    const cause = Object.hasOwn(EVENTS, type) ? EVENTS[type] : undefined
    // A little before as well: the fault comes first, and slowness after it.
    if (cause === undefined || !nodes.has(node) || !(time >= since - EVENT_SECONDS)) return []
    const of = device === undefined ? node : `${node} ${device}`
    return [{ cause, sign: { field: `event.${type}`, of, own: null, peers: null, says: `${of}: ${message}` } }]
  })
}
const EVENT_SECONDS = 600
const MOST_SIGNS = 8

/** By cause, where there is something better to do than to look for it. */
const NEXT: Readonly<Record<string, string>> = {
  thermal: 'Look at the cooling of that node: fans, air flow, water; move the job off it until it is cool.',
  'power cap': 'Set the power cap as on the other devices: nvidia-smi -pl, or what manages power in the cluster.',
  'power supply': 'The node’s power supply holds its devices down: look at its PSUs and the rack’s power.',
  'PCIe downgrade': 'Reseat or replace the device: its PCIe link trained with fewer lanes or slower than its peers’.',
  'memory errors':
    'Drain the node, reset the device, and run its diagnostics; replace it if rows go on being remapped.',
  'neighbour process': 'Another process is on that device: find it with nvidia-smi on the node, and end it or move it.',
  'CPU steal': 'The hypervisor gives the node’s processors to others: move the job, or reserve its processors.',
  storage: 'The node waits for its storage: look at the mount, its server, and what else reads from it.',
  'host memory': 'The node swaps: fewer data-loader workers, or less pinned memory.',
  'busy host': 'Another job uses the node’s processors: see what runs there, and pin the ranks to cores.',
  'link errors': 'Clean or replace the cable and the transceiver of that port, then look at the switch’s side.',
  'link down': 'A link of that node went down: look at its cable, transceiver and switch port.',
  'link speed': 'The link came up slower than its peers’: look at its cable, transceiver and port settings.',
  Xid: 'Look the Xid up in NVIDIA’s list; drain the node if it repeats.',
}

/** What the samples say of a finding that blames ranks, nodes or cards; `nodesOf` its ranks. */
export function withSigns(finding: Finding, samples: Samples, nodeOf: (rank: number) => string | undefined): Finding {
  const { ranks = [], links = [] } = finding
  const nodes = new Set([...(finding.nodes ?? []), ...ranks.flatMap(rank => nodeOf(rank) ?? [])])
  if (nodes.size === 0) return finding
  const isOwn = ({ node, rank }: DeviceSample) => (ranks.length > 0 ? ranks.includes(rank ?? -1) : nodes.has(node))
  const cards = new Set(links.map(name => name.replace(/^nic /, '')))
  const isOwnCard = ({ node, device }: CardSample) =>
    links.length > 0 ? cards.has(`${node} ${device}`) : nodes.has(node)
  const split = <T>(all: readonly T[], isOne: (one: T) => boolean) =>
    [all.filter(isOne), all.filter(one => !isOne(one))] as const
  const [own, peers] = split(samples.devices, isOwn)
  const [hosts, otherHosts] = split(samples.hosts, ({ node }) => nodes.has(node))
  const [ownCards, otherCards] = split(samples.cards, isOwnCard)
  const told = [
    ...ofEvents(samples.events, nodes, finding.since),
    ...throttled(own, peers),
    ...(links.length > 0 ? [] : toldBy('gpu', DEVICE, own, peers, rankName)),
    ...(links.length > 0 ? [] : toldBy('host', HOST, hosts, otherHosts, ({ node }) => node)),
    ...(links.length > 0 || ranks.length > 0 ? ofCards(ownCards, otherCards) : []),
  ]
  return withTold(finding, told)
}

/** What has changed on the nodes of a run that became slower as a whole: samples since then, beside those of the same before. */
export function withChanges(finding: Finding, since: Samples, before: Samples): Finding {
  const told = [
    ...ofEvents(since.events, new Set([...since.devices, ...since.hosts].map(({ node }) => node)), finding.since),
    ...throttled(since.devices, before.devices, 'before'),
    ...toldBy('gpu', DEVICE, since.devices, before.devices, rankName, 'before'),
    ...toldBy('host', HOST, since.hosts, before.hosts, ({ node }) => node, 'before'),
  ]
  return withTold(finding, told)
}

/** Behind what the finding says itself; the first of them tells the cause where it tells none. */
function withTold(finding: Finding, told: readonly Told[]): Finding {
  if (told.length === 0) return finding
  const signs = [...(finding.signs ?? []), ...told.map(({ sign }) => sign)].slice(0, MOST_SIGNS)
  const cause = finding.cause ?? told[0]?.cause
  return { ...finding, signs, cause, nextStep: NEXT[cause ?? ''] ?? finding.nextStep }
}
