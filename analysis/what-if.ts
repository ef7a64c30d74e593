/**
 * What a step would have taken, had ranks worked and links carried as others do. A step is replayed from what each rank
 * worked and each group transferred: a tensor group is as slow as its slowest rank, a pipeline runs its schedule, and the
 * replicas wait for the last of them. What is on top (the optimizer) stays as it is, so that the difference of two replays
 * is the difference of two steps.
 */
import { pipelineTimes, PipelineSchedule } from '../math/pipeline-schedule'
import type { GroupMatrix } from './group-matrix'
import { valueAt, type RankMatrix } from './rank-matrix'
import type { Plan } from './roles'
import type { SlowLink } from './slow-links'
import type { Straggler } from './stragglers'
import { Transfers } from './transfers'

/** What is slow together for one reason. */
export interface Cause {
  readonly ranks: readonly Straggler[]
  readonly link?: SlowLink | undefined
}

/** Loading data comes once a step, before all micro-batches; the rest of the work is divided among them. */
interface OwnTimes {
  readonly work: Float64Array
  readonly data: Float64Array
}

/** Forward 2PD of 6PD. */
const FORWARD_SHARE = 1 / 3

/** Replays a window. Work can be taken off and given back; only the pipelines that it touches are replayed anew. */
export class Replay {
  private readonly stages: number
  private readonly replicaOf: Int32Array
  private readonly stageOf: Int32Array
  /** Rank numbers of each replica. */
  private readonly members: readonly number[][]
  private readonly schedule: PipelineSchedule
  private readonly pipeline
  /** Of ranks of which something is taken off: by step, seconds. */
  private readonly changed = new Map<number, OwnTimes>()
  /** By stage and step, of the replica that is replayed: the longest of its ranks. */
  private readonly longest: OwnTimes
  /** By replica, stage and step: when it is done with its micro-batches. */
  private readonly ends: Float64Array
  private readonly transfers: Transfers

  /** Without a plan every rank is a replica of its own. */
  constructor(
    private readonly matrix: RankMatrix,
    plan: Plan | undefined,
    groups: GroupMatrix | undefined,
  ) {
    const { ranks, steps } = matrix
    const at = Array.from(ranks, rank => plan?.coordinates.get(rank) ?? { pipeline: 0, data: rank })
    this.stages = at.reduce((most, { pipeline }) => Math.max(most, pipeline + 1), 1)
    const replicas = [...new Set(at.map(({ data }) => data))]
    const number = new Map(replicas.map((data, index) => [data, index]))
    this.replicaOf = Int32Array.from(at, ({ data }) => number.get(data) ?? 0)
    this.stageOf = Int32Array.from(at, ({ pipeline }) => pipeline)
    this.members = replicas.map((): number[] => [])
    for (const [place, replica] of this.replicaOf.entries()) this.members[replica]?.push(place)
    // One stage alone takes all micro-batches as it takes one of them all.
    this.schedule = new PipelineSchedule(this.stages, this.stages === 1 ? 1 : Math.max(1, plan?.microBatches ?? 1))
    this.pipeline = pipelineTimes(this.stages)
    this.longest = {
      work: new Float64Array(this.stages * steps.length),
      data: new Float64Array(this.stages * steps.length),
    }
    this.ends = new Float64Array(replicas.length * this.stages * steps.length)
    const places = new Map(Array.from(ranks, (rank, place) => [rank, place]))
    const standing = (rank: number) => {
      const place = places.get(rank)
      if (place === undefined) return undefined
      return { replica: this.replicaOf[place] ?? 0, stage: this.stageOf[place] ?? 0 }
    }
    this.transfers = new Transfers(groups, standing, replicas.length, this.stages)
    for (const replica of replicas.keys()) this.run(replica)
  }

  /** Seconds by step; 0 where nothing is known of it. */
  times(): Float64Array {
    const { length } = this.matrix.steps
    const longest = new Float64Array(length)
    for (let first = 0; first < this.ends.length; first += length)
      for (let step = 0; step < length; step += 1) {
        const end = this.ends[first + step] ?? 0
        if (end > (longest[step] ?? 0)) longest[step] = end
      }
    this.transfers.addLast(this.ends, longest)
    return longest
  }

  /** `sign` 1 takes off, by cell, the seconds that each rank and each transfer takes longer; -1 gives them back. */
  change({ ranks, link }: Cause, sign: 1 | -1): void {
    for (const one of ranks) {
      const ofData = this.dataShareOf(one)
      const own = this.changed.get(one.place) ?? this.timesOf(one.place)
      this.changed.set(one.place, own)
      for (const [step, seconds] of this.surplusOf(one)) {
        const fromData = Math.min(seconds * ofData, this.dataAt(one.place * this.matrix.steps.length + step))
        own.data[step] = (own.data[step] ?? 0) - sign * fromData
        own.work[step] = (own.work[step] ?? NaN) - sign * (seconds - fromData)
      }
    }
    const touched = new Set(ranks.map(one => this.replicaOf[one.place] ?? 0))
    if (link !== undefined) for (const replica of this.transfers.change(link, sign)) touched.add(replica)
    for (const replica of touched) this.run(replica)
  }

  /** Its scatter stays where what it is slow by is the same in each step: to work as its peers do is not to be steadier. */
  private surplusOf(one: Straggler): (readonly [step: number, seconds: number])[] {
    const { steps, excess, work } = this.matrix
    return Array.from({ length: steps.length - one.from }, (_, index) => {
      const step = one.from + index
      const cell = one.place * steps.length + step
      const size = one.pattern === 'constant' ? one.excess : lateBy(one, excess[cell] ?? NaN)
      return [step, ((work[cell] ?? NaN) * size) / (1 + size)] as const
    }).filter(([, seconds]) => !Number.isNaN(seconds))
  }

  /** How much of what it works longer is loading data, from 0 to 1. */
  private dataShareOf(one: Straggler): number {
    const { steps, work, roles } = this.matrix
    const peers = roles.find(members => members.includes(one.place)) ?? new Int32Array()
    const over = (valueOf: (cell: number) => number) => {
      let [sum, count] = [0, 0]
      for (let step = one.from; step < steps.length; step += 1) {
        const values = Array.from(peers, peer => valueOf(peer * steps.length + step))
        const own = valueOf(one.place * steps.length + step)
        const others = values.filter((value, index) => peers[index] !== one.place && !Number.isNaN(value))
        if (Number.isNaN(own) || others.length === 0) continue
        others.sort((a, b) => a - b)
        sum += own - (others[others.length >> 1] ?? NaN)
        count += 1
        // A sample is enough to tell a loader from a processor.
        if (count === SHARE_STEPS) break
      }
      return sum / Math.max(1, count)
    }
    const all = over(cell => work[cell] ?? NaN)
    return all > 0 ? Math.min(1, Math.max(0, over(cell => valueAt(this.matrix, 'dataSeconds', cell)) / all)) : 0
  }

  private dataAt(cell: number): number {
    const data = valueAt(this.matrix, 'dataSeconds', cell)
    return Number.isFinite(data) ? data : 0
  }

  /** As they were seen. */
  private timesOf(place: number): OwnTimes {
    const { steps, work } = this.matrix
    const data = Float64Array.from(steps, (_, step) => this.dataAt(place * steps.length + step))
    return { data, work: data.map((own, step) => (work[place * steps.length + step] ?? NaN) - own) }
  }

  /** Into `longest`: a stage is as slow as the slowest of its ranks. */
  private gather(replica: number): void {
    const { length } = this.matrix.steps
    const { work, data } = this.longest
    work.fill(0)
    data.fill(0)
    for (const place of this.members[replica] ?? []) {
      const own = this.changed.get(place)
      const first = (this.stageOf[place] ?? 0) * length
      for (let step = 0; step < length; step += 1) {
        const cell = place * length + step
        const loads = own === undefined ? this.dataAt(cell) : (own.data[step] ?? 0)
        const works = own === undefined ? (this.matrix.work[cell] ?? NaN) - loads : (own.work[step] ?? NaN)
        if (works > (work[first + step] ?? 0)) work[first + step] = works
        if (loads > (data[first + step] ?? 0)) data[first + step] = loads
      }
    }
  }

  private run(replica: number): void {
    const { length } = this.matrix.steps
    const { begin, forward, backward, send, sendBack, end } = this.pipeline
    const m = this.schedule.microBatches
    this.gather(replica)
    for (let step = 0; step < length; step += 1) {
      for (let stage = 0; stage < this.stages; stage += 1) {
        const compute = this.longest.work[stage * length + step] ?? 0
        const microBatch = (compute + this.transfers.within(replica, stage, step)) / m
        begin[stage] = this.longest.data[stage * length + step] ?? 0
        forward[stage] = microBatch * FORWARD_SHARE
        backward[stage] = microBatch * (1 - FORWARD_SHARE)
        send[stage] = this.transfers.forward(replica, stage, step) / m
        sendBack[stage] = this.transfers.backward(replica, stage, step) / m
      }
      this.schedule.run(this.pipeline)
      for (let stage = 0; stage < this.stages; stage += 1)
        this.ends[(replica * this.stages + stage) * length + step] = end[stage] ?? 0
    }
  }
}

/** Of what comes and goes the steps in which it is there: what scatters about its peers in the others is no cost. */
function lateBy({ pattern, threshold }: Straggler, excess: number): number {
  return pattern === 'intermittent' && excess <= threshold ? 0 : Math.max(0, excess)
}

/** Steps from which the place of the surplus is told. */
const SHARE_STEPS = 16

export interface Cost {
  /** Seconds per step from its first step on, were all other causes gone: what it would hold back alone. */
  readonly alone: number
  /** Its share of what all of them cost together: these add up. */
  readonly share: number
}

/**
 * What each cause costs. Where several hold back the same step, mending one of them gains little and mending all gains much:
 * what they cost together is divided as they would cost alone.
 */
export function costsOf(
  matrix: RankMatrix,
  plan: Plan | undefined,
  groups: GroupMatrix | undefined,
  causes: readonly Cause[],
): Cost[] {
  if (causes.length === 0) return []
  const replay = new Replay(matrix, plan, groups)
  const before = replay.times()
  for (const cause of causes) replay.change(cause, 1)
  const well = replay.times()
  const costs = causes.map(cause => {
    replay.change(cause, -1)
    const alone = meanFrom(firstStepOf(cause), replay.times(), well)
    replay.change(cause, 1)
    return { alone, together: meanFrom(firstStepOf(cause), before, well) }
  })
  const sum = costs.reduce((total, { alone }) => total + Math.max(0, alone), 0)
  return costs.map(({ alone, together }) => ({
    alone,
    share: sum > 0 ? (together * Math.max(0, alone)) / sum : 0,
  }))
}

const firstStepOf = ({ ranks, link }: Cause) => Math.min(...ranks.map(({ from }) => from), link?.slow.from ?? Infinity)

function meanFrom(from: number, one: Float64Array, other: Float64Array): number {
  let sum = 0
  for (let step = from; step < one.length; step += 1) sum += (one[step] ?? 0) - (other[step] ?? 0)
  return sum / Math.max(1, one.length - from)
}
