/** What the agents of a simulated fleet would have sent: of the hook on every rank, the GPUs and the cables. */
import type { RecordOf, WireRecord } from '../../wire/records'
import type { Fault, Showing } from './faults'
import type { Fleet, FleetStep } from './fleet'
import { jobOf, tokensOf } from './job'
import { cardName, leafName, nodeName, spineName } from './layout'

const OPERATIONS = {
  tensor: 'all-reduce',
  data: 'all-reduce',
  'pipeline-forward': 'recv',
  'pipeline-backward': 'recv',
} as const

/** Of the kind that the job's arithmetic is of. */
const DEVICE = 'Simulated H100 80GB HBM3'
/** At full clock. */
const CLOCK_HERTZ = 1.98e9
/** Of a card. */
const LINK_BITS = 4e11
const [POWER_WATTS, IDLE_WATTS, TEMPERATURE] = [650, 120, 62] as const

export interface Told {
  readonly run: string
  readonly name: string
  readonly synthetic: string
  /** Unix seconds at which the fleet began. */
  readonly startedAt: number
  /** Seconds that a rank computes in a step. */
  readonly computeSeconds: number
}

const node = (fleet: Fleet, rank: number) => nodeName(fleet.layout.nodeOf[rank] ?? 0)
const local = (fleet: Fleet, rank: number) => rank % fleet.layout.shape.gpusPerNode

export function* announcement(fleet: Fleet, told: Told): Generator<WireRecord> {
  const { run, name, synthetic, startedAt, computeSeconds } = told
  const { worldSize, shape, stageOf, dataOf, tensorOf, leafOf, spineOf } = fleet.layout
  const { tensor, pipeline, data, experts = 1, leavesPerSpine } = shape
  const base = { time: startedAt, run }
  yield { kind: 'run', ...base, node: nodeName(0), name, synthetic, state: 'started' }
  yield {
    kind: 'config',
    ...base,
    framework: 'simulated',
    parallelism: { tensor, pipeline, data, worldSize, zeroStage: 1, ...(experts > 1 && { expert: experts }) },
    ...jobOf(shape, computeSeconds),
  }
  for (let rank = 0; rank < worldSize; rank += 1) {
    const replica = dataOf[rank] ?? 0
    const expert = experts > 1 ? { ep: replica % experts } : {}
    const coordinates = { pp: stageOf[rank] ?? 0, dp: replica, tp: tensorOf[rank] ?? 0, ...expert }
    yield {
      kind: 'rank',
      ...base,
      node: node(fleet, rank),
      rank,
      localRank: local(fleet, rank),
      worldSize,
      coordinates,
      gpuIndex: local(fleet, rank),
      gpuUuid: uuid(fleet, rank),
      device: 'cuda',
      state: 'started',
    }
    yield {
      kind: 'topology',
      time: startedAt,
      node: node(fleet, rank),
      device: cardName(local(fleet, rank)),
      switch: leafName(leafOf[rank] ?? 0),
      tier: 'leaf',
      source: 'file',
    }
  }
  if (leavesPerSpine === undefined) return
  for (const [leaf, spine] of spineOf.entries())
    yield {
      kind: 'topology',
      time: startedAt,
      below: leafName(leaf),
      switch: spineName(spine),
      tier: 'spine',
      source: 'file',
    }
}

/** What watchdogs say of a step that a rank never came to: those that it works with wait in their collective. */
export function* hangRecords(
  { layout }: Fleet,
  ranks: readonly number[],
  step: number,
  { run, time }: { readonly run: string; readonly time: number },
): Generator<WireRecord> {
  for (const hung of ranks) {
    const group =
      layout.groups.find(({ purpose, ranks: members }) => purpose === 'data' && members.includes(hung)) ??
      layout.groups.find(({ ranks: members }) => members.includes(hung))
    if (group === undefined) continue
    const what = { group: group.name, operation: OPERATIONS[group.purpose], collectiveSequence: step }
    for (const rank of group.ranks)
      if (!ranks.includes(rank))
        yield {
          kind: 'event',
          type: 'nccl-timeout',
          time,
          run,
          node: nodeName(layout.nodeOf[rank] ?? 0),
          rank,
          message: `Watchdog caught collective operation timeout: ${OPERATIONS[group.purpose]} ${step} of ${group.name}`,
          ...what,
        }
  }
}

const uuid = (fleet: Fleet, rank: number) => `GPU-simulated-${node(fleet, rank)}-${local(fleet, rank)}`

export function* stepRecords(
  fleet: Fleet,
  step: FleetStep,
  { run, startedAt }: Pick<Told, 'run' | 'startedAt'>,
): Generator<WireRecord> {
  const { worldSize, groups } = fleet.layout
  for (let rank = 0; rank < worldSize; rank += 1) yield stepRecord(fleet, step, rank, { run, startedAt })
  for (const [number, { name, purpose, ranks }] of groups.entries())
    for (const [position, rank] of ranks.entries()) {
      const seconds = step.groupSeconds[(fleet.offsets[number] ?? 0) + position]
      yield {
        kind: 'collective',
        run,
        node: node(fleet, rank),
        rank,
        step: step.step,
        group: name,
        seconds,
        time: startedAt + (step.end[rank] ?? 0),
        operation: position === 0 && purpose.startsWith('pipeline') ? 'send' : OPERATIONS[purpose],
        bytes: fleet.groupBytes[number],
      }
    }
}

function stepRecord(
  fleet: Fleet,
  step: FleetStep,
  rank: number,
  { run, startedAt }: Pick<Told, 'run' | 'startedAt'>,
): RecordOf<'step'> {
  const seconds = (column: Float64Array) => ({ seconds: column[rank] ?? NaN })
  return {
    kind: 'step',
    run,
    node: node(fleet, rank),
    rank,
    step: step.step,
    source: 'hook',
    time: startedAt + (step.end[rank] ?? 0),
    stepSeconds: step.stepSeconds[rank],
    tokens: tokensOf(fleet.layout.shape),
    phases: {
      data: seconds(step.dataSeconds),
      forward: seconds(step.forwardSeconds),
      backward: seconds(step.backwardSeconds),
      communication: seconds(step.communicationSeconds),
    },
  }
}

/** What the agents would see of devices, hosts and cards after a step; `size` of a fault now, 0 where it is not there. */
export interface Shown {
  readonly fault: Fault
  readonly size: number
}

type Gpu = RecordOf<'gpu'>

/** A chip that is held down runs at a lower clock. */
const held = (size: number, ...reasons: readonly string[]): Partial<Gpu> => ({
  smClockHertz: CLOCK_HERTZ / (1 + size),
  throttleReasons: [...reasons],
})

const ON_DEVICE: Partial<Record<Showing, (size: number, step: number) => Partial<Gpu>>> = {
  thermal: size => ({ ...held(size, 'sw_thermal_slowdown'), temperatureCelsius: TEMPERATURE + 24 }),
  'power-cap': size => ({ ...held(size, 'sw_power_cap'), powerLimitWatts: 0.6 * POWER_WATTS }),
  pcie: () => ({ pcieWidth: 4 }),
  ecc: (_, step) => ({ eccCorrectedErrors: 1000 * step, remappedRowsUncorrectable: Math.floor(step / 50) }),
  neighbour: () => ({ processes: [{ pid: 4000 }, { pid: 5000, name: 'other' }] }),
}
const ON_HOST: Partial<Record<Showing, Partial<RecordOf<'host'>>>> = {
  steal: { cpuStealRatio: 0.18 },
  storage: { cpuIoWaitRatio: 0.35 },
  'busy-host': { cpuUtilizationRatio: 0.97 },
}

/** A chip that waits draws little, however busy it says it is. */
export function* deviceRecords(
  fleet: Fleet,
  step: FleetStep,
  shown: readonly Shown[],
  time: number,
): Generator<WireRecord> {
  const { worldSize } = fleet.layout
  const now = shown.filter(({ size }) => size > 0)
  for (let rank = 0; rank < worldSize; rank += 1) {
    const own = now.filter(({ fault }) => fault.ranks.includes(rank))
    yield gpuRecord(fleet, step, rank, own, time)
    const [index, name] = [local(fleet, rank), node(fleet, rank)]
    yield linkRecord(name, index, step.step, now, time)
    if (index === 0) yield hostRecord(name, own, time)
  }
}

function gpuRecord(fleet: Fleet, step: FleetStep, rank: number, own: readonly Shown[], time: number): Gpu {
  const computes = (step.forwardSeconds[rank] ?? 0) + (step.backwardSeconds[rank] ?? 0)
  const busy = computes / (step.stepSeconds[rank] ?? NaN)
  const changes = own.reduce<Partial<Gpu>>(
    (all, { fault: { shows }, size }) => ({ ...all, ...(shows !== undefined && ON_DEVICE[shows]?.(size, step.step)) }),
    {},
  )
  return {
    kind: 'gpu',
    time,
    node: node(fleet, rank),
    index: local(fleet, rank),
    uuid: uuid(fleet, rank),
    name: DEVICE,
    vendor: 'simulated',
    source: 'simulate',
    utilizationRatio: 1,
    powerWatts: IDLE_WATTS + (POWER_WATTS - IDLE_WATTS) * Math.min(1, busy),
    powerLimitWatts: POWER_WATTS + 50,
    temperatureCelsius: TEMPERATURE,
    smClockHertz: CLOCK_HERTZ,
    smClockMaxHertz: CLOCK_HERTZ,
    pcieGeneration: 5,
    pcieWidth: 16,
    eccCorrectedErrors: 0,
    remappedRowsUncorrectable: 0,
    processes: [{ pid: 4000 }],
    ...changes,
  }
}

function hostRecord(name: string, own: readonly Shown[], time: number): RecordOf<'host'> {
  const shows = own.flatMap(({ fault }) => fault.shows ?? [])
  return {
    kind: 'host',
    time,
    node: name,
    cpuUtilizationRatio: 0.2,
    cpuStealRatio: 0,
    cpuIoWaitRatio: 0.01,
    ...shows.reduce<Partial<RecordOf<'host'>>>((all, one) => ({ ...all, ...ON_HOST[one] }), {}),
  }
}

function linkRecord(name: string, index: number, step: number, now: readonly Shown[], time: number): RecordOf<'link'> {
  const own = now.find(({ fault }) => fault.links.includes(`nic ${name} ${cardName(index)}`))
  const isBroken = own?.fault.shows === 'link-errors'
  const isDown = own?.fault.shows === 'link-speed'
  return {
    kind: 'link',
    time,
    node: name,
    device: cardName(index),
    rateBitsPerSecond: isDown ? LINK_BITS / (1 + own.size) : LINK_BITS,
    state: 'up',
    errors: { symbol_error: isBroken ? 200 * step : 0 },
  }
}
