/** What the agents of a simulated fleet would have sent: of the hook on every rank, the GPUs and the cables. */
import type { RecordOf, WireRecord } from '../../wire/records'
import type { Fleet, FleetStep } from './fleet'
import { cardName, leafName, nodeName } from './layout'

const OPERATIONS = {
  tensor: 'all-reduce',
  data: 'all-reduce',
  'pipeline-forward': 'recv',
  'pipeline-backward': 'recv',
} as const

/** An accelerator at full clock. */
const CLOCK_HERTZ = 1.98e9
const [POWER_WATTS, IDLE_WATTS, TEMPERATURE] = [650, 120, 62] as const

export interface Told {
  readonly run: string
  readonly name: string
  readonly synthetic: string
  /** Unix seconds at which the fleet began. */
  readonly startedAt: number
}

const node = (fleet: Fleet, rank: number) => nodeName(fleet.layout.nodeOf[rank] ?? 0)
const local = (fleet: Fleet, rank: number) => rank % fleet.layout.shape.gpusPerNode

export function* announcement(fleet: Fleet, { run, name, synthetic, startedAt }: Told): Generator<WireRecord> {
  const { worldSize, shape, stageOf, dataOf, tensorOf, leafOf } = fleet.layout
  const { tensor, pipeline, data, microBatches } = shape
  const base = { time: startedAt, run }
  yield { kind: 'run', ...base, node: nodeName(0), name, synthetic, state: 'started' }
  yield {
    kind: 'config',
    ...base,
    framework: 'simulated',
    precision: 'bf16',
    parallelism: { tensor, pipeline, data, worldSize },
    batch: { micro: 1, global: microBatches * data },
  }
  for (let rank = 0; rank < worldSize; rank += 1) {
    const coordinates = { pp: stageOf[rank] ?? 0, dp: dataOf[rank] ?? 0, tp: tensorOf[rank] ?? 0 }
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
}

const uuid = (fleet: Fleet, rank: number) => `GPU-simulated-${node(fleet, rank)}-${local(fleet, rank)}`

export function* stepRecords(fleet: Fleet, step: FleetStep, { run, startedAt }: Told): Generator<WireRecord> {
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
    phases: {
      data: seconds(step.dataSeconds),
      forward: seconds(step.forwardSeconds),
      backward: seconds(step.backwardSeconds),
      communication: seconds(step.communicationSeconds),
    },
  }
}

/** A slow chip is one at a lower clock: `slowdown` by rank, 0.1 takes 10 % longer. A chip that waits draws little. */
export function* gpuRecords(
  fleet: Fleet,
  step: FleetStep,
  slowdown: (rank: number) => number,
  time: number,
): Generator<RecordOf<'gpu'>> {
  for (let rank = 0; rank < fleet.layout.worldSize; rank += 1) {
    const slow = slowdown(rank)
    const busy =
      ((step.forwardSeconds[rank] ?? 0) + (step.backwardSeconds[rank] ?? 0)) / (step.stepSeconds[rank] ?? NaN)
    yield {
      kind: 'gpu',
      time,
      node: node(fleet, rank),
      index: local(fleet, rank),
      uuid: uuid(fleet, rank),
      name: 'Simulated accelerator',
      vendor: 'simulated',
      source: 'simulate',
      utilizationRatio: 1,
      powerWatts: IDLE_WATTS + (POWER_WATTS - IDLE_WATTS) * Math.min(1, busy),
      temperatureCelsius: TEMPERATURE + (slow > 0 ? 24 : 0),
      smClockHertz: CLOCK_HERTZ / (1 + slow),
      smClockMaxHertz: CLOCK_HERTZ,
      ...(slow > 0 && { throttleReasons: ['sw-thermal'] }),
    }
  }
}
