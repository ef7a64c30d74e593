/**
 * Steps replayed from what each rank worked and each group transferred: a tensor group is as slow as its slowest rank, a
 * pipeline runs its schedule, and replicas wait for each other where they sum up gradients. Each rank runs its optimizer and
 * loads its next data when its own groups are done: who is early there may take longer at the next beginning and hold
 * nobody back. What is in no phase is left out, so that the difference of two replays is the difference of two runs.
 */
import { pipelineTimes, PipelineSchedule } from '../math/pipeline-schedule'
import type { GroupMatrix } from './group-matrix'
import type { RankMatrix } from './rank-matrix'
import type { Plan } from './roles'
import { carried, finiteOr0, greatest } from './statistics'
import type { SlowLink } from './slow-links'
import { isSteady, type Straggler } from './straggler'
import { Transfers } from './transfers'
import { fillUnknown } from './units'

/** What is slow together for one reason. */
export interface Cause {
  readonly ranks: readonly Straggler[]
  readonly link?: SlowLink | undefined
}

/** By step, seconds. The passes are divided among the micro-batches; data and the optimizer come once, before all of them. */
interface OwnTimes {
  readonly passes: Float64Array
  readonly once: Float64Array
}

/** Forward 2PD of 6PD. */
const FORWARD_SHARE = 1 / 3
/** Steps from which the place of the surplus is told. */
const SHARE_STEPS = 16

/** Replays a window. What is slow can be taken off and given back. */
export class Replay {
  private readonly stages: number
  private readonly replicas: number
  /** By place: first the ranks of the matrix, by their numbers; then those that tell nothing of themselves. */
  private readonly unitOf: Int32Array
  /** Places of each unit. */
  private readonly members: readonly number[][]
  private readonly schedule: PipelineSchedule
  private readonly pipeline
  /** Of ranks of which something is taken off. */
  private readonly changed = new Map<number, OwnTimes>()
  /** By unit and step: the longest of its ranks. */
  private readonly passes: Float64Array
  /** By place and step. */
  private readonly once: Float32Array
  /** By unit and step: what the rank that waited least in its unit’s groups waited all the same. */
  private readonly waits: Float32Array
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
    const number = new Map([...new Set(at.map(({ data }) => data))].map((data, index) => [data, index]))
    this.replicas = number.size
    const placeOf = new Map(Array.from(ranks, (rank, place) => [rank, place]))
    // A rank that tells nothing of itself is in the groups of the others all the same.
    for (const [rank, one] of plan?.coordinates ?? []) {
      if (placeOf.has(rank) || !number.has(one.data) || one.pipeline >= this.stages) continue
      placeOf.set(rank, at.length)
      at.push(one)
    }
    this.unitOf = Int32Array.from(at, ({ data, pipeline }) => (number.get(data) ?? 0) * this.stages + pipeline)
    this.members = Array.from({ length: this.replicas * this.stages }, (): number[] => [])
    for (const [place, unit] of this.unitOf.entries()) this.members[unit]?.push(place)
    // One stage alone takes all micro-batches as it takes one of them all.
    this.schedule = new PipelineSchedule(this.stages, this.stages === 1 ? 1 : Math.max(1, plan?.microBatches ?? 1))
    this.pipeline = pipelineTimes(this.stages)
    this.passes = new Float64Array(this.members.length * steps.length)
    this.once = new Float32Array(at.length * steps.length)
    this.waits = new Float32Array(this.passes.length)
    this.transfers = new Transfers(groups, placeOf, this.unitOf, this.members.length, this.stages)
    for (const unit of this.members.keys()) this.gather(unit)
    const isKnown = this.members.map(members => members.some(place => place < ranks.length))
    fillUnknown(this.passes, isKnown, this.stages)
  }

  /**
   * Seconds by step as it was, before anything is changed; 0 where nothing is known of it. A group’s transfer is what its
   * least waiting member spent, and that one may have come last to one collective and early to others: what it waited there
   * is learnt, by when each rank began and how long it worked.
   */
  seen(): Float64Array {
    return this.play((step, ready, begins) => this.learn(step, ready, begins))
  }

  /** Seconds by step as it is changed now. */
  times(): Float64Array {
    return this.play(() => undefined)
  }

  /** `before` each step it is told when each rank is ready for it, and when each unit begins. */
  private play(before: (step: number, ready: Float64Array, begins: Float64Array) => void): Float64Array {
    const { length } = this.matrix.steps
    const [begins, ends] = [new Float64Array(this.members.length), new Float64Array(this.members.length)]
    const ready = new Float64Array(this.unitOf.length)
    const seconds = new Float64Array(length)
    let end = 0
    for (let step = 0; step < length; step += 1) {
      this.load(step, ready, begins)
      before(step, ready, begins)
      for (let replica = 0; replica < this.replicas; replica += 1) this.run(replica, step, begins, ends)
      this.transfers.finish(step, ends, ready)
      const last = greatest(ready)
      seconds[step] = last - end
      end = last
    }
    return seconds
  }

  /** Before anything is taken off: what nobody told of is held to suffer from the cause as well. */
  suppose({ link }: Cause): void {
    if (link !== undefined) this.transfers.suppose(link)
  }

  /** `sign` 1 takes off, by cell, the seconds that each rank and each transfer takes longer; -1 gives them back. */
  change({ ranks, link }: Cause, sign: 1 | -1): void {
    for (const one of ranks) {
      const own = this.changed.get(one.place) ?? this.timesOf(one.place)
      this.changed.set(one.place, own)
      const onceShare = this.onceShareOf(one)
      for (const [step, seconds] of this.surplusOf(one).entries()) {
        own.once[step] = (own.once[step] ?? 0) - sign * seconds * onceShare
        own.passes[step] = (own.passes[step] ?? 0) - sign * seconds * (1 - onceShare)
      }
    }
    for (const unit of new Set(ranks.map(one => this.unitOf[one.place] ?? 0))) this.gather(unit)
    if (link !== undefined) this.transfers.change(link, sign)
  }

  /** Each unit works so many times as long; `factorOf` the place of one of its ranks, by step. */
  scale(factorOf: (place: number, step: number) => number): void {
    const { ranks, steps } = this.matrix
    for (const [unit, members] of this.members.entries()) {
      const place = members.find(one => one < ranks.length)
      if (place === undefined) continue
      for (let step = 0; step < steps.length; step += 1) {
        const cell = unit * steps.length + step
        this.passes[cell] = (this.passes[cell] ?? 0) * factorOf(place, step)
      }
    }
  }

  /** By step. Its scatter stays where what it is slow by is the same in each: to work as its peers do is not to be steadier. */
  private surplusOf(one: Straggler): Float64Array {
    const excess = this.ownOf(one.place, cell => this.matrix.excess[cell] ?? NaN)
    const work = this.ownOf(one.place, cell => this.matrix.work[cell] ?? NaN)
    return work.map((seconds, step) => {
      if (step < one.from || step >= (one.to ?? Infinity)) return 0
      const size = isSteady(one) ? one.excess : lateBy(one, excess[step] ?? NaN)
      return (seconds * size) / (1 + size)
    })
  }

  /** How much of what it works longer comes once a step, from 0 to 1. */
  private onceShareOf(one: Straggler): number {
    const { steps, work, roles, roleOf } = this.matrix
    const peers = roles[roleOf[one.place] ?? -1]?.peers ?? new Int32Array()
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
    return all > 0 ? Math.min(1, Math.max(0, over(cell => this.onceAt(cell)) / all)) : 0
  }

  private onceAt(cell: number): number {
    const row = this.matrix.rows[cell] ?? -1
    const { dataSeconds, optimizerSeconds } = this.matrix.columns
    return finiteOr0(dataSeconds[row]) + finiteOr0(optimizerSeconds[row])
  }

  /** By step; where nothing is known of one, as in the one before. */
  private ownOf(place: number, valueOf: (cell: number) => number): Float64Array {
    const { length } = this.matrix.steps
    return carried(Float64Array.from({ length }, (_, step) => valueOf(place * length + step)))
  }

  /** As they were seen. */
  private timesOf(place: number): OwnTimes {
    const { work } = this.matrix
    const onceIn = (cell: number) => (Number.isNaN(work[cell]) ? NaN : this.onceAt(cell))
    const once = this.ownOf(place, onceIn)
    return { once, passes: this.ownOf(place, cell => (work[cell] ?? NaN) - onceIn(cell)) }
  }

  /** A unit works as long as the slowest of its ranks; a rank that tells nothing is no slower than the others. */
  private gather(unit: number): void {
    const { ranks, steps } = this.matrix
    const { length } = steps
    const { passes, once } = this
    const first = unit * length
    passes.fill(0, first, first + length)
    const members = this.members[unit] ?? []
    for (let member = 0; member < members.length; member += 1) {
      const place = members[member] ?? 0
      if (place >= ranks.length) continue
      const own = this.changed.get(place)
      let inPasses = 0
      let atOnce = 0
      for (let step = 0; step < length; step += 1) {
        const cell = place * length + step
        const seen = this.matrix.work[cell] ?? NaN
        if (own !== undefined) {
          inPasses = own.passes[step] ?? 0
          atOnce = own.once[step] ?? 0
        } else if (!Number.isNaN(seen)) {
          atOnce = this.onceAt(cell)
          inPasses = seen - atOnce
        }
        if (inPasses > (passes[first + step] ?? 0)) passes[first + step] = inPasses
        once[cell] = atOnce
      }
    }
  }

  /** Into `begins`, by unit: when the last of its ranks has its data; each begins to when it is `ready` itself. */
  private load(step: number, ready: Float64Array, begins: Float64Array): void {
    const { once, unitOf } = this
    const { length } = this.matrix.steps
    begins.fill(0)
    for (let place = 0; place < unitOf.length; place += 1) {
      const unit = unitOf[place] ?? 0
      const loaded = (ready[place] ?? 0) + (once[place * length + step] ?? 0)
      if (loaded > (begins[unit] ?? 0)) begins[unit] = loaded
    }
  }

  /** A unit whose groups do not tell of this step is as in the one before; one whose groups never do, as the others of its stage. */
  private learn(step: number, ready: Float64Array, begins: Float64Array): void {
    const { length } = this.matrix.steps
    const { waits, transfers } = this
    for (let unit = 0; unit < this.members.length; unit += 1) {
      const cell = unit * length + step
      if (transfers.isTold(unit, step)) waits[cell] = this.leastWait(unit, step, ready, begins[unit] ?? 0)
      else if (step > 0) waits[cell] = waits[cell - 1] ?? 0
    }
    fillUnknown(waits, transfers.knownWithin, this.stages, step, step + 1)
  }

  private leastWait(unit: number, step: number, ready: Float64Array, begin: number): number {
    const { steps, work, ranks } = this.matrix
    const { length } = steps
    const done = begin + (this.passes[unit * length + step] ?? 0)
    const members = this.members[unit] ?? []
    let least = Infinity
    for (let member = 0; member < members.length; member += 1) {
      const place = members[member] ?? 0
      // What it loaded and what it computed are its work.
      const own = place < ranks.length ? (work[place * length + step] ?? NaN) : NaN
      const waited = done - (ready[place] ?? 0) - own
      if (waited < least) least = waited
    }
    return Number.isFinite(least) ? least : 0
  }

  /** Of one step: from when its units begin to when they are done with their micro-batches, `ends`. */
  private run(replica: number, step: number, begins: Float64Array, ends: Float64Array): void {
    const { length } = this.matrix.steps
    const { begin, forward, backward, send, sendBack, end } = this.pipeline
    const m = this.schedule.microBatches
    const first = replica * this.stages
    for (let stage = 0; stage < this.stages; stage += 1) {
      const unit = first + stage
      const compute = this.passes[unit * length + step] ?? 0
      const transfer = Math.max(0, this.transfers.within(unit, step) - (this.waits[unit * length + step] ?? 0))
      const microBatch = (compute + transfer) / m
      begin[stage] = begins[unit] ?? 0
      forward[stage] = microBatch * FORWARD_SHARE
      backward[stage] = microBatch * (1 - FORWARD_SHARE)
      send[stage] = this.transfers.forward(unit, step) / m
      sendBack[stage] = this.transfers.backward(unit, step) / m
    }
    this.schedule.run(this.pipeline)
    for (let stage = 0; stage < this.stages; stage += 1) ends[first + stage] = end[stage] ?? 0
  }
}

/** Of what comes and goes the steps in which it is there: what scatters about its peers in the others is no cost. */
function lateBy({ pattern, threshold }: Straggler, excess: number): number {
  return pattern === 'intermittent' && excess <= threshold ? 0 : Math.max(0, excess)
}
