/** Where in a step each group’s transfer comes: within a stage’s micro-batches, between two stages, or after all of them. */
import { grouped } from '../base/grouped'
import { Union } from '../base/union'
import type { GroupMatrix } from './group-matrix'
import type { SlowLink } from './slow-links'
import { carried, greatest, median, medianOf } from './statistics'
import { isSteady } from './straggler'
import { fillUnknown } from './units'

/** Groups that transfer side by side, the slowest deciding. */
interface Abreast {
  readonly groups: number[]
  /** By step, seconds. */
  readonly longest: Float64Array
}

/** A group that comes after all micro-batches. */
interface Last {
  /** Places of its ranks. */
  readonly ranks: Int32Array
  /** By step. */
  readonly seconds: Float64Array
}

/**
 * Seconds. A step in which a group is not known takes it as long as the one before, and a unit of whose groups nothing is
 * known takes as long as the others of its stage.
 */
export class Transfers {
  private readonly length: number
  /** Of the last groups, and of those of which something is taken off: by step. */
  private readonly own = new Map<number, Float64Array>()
  /** By class: the median of its groups. Of groups of which nothing is known, what a slow link is held to make them longer by. */
  private readonly middles = new Map<string | undefined, Float64Array>()
  private readonly supposed = new Map<number, number>()
  /** By unit; of messages, the one before the border. */
  private readonly inner: readonly Abreast[]
  /** By unit: whether anything is known of its own groups. */
  readonly knownWithin: readonly boolean[]
  private readonly sends: readonly Abreast[]
  private readonly sendsBack: readonly Abreast[]
  private readonly placeOf = new Map<number, Abreast>()
  /** Those of one stage, which sum up its gradients; then those of several, which want the sums. */
  private readonly last: readonly [Last[], Last[]] = [[], []]
  /** By place: when a rank comes to the groups that are looked at. */
  private readonly begins: Float64Array
  /** The last groups let no replica go ahead of the others. */
  private readonly isJoined: boolean

  /** `placeOf` the ranks that there are, and by place the unit of each. */
  constructor(
    private readonly groups: GroupMatrix | undefined,
    placeOf: ReadonlyMap<number, number>,
    private readonly unitOf: Int32Array,
    units: number,
    private readonly stages: number,
  ) {
    this.length = groups?.steps.length ?? 0
    this.begins = new Float64Array(unitOf.length)
    const all = [0, 1, 2].map(() => new Float64Array(units * this.length))
    const [inner = [], sends = [], sendsBack = []] = all.map(column =>
      Array.from({ length: units }, (_, unit): Abreast => {
        return { groups: [], longest: column.subarray(unit * this.length, (unit + 1) * this.length) }
      }),
    )
    ;[this.inner, this.sends, this.sendsBack] = [inner, sends, sendsBack]
    const at: number[] = []
    for (const [group, { ranks }] of (groups?.groups ?? []).entries()) {
      at.length = 0
      for (const rank of ranks) at.push(placeOf.get(rank) ?? -1)
      if (!at.includes(-1)) this.place(group, at)
    }
    for (const place of new Set(this.placeOf.values())) this.measure(place)
    const isKnown = (abreast: readonly Abreast[]) => abreast.map(({ groups }) => groups.length > 0)
    this.knownWithin = isKnown(inner)
    for (const [index, abreast] of [inner, sends, sendsBack].entries())
      fillUnknown(all[index] ?? new Float64Array(), isKnown(abreast), stages)
    this.isJoined = areJoined(
      units / stages,
      this.last.flat().map(({ ranks }) => ranks.map(place => this.replicaOf(this.unitOf[place] ?? 0))),
    )
  }

  private isKnown(group: number): boolean {
    for (let cell = group * this.length; cell < (group + 1) * this.length; cell += 1)
      if (!Number.isNaN(this.groups?.seconds[cell])) return true
    return false
  }

  private replicaOf(unit: number): number {
    return Math.floor(unit / this.stages)
  }

  /** `at`: the place of each member. */
  private place(group: number, at: readonly number[]): void {
    if (at.length < 2) return
    const units = at.map(place => this.unitOf[place] ?? 0)
    const abreast = this.abreastOf(units)
    if (abreast !== undefined) {
      if (!this.isKnown(group)) return
      abreast.groups.push(group)
      this.placeOf.set(group, abreast)
      return
    }
    const isOneStage = units.every(unit => unit % this.stages === (units[0] ?? 0) % this.stages)
    this.last[isOneStage ? 0 : 1].push({ ranks: Int32Array.from(at), seconds: this.ownOf(group) })
  }

  /** `at`: the unit of each member. Undefined where it is of several replicas, or of stages that are no neighbours. */
  private abreastOf(at: readonly number[]): Abreast | undefined {
    const first = at[0] ?? 0
    const second = at[1] ?? 0
    let isOneUnit = true
    for (let member = 1; member < at.length; member += 1) {
      const unit = at[member] ?? 0
      if (this.replicaOf(unit) !== this.replicaOf(first)) return undefined
      isOneUnit &&= unit === first
    }
    if (isOneUnit) return this.inner[first]
    return second === first + 1 ? this.sends[first] : second === first - 1 ? this.sendsBack[second] : undefined
  }

  /** By step, a copy; of a group of which nothing is known, as the middle one of those that are alike. */
  private seenOf(group: number): Float64Array {
    const first = group * this.length
    if (this.isKnown(group))
      return carried(Float64Array.from(this.groups?.seconds.subarray(first, first + this.length) ?? []))
    const supposed = this.supposed.get(group) ?? 0
    return this.middleOf(this.groups?.classes[group]).map(seconds => seconds * (1 + supposed))
  }

  private middleOf(kind: string | undefined): Float64Array {
    const before = this.middles.get(kind)
    if (before !== undefined) return before
    const members = [...(this.groups?.classes.keys() ?? [])].filter(
      group => kind !== undefined && this.groups?.classes[group] === kind && this.isKnown(group),
    )
    const middle = Float64Array.from({ length: this.length }, (_, step) =>
      median(members.map(group => this.groups?.seconds[group * this.length + step] ?? NaN)),
    )
    this.middles.set(kind, carried(middle))
    return middle
  }

  /** The group’s steps, which may be changed. */
  private ownOf(group: number): Float64Array {
    const before = this.own.get(group)
    if (before !== undefined) return before
    const own = this.seenOf(group)
    this.own.set(group, own)
    return own
  }

  /** Groups of which nothing is known are held to suffer from a slow link as the others that cross it. */
  suppose(link: SlowLink): void {
    if (this.groups === undefined) return
    const sizeOf = sizes(this.groups, link)
    for (const group of link.groups) {
      const own = this.own.get(group)
      if (own === undefined || this.isKnown(group)) continue
      this.supposed.set(group, sizeOf(group))
      const seen = this.seenOf(group)
      own.set(seen.subarray(link.slow.from, link.slow.to), link.slow.from)
    }
  }

  private measure({ groups, longest }: Abreast): void {
    longest.fill(0)
    for (const group of groups) {
      const own = this.own.get(group)
      const column: ArrayLike<number> = own ?? this.groups?.seconds ?? []
      const first = own === undefined ? group * this.length : 0
      let seconds = 0
      for (let step = 0; step < this.length; step += 1) {
        const value = column[first + step] ?? NaN
        if (!Number.isNaN(value)) seconds = value
        if (seconds > (longest[step] ?? 0)) longest[step] = seconds
      }
    }
  }

  /** Whether groups within the unit tell of this step. */
  isTold(unit: number, step: number): boolean {
    const { groups = [] } = this.inner[unit] ?? {}
    for (const group of groups) if (!Number.isNaN(this.groups?.seconds[group * this.length + step])) return true
    return false
  }

  within(unit: number, step: number): number {
    return this.inner[unit]?.longest[step] ?? 0
  }

  /** To the stage behind. */
  forward(unit: number, step: number): number {
    return this.sends[unit]?.longest[step] ?? 0
  }

  /** From the stage behind. */
  backward(unit: number, step: number): number {
    return this.sendsBack[unit]?.longest[step] ?? 0
  }

  /** Into `ready`, by rank: when it may go on to the next step, where its unit was done with its micro-batches at `ends`. */
  finish(step: number, ends: Float64Array, ready: Float64Array): void {
    const { unitOf, begins } = this
    for (let place = 0; place < ready.length; place += 1) ready[place] = ends[unitOf[place] ?? 0] ?? 0
    for (const groups of this.last) {
      if (groups.length === 0) continue
      begins.set(ready)
      for (const { ranks, seconds } of groups) {
        let end = 0
        for (let member = 0; member < ranks.length; member += 1) {
          const begin = begins[ranks[member] ?? 0] ?? 0
          if (begin > end) end = begin
        }
        end += seconds[step] ?? 0
        for (let member = 0; member < ranks.length; member += 1) {
          const place = ranks[member] ?? 0
          if (end > (ready[place] ?? 0)) ready[place] = end
        }
      }
    }
    if (!this.isJoined) ready.fill(greatest(ready))
  }

  /** `sign` 1 takes off what the groups of a slow link take longer, -1 gives it back. */
  change(link: SlowLink, sign: 1 | -1): void {
    if (this.groups === undefined) return
    const { slow } = link
    const sizeOf = sizes(this.groups, link)
    const touched = new Set<Abreast>()
    for (const group of link.groups) {
      const first = group * this.length
      const excess = carried(this.groups.excess.slice(first, first + this.length))
      const seen = this.seenOf(group)
      const own = this.ownOf(group)
      for (let step = slow.from; step < (slow.to ?? this.length); step += 1) {
        const size = isSteady(slow) ? sizeOf(group) : Math.max(0, excess[step] ?? 0)
        own[step] = (own[step] ?? 0) - (sign * (seen[step] ?? 0) * size) / (1 + size)
      }
      const place = this.placeOf.get(group)
      if (place !== undefined) touched.add(place)
    }
    for (const place of touched) this.measure(place)
  }
}

/** Steps without which one's past says nothing. */
const LEAST_BEFORE = 8

/**
 * By group, how much longer a slow link makes it take: the median of those of its class. A ring that crosses many cables is
 * as slow as the slowest of them was before, and a message over two of them suffers more.
 */
function sizes({ classes, excess, steps: { length } }: GroupMatrix, { slow, groups }: SlowLink) {
  const rise = (group: number) => {
    const first = group * length
    const since = medianOf(excess, first + slow.from, first + (slow.to ?? length))
    return slow.from < LEAST_BEFORE ? since : since - medianOf(excess, first, first + slow.from)
  }
  const byClass = new Map(
    [...grouped(groups, group => classes[group])].map(([name, own]) => [name, median(own.map(rise))]),
  )
  return (group: number): number => {
    const size = byClass.get(classes[group]) ?? NaN
    return Number.isNaN(size) ? slow.excess : Math.max(0, size)
  }
}

/** Whether groups of so many numbers hang together, each with every other. */
function areJoined(count: number, groups: readonly Int32Array[]): boolean {
  const union = new Union(count)
  for (const members of groups) for (const other of members) union.join(other, members[0] ?? 0)
  return Array.from({ length: count }, (_, number) => union.root(number)).every(root => root === union.root(0))
}
