/** Where in a step each group’s transfer comes: within a stage’s micro-batches, between two stages, or after all of them. */
import type { GroupMatrix } from './group-matrix'
import type { SlowLink } from './slow-links'
import { medianOf } from './statistics'

interface Standing {
  readonly replica: number
  readonly stage: number
}

/** Groups that transfer side by side, the slowest deciding. */
interface Abreast {
  readonly replica: number
  readonly groups: number[]
  /** By step, seconds. */
  readonly longest: Float64Array
}

/** Seconds, of groups whose ranks all stand somewhere. A step in which a group is not known takes as long as its others. */
export class Transfers {
  private readonly length: number
  /** Of groups of which something is taken off: by step, seconds. */
  private readonly changed = new Map<number, Float64Array>()
  /** By replica and stage; of messages, the stage before the border. */
  private readonly units: readonly Abreast[]
  private readonly sends: readonly Abreast[]
  private readonly sendsBack: readonly Abreast[]
  private readonly placeOf = new Map<number, Abreast>()
  /** Groups of several replicas, with the places of their members among replicas and stages. */
  private readonly last: { readonly group: number; readonly members: readonly number[] }[] = []

  constructor(
    private readonly groups: GroupMatrix | undefined,
    standing: (rank: number) => Standing | undefined,
    replicas: number,
    private readonly stages: number,
  ) {
    const length = groups?.steps.length ?? 0
    this.length = length
    const places = () => {
      const all = new Float64Array(replicas * stages * length)
      return Array.from({ length: replicas * stages }, (_, place): Abreast => {
        const longest = all.subarray(place * length, (place + 1) * length)
        return { replica: Math.floor(place / stages), groups: [], longest }
      })
    }
    ;[this.units, this.sends, this.sendsBack] = [places(), places(), places()]
    for (const [group, { ranks }] of (groups?.groups ?? []).entries()) {
      const at = ranks.flatMap(rank => standing(rank) ?? [])
      if (at.length === ranks.length && this.isKnown(group)) this.place(group, at)
    }
    for (const place of new Set(this.placeOf.values())) this.measure(place)
  }

  private isKnown(group: number): boolean {
    for (let cell = group * this.length; cell < (group + 1) * this.length; cell += 1)
      if (!Number.isNaN(this.groups?.seconds[cell])) return true
    return false
  }

  private place(group: number, at: readonly Standing[]): void {
    const [first, second] = at
    if (first === undefined || second === undefined) return
    const isOneReplica = at.every(({ replica }) => replica === first.replica)
    const unit = ({ replica, stage }: Standing) => replica * this.stages + stage
    const abreast = !isOneReplica
      ? undefined
      : at.every(({ stage }) => stage === first.stage)
        ? this.units[unit(first)]
        : second.stage === first.stage + 1
          ? this.sends[unit(first)]
          : second.stage === first.stage - 1
            ? this.sendsBack[unit(second)]
            : undefined
    if (abreast === undefined) this.last.push({ group, members: [...new Set(at.map(unit))] })
    else {
      abreast.groups.push(group)
      this.placeOf.set(group, abreast)
    }
  }

  private measure({ groups, longest }: Abreast): void {
    longest.fill(0)
    for (const group of groups) {
      const { column, first } = this.secondsOf(group)
      const usual = this.usualOf(group)
      for (let step = 0; step < this.length; step += 1) {
        const value = column[first + step] ?? NaN
        const seconds = Number.isNaN(value) ? usual() : value
        if (seconds > (longest[step] ?? 0)) longest[step] = seconds
      }
    }
  }

  /** Where the group’s steps stand, from `first` on. */
  private secondsOf(group: number): { readonly column: Float64Array; readonly first: number } {
    const own = this.changed.get(group)
    if (own !== undefined) return { column: own, first: 0 }
    return { column: this.groups?.seconds ?? new Float64Array(), first: group * this.length }
  }

  /** The median of its steps, found when it is first asked for: most groups are known in all. */
  private usualOf(group: number): () => number {
    let usual: number | undefined
    return () =>
      (usual ??= medianOf(this.groups?.seconds ?? new Float64Array(), group * this.length, (group + 1) * this.length))
  }

  within(replica: number, stage: number, step: number): number {
    return this.units[replica * this.stages + stage]?.longest[step] ?? 0
  }

  /** To the stage behind. */
  forward(replica: number, stage: number, step: number): number {
    return this.sends[replica * this.stages + stage]?.longest[step] ?? 0
  }

  /** From the stage behind. */
  backward(replica: number, stage: number, step: number): number {
    return this.sendsBack[replica * this.stages + stage]?.longest[step] ?? 0
  }

  /** Raises `longest`, by step, to the end of the groups that come after all micro-batches; `ends` by member and step. */
  addLast(ends: Float64Array, longest: Float64Array): void {
    const begin = new Float64Array(this.length)
    for (const { group, members } of this.last) {
      begin.fill(0)
      for (const member of members)
        for (let step = 0; step < this.length; step += 1) {
          const end = ends[member * this.length + step] ?? 0
          if (end > (begin[step] ?? 0)) begin[step] = end
        }
      const { column, first } = this.secondsOf(group)
      const usual = this.usualOf(group)
      for (let step = 0; step < this.length; step += 1) {
        const value = column[first + step] ?? NaN
        const end = (begin[step] ?? 0) + (Number.isNaN(value) ? usual() : value)
        if ((begin[step] ?? 0) > 0 && end > (longest[step] ?? 0)) longest[step] = end
      }
    }
  }

  /** `sign` 1 takes off what the groups of a slow link take longer, -1 gives it back. Replicas that it touches. */
  change({ slow, groups: numbers }: SlowLink, sign: 1 | -1): Set<number> {
    if (this.groups === undefined) return new Set()
    const { excess, seconds } = this.groups
    for (const group of numbers) {
      const first = group * this.length
      const own = this.changed.get(group) ?? seconds.slice(first, first + this.length)
      this.changed.set(group, own)
      for (let step = slow.from; step < this.length; step += 1) {
        const size = slow.pattern === 'constant' ? slow.excess : Math.max(0, excess[first + step] ?? NaN)
        const surplus = ((seconds[first + step] ?? NaN) * size) / (1 + size)
        if (!Number.isNaN(surplus)) own[step] = (own[step] ?? 0) - sign * surplus
      }
    }
    const touched = new Set(numbers.flatMap(group => this.placeOf.get(group) ?? []))
    for (const place of touched) this.measure(place)
    return new Set(Array.from(touched, ({ replica }) => replica))
  }
}
