/**
 * What a framework's timers say that print the least and the most of all ranks alone (Megatron's `minmax`): that somebody
 * works longer than others, in which phase, and what that costs at most; never who.
 */
import { format } from '../base/units'
import { costOf } from './cost'
import { defineDetector, WARM_UP_STEPS, type DetectorWindow } from './detector'
import { known, median } from './statistics'

/** Timers of a rank's own work; those of collectives hold the waiting of the others. */
const OWN_WORK = ['forward-compute', 'backward-compute', 'batch-generator'] as const
type Timer = (typeof OWN_WORK)[number]
/** Megatron loads its batch within the forward pass: it is part of it, and not beside it. */
const WITHIN = { timer: 'batch-generator', of: 'forward-compute', most: 0.8 } as const

const STEPS_LEAST = 8
/**
 * Of the phase's least: like chips differ by 8 % on average (https://arxiv.org/abs/2208.11035), so that the extremes of a
 * healthy job lie some 8 % apart. And of the step: a warning’s worth (`cost.ts`).
 */
const [APART, COSTS_LEAST] = [0.1, 0.02] as const

interface Spread {
  readonly timer: Timer
  readonly least: number
  readonly most: number
}

const gap = ({ least, most }: Spread) => most - least

/** Medians over the steps, seconds. */
function spreadsOf({ timers }: DetectorWindow): Spread[] {
  return OWN_WORK.flatMap(timer => {
    const rows = timers?.filter(row => row.name === timer && row.step > WARM_UP_STEPS) ?? []
    if (rows.length < STEPS_LEAST) return []
    // Of the spread and not of its ends: one slow step says nothing.
    const least = median(rows.map(({ minSeconds }) => minSeconds))
    return [{ timer, least, most: least + median(rows.map(row => row.maxSeconds - row.minSeconds)) }]
  })
}

/** Where the data loader explains the forward pass, it is named. */
function placeOf(spreads: readonly Spread[]): Spread | undefined {
  const [widest] = spreads.filter(({ timer }) => timer !== WITHIN.timer).toSorted((one, other) => gap(other) - gap(one))
  const loader = spreads.find(({ timer }) => timer === WITHIN.timer)
  const isLoader = widest?.timer === WITHIN.of && loader !== undefined && gap(loader) >= WITHIN.most * gap(widest)
  return isLoader ? loader : widest
}

export const unevenTimers = defineDetector({
  name: 'uneven-timers',
  help: 'Timers that tell the least and the most of all ranks lie far apart: somebody works longer than others.',
  detect(window) {
    const { timers = [], config, ranks, steps } = window
    // Who tells it rank by rank says more; stages do unlike work, and their timers lie apart in health.
    if (ranks.step.length > 0 || (config?.parallelism?.pipeline ?? 1) > 1) return []
    const spreads = spreadsOf(window)
    const place = placeOf(spreads)
    const step = median(known(Array.from(steps.stepSeconds)))
    const beside = spreads.filter(({ timer }) => timer !== WITHIN.timer)
    const cost = beside.reduce((sum, one) => sum + gap(one), 0)
    const work = beside.reduce((sum, { least }) => sum + least, 0)
    if (place === undefined || !(cost > APART * work) || !(cost > COSTS_LEAST * step)) return []
    const first = timers.find(row => row.step > WARM_UP_STEPS)?.time
    return [
      {
        detector: 'uneven-timers',
        run: window.run,
        provenance: 'estimated',
        ...costOf(cost, step),
        title: `Some rank takes longer for ${place.timer} than others`,
        evidence:
          `${spreads.map(({ timer, least, most }) => `${timer}: ${format(least, 'seconds')} to ${format(most, 'seconds')}`).join('; ')} ` +
          `(least and most of all ranks, medians of ${timers.filter(({ name }) => name === place.timer).length} steps). The others wait for the slowest: at most ` +
          `${format(cost, 'seconds')} a step. These timers do not tell which rank it is.`,
        since: first ?? window.facts.startedAt,
        ...(place.timer === WITHIN.timer ? { cause: 'data loader' } : {}),
        nextStep:
          'Attach the hook, or run with --timing-log-option all: either tells which rank it is. Look at that rank’s node then.',
      },
    ]
  },
})
