/** What would have fitted, the best first. */
import type { PredictInput } from '../../math/input'
import type { CauseName, Remedy } from '../../wire/post-mortem'
import { againstTheCause, expandableSegments } from './cause-remedies'
import type { Figures } from './figures'
import type { Growth } from './growth'
import { asItRan, bestPlan, largerDevice, planned } from './plan-remedies'

/** Changes of what is trained, not of how: only where nothing else fits. */
const CHANGES_THE_MODEL = new Set(['sequence'])
/** A new plan, or new devices: more work than one change. */
const WHOLE = new Set(['plan', 'device'])

/** What answers the causes, in their order; then what fits, of that what costs least time; models changed come last. */
function order(first: readonly string[]) {
  const place = ({ name }: Remedy) => (first.includes(name) ? first.indexOf(name) : first.length)
  const rank = ({ name, fits }: Remedy) =>
    (fits === false ? 100 : fits === null ? 50 : 0) +
    (CHANGES_THE_MODEL.has(name) ? 20 : 0) +
    (WHOLE.has(name) ? 10 : 0)
  return (one: Remedy, other: Remedy) =>
    place(one) - place(other) ||
    rank(one) - rank(other) ||
    (one.stepTimeChange ?? 1) - (other.stepTimeChange ?? 1) ||
    (other.savedBytes ?? 0) - (one.savedBytes ?? 0)
}

/** Where the device had enough, no plan helps. */
const OF_HOST: ReadonlySet<CauseName> = new Set([
  'host-limit',
  'host-memory',
  'shared-memory',
  'killed',
  'process-limit',
])
/** More memory is the last word where the job itself can take less. */
const MORE = new Set(['host-limit', 'host'])

/** Changes of the job, of its plan and of its device. */
function ofTheJob(config: PredictInput | undefined, figures: Figures, growth: Growth, isOnHost: boolean): Remedy[] {
  if (config === undefined) return isOnHost ? [] : largerDevice(figures, config)
  const job = asItRan(config, figures)
  const changes = planned(config, job, figures, growth, isOnHost)
  return isOnHost ? changes : [...changes, ...bestPlan(job, figures), ...largerDevice(figures, config)]
}

/** `isOnHost`: the ranks compute on the host, and what they hold is in its memory. */
export function remediesOf(
  causes: readonly CauseName[],
  config: PredictInput | undefined,
  figures: Figures,
  growth: Growth,
  isOnHost: boolean,
): Remedy[] {
  const own = causes.flatMap(cause => againstTheCause(cause, config, figures, growth))
  const isElsewhere = !isOnHost && causes.some(cause => OF_HOST.has(cause))
  const others = isElsewhere ? [] : ofTheJob(config, figures, growth, isOnHost)
  const gaps = isElsewhere || own.some(({ name }) => name === 'expandable-segments') ? [] : expandableSegments(figures)
  // What answers the cause comes first where it is enough by itself, or nothing can be said of it.
  const isFirst = ({ name, fits }: Remedy) => fits !== false && !(others.length > 0 && MORE.has(name))
  return [...own, ...others, ...gaps].sort(order(own.filter(isFirst).map(({ name }) => name)))
}
