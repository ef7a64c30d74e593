/** Which ranks do the same work: only those are held against each other. */
import { grouped } from '../base/grouped'
import type { Coordinates, DetectorWindow } from './detector'

export interface Plan {
  readonly coordinates: ReadonlyMap<number, Coordinates>
  readonly microBatches: number
}

export interface Roles {
  readonly plan: Plan | undefined
  /** Undefined: all ranks do the same. */
  readonly roles: ReadonlyMap<number, string> | undefined
  /** Nobody said where the ranks stand: Megatron’s order is taken. */
  readonly isAssumed: boolean
}

/** Undefined where ranks do unlike work and which does which is not known. */
export function rolesOf({ ranks, config, coordinates }: DetectorWindow): Roles | undefined {
  const { pipeline = 1, tensor = 1, context = 1, virtualStages = 1 } = config?.parallelism ?? {}
  const stages = [...new Set(Array.from(coordinates?.values() ?? [], one => one.pipeline))]
  if (coordinates !== undefined && (pipeline <= 1 || stages.length > 1)) {
    const plan = { coordinates, microBatches: microBatchesOf(config, coordinates) }
    return { roles: rolesBy(coordinates), isAssumed: false, plan }
  }
  if (pipeline <= 1) return { roles: undefined, plan: undefined, isAssumed: false }
  const worldSize = config?.parallelism?.worldSize ?? 0
  // Interleaved stages share a rank, and their ranks still do alike work.
  if (!(virtualStages >= 1) || worldSize % (pipeline * tensor * context) !== 0 || worldSize <= pipeline)
    return undefined
  const perStage = worldSize / pipeline
  const seen = new Set(Array.from(ranks.rank).filter(Number.isInteger))
  const assumed = new Map(
    Array.from(seen, (rank): [number, Coordinates] => [
      rank,
      { pipeline: Math.floor(rank / perStage), data: Math.floor((rank % perStage) / (tensor * context)) },
    ]),
  )
  return {
    isAssumed: true,
    plan: { coordinates: assumed, microBatches: microBatchesOf(config, assumed) },
    roles: new Map(Array.from(assumed, ([rank, one]) => [rank, `pipeline stage ${one.pipeline}`])),
  }
}

/** Of fewer ranks nobody can say who is usual: they are compared across their experts. */
const ROLE_LEAST = 4

/** Stages have unlike layers, and experts get unlike many tokens. Undefined: all do the same. */
function rolesBy(coordinates: ReadonlyMap<number, Coordinates>): Map<number, string> | undefined {
  const byStage = ({ pipeline }: Coordinates) => `pipeline stage ${pipeline}`
  const byExpert = (one: Coordinates) => `${byStage(one)}, experts ${one.expert ?? 0}`
  const sizes = grouped(coordinates.values(), byExpert)
  const isFine = [...sizes.values()].every(({ length }) => length >= ROLE_LEAST)
  const roleOf = isFine ? byExpert : byStage
  const roles = new Map<number, string>()
  for (const [rank, one] of coordinates) roles.set(rank, roleOf(one))
  return new Set(roles.values()).size > 1 ? roles : undefined
}

function microBatchesOf(config: DetectorWindow['config'], coordinates: ReadonlyMap<number, Coordinates>): number {
  const { micro, global } = config?.batch ?? {}
  const replicas = config?.parallelism?.data ?? new Set(Array.from(coordinates.values(), ({ data }) => data)).size
  const count = (global ?? NaN) / ((micro ?? NaN) * Math.max(1, replicas))
  return Number.isFinite(count) && count >= 1 ? Math.round(count) : 1
}
