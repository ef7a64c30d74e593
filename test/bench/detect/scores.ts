/** From verdicts to figures. */
import { isOfLinks } from './cases'
import type { Method } from './judge'
import { LOOKS, type Played } from './play'

export interface Score {
  readonly cases: number
  readonly precision: number
  readonly recall: number
  /** Of the best method there could be. */
  readonly bestRecall: number
  readonly f1: number
  /** Steps from the fault to the first look with the right finding, median of those found. */
  readonly stepsToDetect: number
  /** Relative error of the cost of those found: median, and share within a tenth. */
  readonly costError: number
  readonly costWithinTenth: number
}

const middle = (values: readonly number[]) => values.toSorted((one, other) => one - other)[values.length >> 1] ?? NaN

/** What costs less of a step holds nobody back: it is neither to be found nor to be missed. */
const COSTS_LEAST = 0.002
export const isHarmless = ({ cost, stepSeconds }: Pick<Played, 'cost' | 'stepSeconds'>) =>
  cost < COSTS_LEAST * stepSeconds

/** At the last look. Faults of links are asked of those methods alone that speak of links. */
export function scoreOf(played: readonly Played[], { name, isOfLinks: speaksOfLinks }: Method): Score {
  let [found, missed, wrong] = [0, 0, 0]
  let best = 0
  const steps: number[] = []
  const errors: number[] = []
  for (const { case: one, verdicts, cost, costSince, stepSeconds, bestChance } of played) {
    const looks = verdicts.get(name) ?? []
    const last = looks.at(-1)
    if (last === undefined) continue
    wrong += last.wrong
    if ((isOfLinks(one.kind) && !speaksOfLinks) || isHarmless({ cost, stepSeconds })) continue
    best += bestChance
    if (!last.isFound) {
      missed += 1
      continue
    }
    found += 1
    steps.push(LOOKS[looks.findIndex(({ isFound }) => isFound)] ?? NaN)
    if (last.cost !== undefined) errors.push(Math.abs(last.cost / costSince - 1))
  }
  const [precision, recall] = [found / Math.max(1, found + wrong), found / Math.max(1, found + missed)]
  return {
    cases: found + missed,
    precision,
    recall,
    bestRecall: best / Math.max(1, found + missed),
    f1: (2 * precision * recall) / Math.max(1e-9, precision + recall),
    stepsToDetect: middle(steps),
    costError: middle(errors),
    costWithinTenth: errors.filter(error => error <= 0.1).length / errors.length,
  }
}

const isOfSwitch = ({ case: { kind } }: Played) => kind === 'leaf' || kind === 'uplink'

/** Of the slow leaves and uplinks that are blamed on anything, the share blamed on the right switch; and of all of them. */
export function switchAccuracy(
  played: readonly Played[],
  { name }: Method,
): { ofBlamed: number; ofAll: number; all: number } {
  const ofSwitches = played.filter(one => isOfSwitch(one) && !isHarmless(one))
  const last = ofSwitches.flatMap(({ verdicts }) => verdicts.get(name)?.at(-1) ?? [])
  const blamed = last.filter(({ isFound, wrong }) => isFound || wrong > 0)
  const right = last.filter(({ isFound }) => isFound)
  return { ofBlamed: right.length / blamed.length, ofAll: right.length / last.length, all: last.length }
}
