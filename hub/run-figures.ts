/** The figures of a run's card: means over its newest steps, from the store, beside what they rest on. */
import { efficiencyOf, type Efficiency } from '../analysis/efficiency'
import type { RunSummary } from '../wire/api'
import type { Figure } from '../wire/findings'
import type { RecordOf } from '../wire/records'
import { RECENT_STEPS } from './queries/run'
import { perStep } from './queries/folded-steps'
import { numberAt, textAt } from './queries/values'
import type { RunFacts } from './run-facts'
import type { Store } from './store/store'

const absent = (source: string): Figure => ({ value: null, provenance: 'measured', source })

export interface RunFigures {
  config: RecordOf<'config'> | undefined
  efficiency: Efficiency
  summary: Pick<
    RunSummary,
    | 'loss'
    | 'stepSeconds'
    | 'tokensPerSecond'
    | 'flopsPerSecondPerGpu'
    | 'mfu'
    | 'syncWaitSeconds'
    | 'totalSteps'
    | 'framework'
    | 'events'
  >
  devices: number | undefined
}

/** What seldom changes while steps come. */
export interface Known {
  readonly config: RecordOf<'config'> | undefined
  readonly gpuNames: readonly string[]
  /** How many there were. */
  readonly events: number
}

export async function computeFigures(
  store: Store,
  facts: RunFacts,
  { config, gpuNames, events }: Known,
): Promise<RunFigures> {
  const columns = await store.query(
    `SELECT any(source) AS source, avg(seconds) AS stepSeconds, avg(throughput) AS tokensPerSecond, max(throughputDerived) AS derived,
       avg(throughputPerGpu) AS perGpu, argMax(stepLoss, step) AS loss, avg(loggedFlops) AS loggedFlops, avg(loggedMfu) AS loggedMfu,
       avg(wait) AS wait, max(total) AS total, count() AS steps
     FROM (${perStep('run = {run:String} AND step > {from:Float64}')})`,
    { run: facts.run, from: (facts.lastStep ?? 0) - RECENT_STEPS },
  )
  const log = textAt(columns, 'source', 0) ?? 'training log'
  const recent = `${log}, mean of the last ${numberAt(columns, 'steps', 0) ?? 0} steps`
  const devices =
    config?.hardware?.count ?? config?.parallelism?.worldSize ?? facts.worldSize ?? (facts.ranks.size || undefined)
  const perGpu = numberAt(columns, 'perGpu', 0)
  const tokens =
    numberAt(columns, 'tokensPerSecond', 0) ?? (perGpu !== null && devices !== undefined ? perGpu * devices : null)
  const efficiency = efficiencyOf({ config, gpuNames, tokensPerSecond: tokens ?? undefined, devices })
  const figure = (name: string, why: string, provenance: Figure['provenance'] = 'measured'): Figure => {
    const value = numberAt(columns, name, 0)
    return value === null ? absent(why) : { value, provenance, source: recent }
  }
  const orLogged = (derived: Figure, name: string): Figure =>
    derived.value === null && numberAt(columns, name, 0) !== null ? figure(name, '') : derived
  const isDerived = numberAt(columns, 'derived', 0) === 1
  return {
    config,
    efficiency,
    devices,
    summary: {
      framework: config?.framework ?? null,
      events,
      totalSteps: numberAt(columns, 'total', 0),
      loss: { ...figure('loss', 'no loss in the log yet'), source: `${log}, last step` },
      stepSeconds: figure('stepSeconds', 'no step yet'),
      tokensPerSecond:
        tokens === null
          ? absent('the log gives neither tokens nor tokens per second')
          : {
              value: tokens,
              provenance: isDerived ? 'derived' : 'measured',
              source: isDerived ? `${recent}: tokens ÷ step time` : recent,
            },
      flopsPerSecondPerGpu: orLogged(efficiency.flopsPerSecondPerGpu, 'loggedFlops'),
      mfu: orLogged(efficiency.mfu, 'loggedMfu'),
      syncWaitSeconds: figure(
        'wait',
        facts.worldSize === 1
          ? 'one rank waits for no other'
          : 'needs the time in collectives of two ranks or more: attach the hook',
        'derived',
      ),
    },
  }
}
