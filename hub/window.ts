/** Steps of a run as detectors look at them. */
import type { DetectorWindow } from '../analysis/detector'
import { unixSeconds } from '../base/clock'
import { predict, type PredictInput } from '../math/predict'
import type { HardwareInput } from '../math/input'
import type { RecordOf } from '../wire/records'
import { hostMemory } from './queries/devices'
import { devicePace } from './queries/device-pace'
import { cables, groupSteps, standing } from './queries/fabric'
import { flowSteps } from './queries/flows'
import { eventsWithKills } from './queries/kills'
import { timerSpreads } from './queries/job-timers'
import { perRank, perStep } from './queries/folded-steps'
import { endOf, type RunFacts } from './run-facts'
import { seenHardware } from './seen-hardware'
import type { Runs } from './runs'
import type { Store } from './store/store'

const [LEAST_STEPS, MOST_STEPS, WINDOW_CELLS] = [64, 256, 1 << 20] as const

/** Steps that detectors look at together: the more, the surer; of many ranks fewer. */
export const windowSteps = (ranks: number) =>
  Math.min(MOST_STEPS, Math.max(LEAST_STEPS, Math.floor(WINDOW_CELLS / Math.max(1, ranks))))

/** Steps after `from` up to `to`. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Of a rank's step, what detectors read: what they do not is not worth its way out of the store. */
const RANK_COLUMNS = [
  'step',
  'rank',
  'at',
  'stepSeconds',
  'dataSeconds',
  'forwardSeconds',
  'backwardSeconds',
  'communicationSeconds',
  'optimizerSeconds',
  'tokens',
  'residentBytes',
  'cpuSeconds',
  'runDelaySeconds',
  'throttledSeconds',
]

/** A look has time: whoever waits for an answer gets the other processors. */
const ASIDE = 'SETTINGS max_threads = 1'

function predicted(config: RecordOf<'config'> | undefined, seen: HardwareInput) {
  if (config === undefined) return undefined
  try {
    return predict({ ...config, hardware: { ...seen, ...config.hardware } } as PredictInput)
  } catch {
    // A config that contradicts itself predicts nothing; the page shows it as it is.
    return undefined
  }
}

/** As of now where the span reaches the last step, else as of its last step, when the run went on. */
export async function detectorWindow(store: Store, runs: Runs, facts: RunFacts, span: Span): Promise<DetectorWindow> {
  const { run } = facts
  const end = endOf(facts)
  const { config } = await runs.figures(facts)
  const parameters = { run, ...span }
  const where = 'run = {run:String} AND step > {from:Float64} AND step <= {to:Float64}'
  const ranks = await store.packed(
    `SELECT ${RANK_COLUMNS.join(', ')}, coalesce(memoryPeakBytes, memoryAllocatedBytes) AS peakBytes
     FROM (${perRank(`${where} AND rank IS NOT NULL`)}) ORDER BY rank, step ${ASIDE}`,
    parameters,
  )
  const steps = await store.packed(
    `SELECT step, at, seconds FROM (${perStep(where)}) ORDER BY step ${ASIDE}`,
    parameters,
  )
  const isNow = span.to >= (facts.lastStep ?? 0)
  const of = (name: string) => ranks.numbers(name)
  const times = steps.numbers('at')
  const now = isNow ? unixSeconds() : (times.at(-1) ?? unixSeconds())
  const isSilent = ranks.rows === 0
  const devices = await runs.devices(facts)
  const placed = await standing(store, run)
  const topology = await cables(store, [...facts.nodes])
  return {
    run,
    now,
    config,
    facts: {
      state: isNow ? runs.stateOf(facts, now) : 'live',
      startedAt: facts.startedAt,
      endedAt: end?.endedAt,
      exitCode: end?.exitCode ?? undefined,
      worldSize: facts.worldSize ?? undefined,
    },
    ranks: {
      step: of('step'),
      rank: of('rank'),
      time: of('at'),
      stepSeconds: of('stepSeconds'),
      dataSeconds: of('dataSeconds'),
      forwardSeconds: of('forwardSeconds'),
      backwardSeconds: of('backwardSeconds'),
      communicationSeconds: of('communicationSeconds'),
      optimizerSeconds: of('optimizerSeconds'),
      tokens: of('tokens'),
      cpuSeconds: of('cpuSeconds'),
      runDelaySeconds: of('runDelaySeconds'),
      throttledSeconds: of('throttledSeconds'),
      memoryPeakBytes: of('peakBytes'),
      residentBytes: of('residentBytes'),
    },
    steps: { step: steps.numbers('step'), time: times, stepSeconds: steps.numbers('seconds') },
    events: (await eventsWithKills(store, facts)).filter(({ time = 0 }) => isNow || time <= now),
    prediction: predicted(config, seenHardware(devices.names, topology, placed.places)),
    deviceMemoryBytes: devices.leastMemoryBytes,
    hosts: isNow && end === undefined ? await hostMemory(store, [...facts.nodes], now) : undefined,
    ...placed,
    groups: await groupSteps(store, run, span),
    flows: await flowSteps(store, run, span),
    // Where ranks tell of themselves, these say less.
    timers: isSilent ? await timerSpreads(store, run, span) : [],
    devices: isSilent ? await devicePace(store, [...facts.nodes], { from: times[0] ?? NaN, to: now }) : undefined,
    topology,
  }
}
