/** What may be wrong with a fleet, and when. */

export interface Fault {
  /**
   * compute: a GPU or a whole node is slow. data: its loader is. link: what a card, a leaf or its uplink carries takes longer.
   * skew: each replica's sequences are now longer and now shorter, by so much on average. hang: a rank never comes to its
   * collective of that step, and no step comes after it.
   */
  readonly kind: 'compute' | 'data' | 'link' | 'skew' | 'hang'
  /** Ranks of `compute`, `data` and `hang`. */
  readonly ranks: readonly number[]
  /** `nic NODE CARD`, `leaf LEAF`, `uplink LEAF` or `spine SPINE`. */
  readonly links: readonly string[]
  /** 0.1: takes 10 % longer. Of `data` relative to the compute of a step. */
  readonly size: number
  /** Steps: from, and up to but without. */
  readonly from: number
  readonly to: number
  readonly pattern: 'constant' | 'intermittent' | 'drifting'
  /** What devices, hosts and cards show of it; undefined: nothing. */
  readonly shows?: Showing | undefined
}

export const SHOWINGS = [
  'thermal',
  'power-cap',
  'pcie',
  'ecc',
  'neighbour',
  'steal',
  'storage',
  'busy-host',
  'link-errors',
  'link-speed',
] as const
export type Showing = (typeof SHOWINGS)[number]

/** Share of steps in which an intermittent fault is there, and steps after which a drifting one is at its size. */
const INTERMITTENT_SHARE = 0.25
const DRIFT_STEPS = 100

/** How much longer than usual it takes in this step: 0 where the fault is not there. */
export function sizeAt(fault: Fault, step: number, uniform: () => number): number {
  if (step < fault.from || step >= fault.to) return 0
  if (fault.pattern === 'intermittent') return uniform() < INTERMITTENT_SHARE ? fault.size : 0
  if (fault.pattern === 'drifting') return fault.size * Math.min(1, (step - fault.from + 1) / DRIFT_STEPS)
  return fault.size
}
