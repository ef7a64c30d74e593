/** Who works longer than others that are alike, and what is compared for it. */
import type { RankMatrix } from './rank-matrix'

/** `past`: it was there, and is no more. */
export type Pattern = 'constant' | 'drifting' | 'intermittent' | 'past'

export interface Straggler {
  /** Its number in the matrix. */
  readonly place: number
  readonly pattern: Pattern
  /** Of its work over its peers’, since it is slow: 0.1 is 10 % longer. Of an intermittent one the mean over all steps. */
  readonly excess: number
  /** Step number in the matrix from which on; 0 where it was so all the time that is looked at. */
  readonly from: number
  /** Step number from which on it is past. */
  readonly to?: number | undefined
  /** Share of the steps in which it is there. */
  readonly share: number
  /** What it would have to exceed; its excess is above. */
  readonly threshold: number
}

/** As slow in each step while it is there. */
export const isSteady = ({ pattern }: Straggler) => pattern === 'constant' || pattern === 'past'

/** Of ranks, or of what else is held against others that are alike. */
export type Excesses = Pick<RankMatrix, 'ranks' | 'steps' | 'excess' | 'ahead'>

/** Steps of a block: the median of eight does not mind a hiccup. */
export const BLOCK_STEPS = 8
/** What a rank works longer it must wait less, by this share of it: otherwise nobody waits for it. */
export const AHEAD_SHARE = 0.4
