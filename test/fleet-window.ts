/** A simulated fleet as a hub would see it: the last steps of all ranks and groups, as a detector’s window. */
import type { Coordinates, DetectorWindow, GroupFacts } from '../analysis/detector'
import { seededRandom } from '../base/random'
import type { Fleet, FleetStep } from '../cli/simulate/fleet'
import { cardName, leafName, nodeName, spineName, type Layout } from '../cli/simulate/layout'

export interface Seen {
  readonly hasTopology: boolean
  /** Share of the ranks from which nothing comes, and share of what comes that is lost. */
  readonly missing: number
  /** Ranks from which nothing comes, beside those. */
  readonly silent?: readonly number[] | undefined
  readonly lost: number
  readonly seed: number
}

export const ALL_SEEN: Seen = { hasTopology: true, missing: 0, lost: 0, seed: 1 }

/** As the hub looks at some thousands of ranks and fewer. */
const WINDOW_STEPS = 256
/** Unix seconds. */
export const STARTED_AT = 1_000

const phases = ['dataSeconds', 'forwardSeconds', 'backwardSeconds', 'communicationSeconds'] as const
type Column = 'step' | 'rank' | 'time' | 'stepSeconds' | (typeof phases)[number]

export class FleetWindow {
  readonly facts: readonly GroupFacts[]
  private readonly rows: Readonly<Record<Column, Float64Array>>
  /** By step of the ring and group. */
  private readonly transfers: Float64Array
  private readonly groupSteps: Float64Array
  /** By rank: nothing comes of it. */
  readonly isMissing: readonly boolean[]
  private readonly random: () => number
  /** By step of the ring: when it ended, and its length, as the hub makes them of the ranks that told. */
  private readonly jobSteps: Readonly<Record<'time' | 'stepSeconds', Float64Array>>
  private seconds = 0
  private steps = 0

  constructor(
    readonly fleet: Fleet,
    private readonly seen: Seen = ALL_SEEN,
    private readonly length = WINDOW_STEPS,
  ) {
    const { layout } = fleet
    this.random = seededRandom(seen.seed)
    this.isMissing = Array.from(
      { length: layout.worldSize },
      (_, rank) => this.random() < seen.missing || seen.silent?.includes(rank) === true,
    )
    this.groupSteps = new Float64Array(length).fill(NaN)
    this.jobSteps = { time: this.groupSteps.slice(), stepSeconds: this.groupSteps.slice() }
    const column = () => new Float64Array(length * layout.worldSize).fill(NaN)
    this.rows = {
      step: column(),
      rank: column(),
      time: column(),
      stepSeconds: column(),
      dataSeconds: column(),
      forwardSeconds: column(),
      backwardSeconds: column(),
      communicationSeconds: column(),
    }
    this.transfers = new Float64Array(length * layout.groups.length).fill(NaN)
    this.facts = layout.groups.map(({ name, purpose, ranks }, group) => ({
      name,
      operation: purpose,
      ranks: Array.from(ranks),
      bytes: fleet.groupBytes[group] ?? NaN,
    }))
  }

  push(step: FleetStep): void {
    const { worldSize } = this.fleet.layout
    const at = this.steps % this.length
    this.steps += 1
    this.seconds = step.end.reduce((last, one) => Math.max(last, one), 0)
    const isHere = this.isMissing.map(missing => !missing && !(this.seen.lost > 0 && this.random() < this.seen.lost))
    for (let rank = 0; rank < worldSize; rank += 1) {
      const row = at * worldSize + rank
      const isKnown = isHere[rank] === true
      this.rows.step[row] = isKnown ? step.step : NaN
      this.rows.rank[row] = rank
      this.rows.time[row] = STARTED_AT + (step.end[rank] ?? NaN)
      this.rows.stepSeconds[row] = step.stepSeconds[rank] ?? NaN
      for (const phase of phases) this.rows[phase][row] = step[phase][rank] ?? NaN
    }
    this.groupSteps[at] = step.step
    this.jobSteps.time[at] = STARTED_AT + this.seconds
    this.jobSteps.stepSeconds[at] = meanOf(step.stepSeconds, isHere)
    for (const [group, { ranks }] of this.fleet.layout.groups.entries()) {
      let least = Infinity
      // Only a group all of whose members told says what its transfer took.
      for (let position = 0; position < ranks.length; position += 1)
        least = isHere[ranks[position] ?? -1]
          ? Math.min(least, step.groupSeconds[(this.fleet.offsets[group] ?? 0) + position] ?? NaN)
          : NaN
      this.transfers[at * this.facts.length + group] = least
    }
  }

  window(): DetectorWindow {
    const { layout } = this.fleet
    const known = this.knownRows()
    const column = (name: Column) => {
      const all = this.rows[name]
      return known.map(row => all[row] ?? NaN)
    }
    return {
      run: 'run',
      now: STARTED_AT + this.seconds,
      events: [],
      config: configOf(layout),
      prediction: undefined,
      facts: {
        state: 'live',
        startedAt: STARTED_AT,
        endedAt: undefined,
        exitCode: undefined,
        worldSize: layout.worldSize,
      },
      steps: this.stepColumns(),
      ranks: {
        step: column('step'),
        rank: column('rank'),
        time: column('time'),
        stepSeconds: column('stepSeconds'),
        dataSeconds: column('dataSeconds'),
        forwardSeconds: column('forwardSeconds'),
        backwardSeconds: column('backwardSeconds'),
        communicationSeconds: column('communicationSeconds'),
        optimizerSeconds: new Float64Array(known.length).fill(NaN),
        tokens: new Float64Array(known.length).fill(NaN),
        memoryPeakBytes: new Float64Array(known.length).fill(NaN),
      },
      coordinates: new Map(Array.from({ length: layout.worldSize }, (_, rank) => [rank, coordinatesOf(layout, rank)])),
      places: new Map(
        Array.from({ length: layout.worldSize }, (_, rank) => [
          rank,
          { node: nodeName(layout.nodeOf[rank] ?? 0), local: rank % layout.shape.gpusPerNode },
        ]),
      ),
      topology: this.seen.hasTopology ? topologyOf(layout) : [],
      groups: this.groupColumns(),
    }
  }

  /** Ascending. */
  private stepColumns(): DetectorWindow['steps'] {
    const count = Math.min(this.steps, this.length)
    const inOrder = (ring: Float64Array) =>
      Float64Array.from({ length: count }, (_, index) => ring[(this.steps - count + index) % this.length] ?? NaN)
    const { time, stepSeconds } = this.jobSteps
    return { step: inOrder(this.groupSteps), time: inOrder(time), stepSeconds: inOrder(stepSeconds) }
  }

  /** Rank by rank, as the hub gives them. */
  private knownRows(): Float64Array {
    const { step } = this.rows
    const { worldSize } = this.fleet.layout
    const rows = new Float64Array(step.length)
    let count = 0
    for (let rank = 0; rank < worldSize; rank += 1)
      for (let row = rank; row < step.length; row += worldSize) if (!Number.isNaN(step[row])) rows[count++] = row
    return rows.subarray(0, count)
  }

  private groupColumns(): NonNullable<DetectorWindow['groups']> {
    const groups = this.facts.length
    const count = this.transfers.length
    const [group, step, seconds] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)]
    for (let number = 0; number < groups; number += 1)
      for (let at = 0; at < this.length; at += 1) {
        const row = number * this.length + at
        group[row] = number
        step[row] = this.groupSteps[at] ?? NaN
        seconds[row] = this.transfers[at * groups + number] ?? NaN
      }
    return { groups: this.facts, group, step, seconds }
  }
}

function meanOf(values: Float64Array, isIn: readonly boolean[]): number {
  let [sum, count] = [0, 0]
  for (const [index, value] of values.entries()) {
    if (isIn[index] !== true) continue
    sum += value
    count += 1
  }
  return sum / count
}

function coordinatesOf({ stageOf, dataOf, shape: { experts = 1 } }: Layout, rank: number): Coordinates {
  const data = dataOf[rank] ?? 0
  return { pipeline: stageOf[rank] ?? 0, data, expert: experts > 1 ? data % experts : undefined }
}

function configOf({ shape, worldSize }: Layout): NonNullable<DetectorWindow['config']> {
  const { tensor, pipeline, data, microBatches } = shape
  return {
    kind: 'config',
    time: 0,
    run: 'run',
    batch: { micro: 1, global: microBatches * data },
    parallelism: { tensor, pipeline, data, worldSize },
  }
}

function topologyOf(layout: Layout): NonNullable<DetectorWindow['topology']> {
  return [...cardCables(layout), ...spineCables(layout)]
}

function spineCables({ spineOf, shape }: Layout): NonNullable<DetectorWindow['topology']> {
  if (shape.leavesPerSpine === undefined) return []
  const cable = { kind: 'topology' as const, time: 0, tier: 'spine' }
  return Array.from(spineOf, (spine, leaf) => ({ ...cable, below: leafName(leaf), switch: spineName(spine) }))
}

function cardCables(layout: Layout): NonNullable<DetectorWindow['topology']> {
  return Array.from({ length: layout.worldSize }, (_, rank) => ({
    kind: 'topology' as const,
    time: 0,
    tier: 'leaf',
    node: nodeName(layout.nodeOf[rank] ?? 0),
    device: cardName(rank % layout.shape.gpusPerNode),
    switch: leafName(layout.leafOf[rank] ?? 0),
  }))
}
