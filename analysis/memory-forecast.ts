/**
 * When a device, or a host, will be full, from the trend of the peak of each rank's steps, while it can still be avoided. Silent where
 * memory goes up and down: only a rise that almost all pairs of steps agree on is one.
 */
import { grouped } from '../base/grouped'
import { format } from '../base/units'
import { allowanceOf, usableBytes } from '../math/allowance'
import type { Finding } from '../wire/findings'
import { defineDetector, type DetectorWindow, type HostMemory } from './detector'
import { steadyGrowth, type SteadyGrowth } from './post-mortem/growth'
import { median } from './statistics'

/** Sooner than this it is told; a fuller device than that at the start of a day is nobody's worry yet. */
const SOON_SECONDS = 24 * 3600
const CRITICAL_SECONDS = 3600
/** A process grows by less than this share of what it holds while caches and arenas of the C library settle. */
const SETTLING = 0.1

interface Filling extends SteadyGrowth {
  readonly rank: number
  readonly since: number
}

/** Ranks whose column rises steadily. */
function fillings({ ranks }: DetectorWindow, bytes: ArrayLike<number>): Filling[] {
  const rows = new Map<number, number[]>()
  for (let row = 0; row < ranks.rank.length; row += 1) {
    const rank = ranks.rank[row] ?? NaN
    if (!Number.isFinite(bytes[row] ?? NaN)) continue
    const own = rows.get(rank)
    if (own === undefined) rows.set(rank, [row])
    else own.push(row)
  }
  return [...rows].flatMap(([rank, own]) => {
    const ascending = own.toSorted((one, other) => (ranks.step[one] ?? 0) - (ranks.step[other] ?? 0))
    const pick = (values: ArrayLike<number>) => ascending.map(row => values[row] ?? NaN)
    const found = steadyGrowth(pick(bytes), pick(ranks.step))
    return found === undefined ? [] : [{ ...found, rank, since: pick(ranks.time)[0] ?? NaN }]
  })
}

/** Seconds until what is left is gone, by the trend and by its faster and slower pairs of steps. */
interface Left {
  readonly expected: number
  readonly early: number
  readonly late: number
}
type Rise = Pick<SteadyGrowth, 'bytesPerStep' | 'slower' | 'faster'>

function leftOf(bytes: number, { bytesPerStep, slower, faster }: Rise, stepSeconds: number): Left {
  const until = (perStep: number) => (Math.max(0, bytes) * stepSeconds) / perStep
  return { expected: until(bytesPerStep), early: until(faster), late: until(Math.max(slower, bytesPerStep / 10)) }
}

const betweenText = ({ early, late }: Left) =>
  `by the trend between ${format(early, 'seconds')} and ${format(late, 'seconds')}`
const severityOf = ({ expected }: Left) => (expected < CRITICAL_SECONDS ? 'critical' : 'warning')
const soonest = <T extends { left: Left }>(all: readonly T[]): T | undefined =>
  all
    .toSorted((one, other) => one.left.expected - other.left.expected)
    .find(({ left }) => left.expected <= SOON_SECONDS)

function ofDevices(window: DetectorWindow, stepSeconds: number): Finding[] {
  const { deviceMemoryBytes, ranks, run } = window
  if (deviceMemoryBytes === undefined) return []
  const usable = usableBytes(deviceMemoryBytes, allowanceOf(undefined))
  const all = fillings(window, ranks.memoryPeakBytes)
  const first = soonest(all.map(rank => ({ ...rank, left: leftOf(usable - rank.lastBytes, rank, stepSeconds) })))
  if (first === undefined) return []
  const { rank, left, since, bytesPerStep, lastBytes } = first
  const others = all.length === 1 ? '' : `; ${all.length - 1} other ranks rise as well`
  return [
    {
      detector: 'memory-forecast',
      run,
      severity: severityOf(left),
      provenance: 'estimated',
      since,
      ranks: [rank, ...all.map(one => one.rank).filter(one => one !== rank)],
      title: `The device of rank ${rank} will be full in about ${format(left.expected, 'seconds')}`,
      evidence: `its peak rises by ${format(bytesPerStep, 'bytes')} a step and is at ${format(lastBytes, 'bytes')} of ${format(usable, 'bytes')} that tensors can have; ${betweenText(left)}${others}`,
      nextStep:
        'Save a checkpoint now. Something keeps what each step makes: losses kept with their graph, lists of outputs, caches that grow.',
    },
  ]
}

/** What the ranks of a node add to its memory together. */
const together = (all: readonly Filling[]): Rise => {
  const sum = (of: (one: Filling) => number) => all.reduce((bytes, one) => bytes + of(one), 0)
  return { bytesPerStep: sum(one => one.bytesPerStep), slower: sum(one => one.slower), faster: sum(one => one.faster) }
}

/** What ranks use up together: a node, or what they may have of it. */
interface Room {
  readonly node: string
  /** Of a cgroup or a process; undefined for the node. */
  readonly limit: string | undefined
  readonly bytes: number
  readonly usedBytes: number
  readonly own: readonly Filling[]
}

/** The node, and each limit of its ranks: a cgroup is one for all that are in it, `ulimit` one for each process. */
function roomsOf(node: string, host: HostMemory, own: readonly Filling[], { places }: DetectorWindow): Room[] {
  const rooms: Room[] = [{ node, limit: undefined, bytes: host.totalBytes, usedBytes: host.usedBytes, own }]
  const limited = own.flatMap(filling => {
    const limit = host.limits?.get(places?.get(filling.rank)?.pid ?? NaN)
    return limit === undefined ? [] : [{ filling, limit }]
  })
  const isShared = ({ limit }: (typeof limited)[number]) => !limit.name.startsWith('ulimit')
  const shared = grouped(limited.filter(isShared), ({ limit }) => limit.name)
  for (const inOne of [...shared.values(), ...limited.filter(one => !isShared(one)).map(one => [one])]) {
    const [first] = inOne
    if (first === undefined) continue
    const { name, bytes, usedBytes } = first.limit
    rooms.push({ node, limit: name, bytes, usedBytes, own: inOne.map(({ filling }) => filling) })
  }
  return rooms
}

const titleOf = ({ node, limit }: Room, left: Left) =>
  limit === undefined
    ? `The memory of host ${node} will be full in about ${format(left.expected, 'seconds')}`
    : `The memory that the job may have on ${node} will be full in about ${format(left.expected, 'seconds')}`

function ofHosts(window: DetectorWindow, stepSeconds: number): Finding[] {
  const { hosts, places, ranks, run } = window
  if (hosts === undefined || ranks.residentBytes === undefined) return []
  const all = fillings(window, ranks.residentBytes).filter(
    ({ risenBytes, lastBytes }) => risenBytes > SETTLING * lastBytes,
  )
  const rooms = [...hosts].flatMap(([node, host]) => {
    const own = all.filter(({ rank }) => places?.get(rank)?.node === node)
    return own.length === 0 ? [] : roomsOf(node, host, own, window)
  })
  const first = soonest(
    rooms.map(room => {
      const rise = together(room.own)
      return { room, rise, left: leftOf(room.bytes - room.usedBytes, rise, stepSeconds) }
    }),
  )
  if (first === undefined) return []
  const { room, rise, left } = first
  const allowed = room.limit === undefined ? '' : `, all that ${room.limit} allows,`
  return [
    {
      detector: 'memory-forecast',
      run,
      severity: severityOf(left),
      provenance: 'estimated',
      since: room.own.reduce((earliest, { since }) => Math.min(earliest, since), Infinity),
      ranks: room.own.map(({ rank }) => rank),
      nodes: [room.node],
      title: titleOf(room, left),
      evidence: `the processes of its ranks grow by ${format(rise.bytesPerStep, 'bytes')} a step, and ${format(room.usedBytes, 'bytes')} of ${format(room.bytes, 'bytes')}${allowed} are in use; ${betweenText(left)}`,
      nextStep:
        'Save a checkpoint now. Something in the processes keeps what each step makes: lists of outputs or losses, caches, samples that data loaders hold.',
    },
  ]
}

function detect(window: DetectorWindow): Finding[] {
  const stepSeconds = median(Array.from(window.steps.stepSeconds))
  if (window.facts.endedAt !== undefined || !(stepSeconds > 0)) return []
  return [...ofDevices(window, stepSeconds), ...ofHosts(window, stepSeconds)]
}

export const memoryForecast = defineDetector({
  name: 'memory-forecast',
  help: 'Memory of a device or of a host rises from step to step and will not suffice.',
  detect,
})
