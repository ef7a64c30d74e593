/**
 * A synchronous job, step by step: every rank computes, waits for those it works with, and sends. What ranks and their
 * collectives would have measured comes out; what was wrong goes in. The same seed gives the same noise with a fault and
 * without it, so that the difference of the two is what the fault costs.
 */
import { seededRandom } from '../../base/random'
import { sizeAt, type Fault } from './faults'
import { linksOf, type Group, type Layout, type Purpose } from './layout'
import { Noise, type NoiseLevel } from './noise'
import { pipelineTimes, PipelineSchedule } from '../../math/pipeline-schedule'

export interface FleetOptions {
  readonly layout: Layout
  readonly noise: NoiseLevel
  readonly faults: readonly Fault[]
  readonly seed: number
  /** Of one rank's forward and backward passes in a step. */
  readonly computeSeconds: number
  /** Of the purposes’ collectives in a step, relative to the compute, between nodes; within a node a fifth of it. */
  readonly transferRatio: Readonly<Record<Purpose, number>>
  /** What a transfer between leaves takes, relative to one within a leaf. */
  readonly crossLeafRatio: number
}

export const USUAL_TRANSFERS: Readonly<Record<Purpose, number>> = {
  tensor: 0.4,
  data: 0.08,
  'pipeline-forward': 0.02,
  'pipeline-backward': 0.02,
}

const FORWARD_SHARE = 1 / 3
const DATA_RATIO = 0.01
const OPTIMIZER_RATIO = 0.01
/** The last stage has the output layer as well. */
const LAST_STAGE_RATIO = 1.06
const WANDER_STEPS = 50
/** Of its usual compute, however uneven sequences are. */
const SHORTEST = 0.1
/** An all-reduce sends them nearly twice: three quarters of what a card of 400 Gbit/s carries. */
const BYTES_PER_SECOND = 2e10

/** Columns by rank, of one step; good until the next one. */
export interface FleetStep {
  readonly step: number
  /** When each rank is done with it, seconds from the start. */
  readonly end: Float64Array
  readonly stepSeconds: Float64Array
  readonly dataSeconds: Float64Array
  readonly forwardSeconds: Float64Array
  readonly backwardSeconds: Float64Array
  readonly communicationSeconds: Float64Array
  /** Seconds that each member of each group spent in its collectives: groups one after the other, ranks in their order. */
  readonly groupSeconds: Float64Array
}

export class Fleet {
  readonly layout: Layout
  /** Where each group’s members begin in `groupSeconds`. */
  readonly offsets: Int32Array
  /** Bytes of each group’s collectives in a step. */
  readonly groupBytes: Float64Array
  private readonly noise: Noise
  /** Its own, so that the rest of the noise is the same without the faults. */
  private readonly faultNoise: () => number
  private readonly chip: Float64Array
  private readonly wander: Float64Array
  private readonly linkFactor: Map<string, number>
  private readonly groupLinks: readonly (readonly string[])[]
  private readonly schedule: PipelineSchedule
  private readonly pipeline
  private readonly compute: Float64Array
  /** By stage, data and tensor index: when the ranks of a tensor group set off together, and how long a pass takes them. */
  private readonly unitBegin: Float64Array
  private readonly unitCompute: Float64Array
  private readonly transfers: Float64Array
  private readonly ready: Float64Array
  private readonly columns: FleetStep
  private step = 0

  constructor(private readonly options: FleetOptions) {
    const { layout, noise } = options
    const { worldSize, groups, shape } = layout
    this.layout = layout
    this.noise = new Noise(options.seed)
    this.faultNoise = seededRandom(options.seed + 1)
    const perRank = () => new Float64Array(worldSize)
    this.chip = perRank().map(() => Math.exp(noise.chip * this.noise.normal()))
    this.groupLinks = groups.map(group => linksOf(layout, group))
    this.linkFactor = new Map([...new Set(this.groupLinks.flat())].map(link => [link, this.linkOf()]))
    this.offsets = Int32Array.from(groups, () => 0)
    let members = 0
    for (const [index, { ranks }] of groups.entries()) {
      this.offsets[index] = members
      members += ranks.length
    }
    this.groupBytes = Float64Array.from(
      groups,
      group => BYTES_PER_SECOND * this.baseSeconds(group, this.groupLinks[groups.indexOf(group)] ?? []),
    )
    this.schedule = new PipelineSchedule(shape.pipeline, shape.microBatches)
    this.pipeline = pipelineTimes(shape.pipeline)
    ;[this.wander, this.compute, this.ready, this.transfers] = [
      perRank(),
      perRank(),
      perRank(),
      new Float64Array(groups.length),
    ]
    this.unitBegin = new Float64Array(shape.data * shape.pipeline)
    this.unitCompute = new Float64Array(shape.data * shape.pipeline)
    this.columns = {
      step: 0,
      end: perRank(),
      stepSeconds: perRank(),
      dataSeconds: perRank(),
      forwardSeconds: perRank(),
      backwardSeconds: perRank(),
      communicationSeconds: perRank(),
      groupSeconds: new Float64Array(members),
    }
  }

  private linkOf(): number {
    return Math.exp(this.options.noise.link * this.noise.normal())
  }

  private baseSeconds({ purpose }: Group, links: readonly string[]): number {
    const { computeSeconds, transferRatio, crossLeafRatio } = this.options
    const crossesLeaf = links.some(link => link.startsWith('uplink'))
    return computeSeconds * transferRatio[purpose] * (links.length === 0 ? 0.2 : crossesLeaf ? crossLeafRatio : 1)
  }

  next(): FleetStep {
    this.step += 1
    const sizes = this.options.faults.map(fault => sizeAt(fault, this.step, this.faultNoise))
    this.drawCompute(sizes)
    this.drawTransfers(sizes)
    const before = this.columns.end.slice()
    this.columns.communicationSeconds.fill(0)
    this.runTensor()
    this.runPipelines()
    this.runData()
    const { end, stepSeconds } = this.columns
    for (let rank = 0; rank < end.length; rank += 1) stepSeconds[rank] = (end[rank] ?? 0) - (before[rank] ?? 0)
    return { ...this.columns, step: this.step }
  }

  private drawCompute(sizes: readonly number[]): void {
    const { layout, noise, computeSeconds, faults } = this.options
    const { dataSeconds, forwardSeconds, backwardSeconds, end } = this.columns
    const keep = Math.exp(-1 / WANDER_STEPS)
    const last = layout.shape.pipeline - 1
    for (let rank = 0; rank < layout.worldSize; rank += 1) {
      const wander = keep * (this.wander[rank] ?? 0) + noise.wander * Math.sqrt(1 - keep * keep) * this.noise.normal()
      this.wander[rank] = wander
      const hiccup = this.noise.uniform()
      const late = hiccup < noise.hiccups ? noise.hiccup * -Math.log((hiccup + 1e-9) / noise.hiccups) : 0
      const stage = last > 0 && layout.stageOf[rank] === last ? LAST_STAGE_RATIO : 1
      const varies = Math.max(0.3, 1 + wander + noise.step * this.noise.normal() + late)
      this.compute[rank] = computeSeconds * stage * (this.chip[rank] ?? 1) * varies
      dataSeconds[rank] = computeSeconds * DATA_RATIO * Math.max(0.2, 1 + 0.2 * this.noise.normal())
    }
    for (const [index, fault] of faults.entries()) {
      const size = sizes[index] ?? 0
      if (fault.kind === 'skew' && size > 0) this.skew(size)
      for (const rank of fault.kind === 'link' || fault.kind === 'hang' ? [] : fault.ranks) {
        if (fault.kind === 'data') dataSeconds[rank] = (dataSeconds[rank] ?? 0) + size * computeSeconds
        else this.compute[rank] = (this.compute[rank] ?? 0) * (1 + size)
      }
    }
    for (let rank = 0; rank < layout.worldSize; rank += 1) {
      forwardSeconds[rank] = (this.compute[rank] ?? 0) * FORWARD_SHARE
      backwardSeconds[rank] = (this.compute[rank] ?? 0) * (1 - FORWARD_SHARE)
      this.ready[rank] = (end[rank] ?? 0) + (dataSeconds[rank] ?? 0)
    }
  }

  /**
   * Ranks of a replica share its sequences: what these take longer, all of them do, in both passes. What one replica has more
   * the others have less: a step’s tokens are as many as before.
   */
  private skew(size: number): void {
    const { dataOf, shape, worldSize } = this.layout
    const drawn = Float64Array.from({ length: shape.data }, () => -Math.log(1 - this.faultNoise()))
    const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length
    for (let rank = 0; rank < worldSize; rank += 1) {
      const longer = size * ((drawn[dataOf[rank] ?? 0] ?? mean) / mean - 1)
      this.compute[rank] = (this.compute[rank] ?? 0) * Math.max(SHORTEST, 1 + longer)
    }
  }

  private drawTransfers(sizes: readonly number[]): void {
    const { layout, noise, faults } = this.options
    const slowed = new Map<string, number>()
    for (const [index, fault] of faults.entries())
      for (const link of fault.links) slowed.set(link, (slowed.get(link) ?? 1) * (1 + (sizes[index] ?? 0)))
    for (const [index, group] of layout.groups.entries()) {
      const links = this.groupLinks[index] ?? []
      let factor = links.length === 0 ? 1 : 0
      for (const link of links) factor = Math.max(factor, (this.linkFactor.get(link) ?? 1) * (slowed.get(link) ?? 1))
      const varies = Math.max(0.5, 1 + noise.transfer * this.noise.normal())
      this.transfers[index] = this.baseSeconds(group, links) * factor * varies
    }
  }

  private spend(group: number, position: number, rank: number, seconds: number, blocks = seconds): void {
    this.columns.groupSeconds[(this.offsets[group] ?? 0) + position] = seconds
    const { communicationSeconds } = this.columns
    communicationSeconds[rank] = (communicationSeconds[rank] ?? 0) + blocks
  }

  /** Ranks of a tensor group go through every layer together. */
  private runTensor(): void {
    const { layout } = this.options
    const { tensor: T } = layout.shape
    for (let unit = 0; unit < this.unitBegin.length; unit += 1) {
      let [begin, compute] = [0, 0]
      for (let rank = unit * T; rank < (unit + 1) * T; rank += 1) {
        begin = Math.max(begin, this.ready[rank] ?? 0)
        compute = Math.max(compute, this.compute[rank] ?? 0)
      }
      const transfer = T > 1 ? (this.transfers[unit] ?? 0) : 0
      this.unitBegin[unit] = begin
      this.unitCompute[unit] = compute + transfer
      for (let position = 0; T > 1 && position < T; position += 1) {
        const rank = unit * T + position
        const wait = begin - (this.ready[rank] ?? 0) + compute - (this.compute[rank] ?? 0)
        this.spend(unit, position, rank, wait + transfer)
      }
    }
  }

  private runPipelines(): void {
    const { tensor: T, data: D, pipeline: P, microBatches: m } = this.options.layout.shape
    const { begin, forward, backward, send, sendBack, end, wait, waitBack } = this.pipeline
    const first = (T > 1 ? D * P : 0) + (D > 1 ? T * P : 0)
    const borders = (P - 1) * D * T
    const groupAt = (stage: number, data: number, tensor: number) => first + (stage * D + data) * T + tensor
    for (let data = 0; data < D; data += 1) {
      for (let stage = 0; stage < P; stage += 1) {
        const unit = stage * D + data
        begin[stage] = this.unitBegin[unit] ?? 0
        forward[stage] = ((this.unitCompute[unit] ?? 0) * FORWARD_SHARE) / m
        backward[stage] = ((this.unitCompute[unit] ?? 0) * (1 - FORWARD_SHARE)) / m
        let [out, back] = [0, 0]
        for (let tensor = 0; stage < P - 1 && tensor < T; tensor += 1) {
          out = Math.max(out, this.transfers[groupAt(stage, data, tensor)] ?? 0)
          back = Math.max(back, this.transfers[groupAt(stage, data, tensor) + borders] ?? 0)
        }
        send[stage] = out / m
        sendBack[stage] = back / m
      }
      this.schedule.run(this.pipeline)
      for (let stage = 0; stage < P; stage += 1)
        for (let tensor = 0; tensor < T; tensor += 1) {
          const rank = tensor + T * (data + D * stage)
          this.ready[rank] = end[stage] ?? 0
          const receive = (group: number, waited: number) => {
            const transfer = this.transfers[group] ?? 0
            this.columns.groupSeconds[this.offsets[group] ?? 0] = transfer
            this.spend(group, 1, rank, Math.max(waited, transfer), waited)
          }
          if (stage > 0) receive(groupAt(stage - 1, data, tensor), wait[stage] ?? 0)
          if (stage < P - 1) receive(groupAt(stage, data, tensor) + borders, waitBack[stage] ?? 0)
        }
    }
  }

  /** Gradients are summed over the replicas; then the optimizer. */
  private runData(): void {
    const { layout, computeSeconds } = this.options
    const { tensor: T, data: D, pipeline: P } = layout.shape
    const { end } = this.columns
    const optimizer = computeSeconds * OPTIMIZER_RATIO
    const first = T > 1 ? D * P : 0
    for (let rank = 0; rank < layout.worldSize; rank += 1) end[rank] = (this.ready[rank] ?? 0) + optimizer
    if (D <= 1) return
    for (let index = first; index < first + T * P; index += 1) {
      const { ranks } = layout.groups[index] ?? { ranks: new Int32Array() }
      let last = 0
      for (const rank of ranks) last = Math.max(last, this.ready[rank] ?? 0)
      const transfer = this.transfers[index] ?? 0
      for (const [position, rank] of ranks.entries()) {
        this.spend(index, position, rank, last - (this.ready[rank] ?? 0) + transfer)
        end[rank] = last + transfer + optimizer
      }
    }
  }
}
