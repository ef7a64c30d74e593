/** What a token budget takes: compute, days and money. */
import type { Derived } from './explain'
import { sources } from './sources'

export interface Budget {
  /** Tokens that Chinchilla would train this model on. */
  readonly chinchillaTokens: Derived
  /** FLOPs of the whole training. */
  readonly compute: Derived | undefined
  readonly seconds: Derived | undefined
  readonly deviceHours: Derived | undefined
  readonly cost: Derived | undefined
}

export interface BudgetInput {
  readonly parameters: number
  readonly flopsPerToken: number | undefined
  readonly tokens: number | undefined
  /** Of the whole job, as predicted or as measured. */
  readonly tokensPerSecond: number | undefined
  readonly devices: number | undefined
  /** Of one device and hour, in any currency. */
  readonly pricePerDeviceHour: number | undefined
}

const defined = <T>(value: T | undefined): value is T => value !== undefined

function computeOf({ tokens: D, flopsPerToken: F }: BudgetInput): Derived | undefined {
  if (!defined(D) || !defined(F)) return undefined
  return { value: F * D, formula: 'F·D', letters: { F, D }, source: sources.transformerMath, assumption: 'C = 6·P·D' }
}

function secondsOf({ tokens: D, tokensPerSecond: R }: BudgetInput): Derived | undefined {
  if (!defined(D) || !defined(R)) return undefined
  return { value: D / R, formula: 'D / R', letters: { D, R }, source: sources.transformerMath, assumption: 'C = τ·T' }
}

/** C = 6·P·D, T = C / τ, and Chinchilla's D = 20·P as a mark. What is not known is undefined. */
export function budgetOf(input: BudgetInput): Budget {
  const { parameters: P, devices: N, pricePerDeviceHour } = input
  const seconds = secondsOf(input)
  const hours: Derived | undefined =
    defined(seconds) && defined(N)
      ? {
          value: (seconds.value * N) / 3600,
          formula: 'T·N / 3600',
          letters: { T: seconds.value, N },
          source: sources.transformerMath,
        }
      : undefined
  return {
    chinchillaTokens: { value: 20 * P, formula: '20·P', letters: { P }, source: sources.chinchilla },
    compute: computeOf(input),
    seconds,
    deviceHours: hours,
    cost:
      defined(hours) && defined(pricePerDeviceHour)
        ? {
            value: hours.value * pricePerDeviceHour,
            formula: 'H·x',
            letters: { H: hours.value, x: pricePerDeviceHour },
            source: sources.input,
          }
        : undefined,
  }
}
