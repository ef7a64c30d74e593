/** Where in a step each group’s transfer comes: within a stage’s micro-batches, between two stages, or after all of them. */
import type { GroupMatrix } from './group-matrix'
import type { SlowLink } from './slow-links'
import { median } from './statistics'

interface Standing {
  readonly replica: number
  readonly stage: number
}

/** Seconds, of groups whose ranks all stand somewhere. A step in which a group is not known takes as long as its others. */
export class Transfers {
  private readonly seconds: Float64Array
  private readonly length: number
  /** Group numbers by replica and stage: of messages, the stage before the border. */
  private readonly units: readonly number[][]
  private readonly sends: readonly number[][]
  private readonly sendsBack: readonly number[][]
  /** Groups of several replicas, with the places of their members among replicas and stages. */
  private readonly last: { readonly group: number; readonly members: readonly number[] }[] = []
  private readonly replicasOf = new Map<number, readonly number[]>()

  constructor(
    private readonly groups: GroupMatrix | undefined,
    standing: (rank: number) => Standing | undefined,
    replicas: number,
    private readonly stages: number,
  ) {
    const lists = () => Array.from({ length: replicas * stages }, (): number[] => [])
    ;[this.units, this.sends, this.sendsBack] = [lists(), lists(), lists()]
    this.length = groups?.steps.length ?? 0
    this.seconds = new Float64Array(groups?.seconds ?? [])
    for (const [group, { ranks }] of (groups?.groups ?? []).entries()) {
      const own = this.seconds.subarray(group * this.length, (group + 1) * this.length)
      const usual = median(own)
      const at = ranks.flatMap(rank => standing(rank) ?? [])
      if (Number.isNaN(usual) || at.length < ranks.length) continue
      for (const [step, value] of own.entries()) if (Number.isNaN(value)) own[step] = usual
      this.place(group, at)
    }
  }

  private place(group: number, at: readonly Standing[]): void {
    const [first, second] = at
    if (first === undefined || second === undefined) return
    const isOneReplica = at.every(({ replica }) => replica === first.replica)
    const members = at.map(({ replica, stage }) => replica * this.stages + stage)
    if (isOneReplica) this.replicasOf.set(group, [first.replica])
    if (isOneReplica && at.every(({ stage }) => stage === first.stage)) this.units[members[0] ?? 0]?.push(group)
    else if (isOneReplica && second.stage === first.stage + 1) this.sends[members[0] ?? 0]?.push(group)
    else if (isOneReplica && second.stage === first.stage - 1) this.sendsBack[members[1] ?? 0]?.push(group)
    else this.last.push({ group, members: [...new Set(members)] })
  }

  private longest(groups: readonly number[] | undefined, step: number): number {
    let longest = 0
    for (const group of groups ?? []) longest = Math.max(longest, this.seconds[group * this.length + step] ?? 0)
    return longest
  }

  within(replica: number, stage: number, step: number): number {
    return this.longest(this.units[replica * this.stages + stage], step)
  }

  /** To the stage behind. */
  forward(replica: number, stage: number, step: number): number {
    return this.longest(this.sends[replica * this.stages + stage], step)
  }

  /** From the stage behind. */
  backward(replica: number, stage: number, step: number): number {
    return this.longest(this.sendsBack[replica * this.stages + stage], step)
  }

  /** Raises `longest`, by step, to the end of the groups that come after all micro-batches; `ends` by member and step. */
  addLast(ends: Float64Array, longest: Float64Array): void {
    for (const { group, members } of this.last)
      for (let step = 0; step < this.length; step += 1) {
        let begin = 0
        for (const member of members) begin = Math.max(begin, ends[member * this.length + step] ?? 0)
        const end = begin + (this.seconds[group * this.length + step] ?? 0)
        if (begin > 0 && end > (longest[step] ?? 0)) longest[step] = end
      }
  }

  /** `sign` 1 takes off what the groups of a slow link take longer, -1 gives it back. Replicas that it touches. */
  change({ slow, groups: numbers }: SlowLink, sign: 1 | -1): Set<number> {
    const touched = new Set<number>()
    const { excess, seconds } = this.groups ?? { excess: new Float64Array(), seconds: new Float64Array() }
    for (const group of numbers) {
      for (let step = slow.from; step < this.length; step += 1) {
        const cell = group * this.length + step
        const size = slow.pattern === 'constant' ? slow.excess : Math.max(0, excess[cell] ?? NaN)
        const surplus = ((seconds[cell] ?? NaN) * size) / (1 + size)
        if (!Number.isNaN(surplus)) this.seconds[cell] = (this.seconds[cell] ?? 0) - sign * surplus
      }
      for (const replica of this.replicasOf.get(group) ?? []) touched.add(replica)
    }
    return touched
  }
}
