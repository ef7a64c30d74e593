/**
 * Runs, found from what agents send. Facts (name, state, ranks) are kept in memory, folded from `run`, `rank`, `step`,
 * `config` and `event` rows as they arrive, and rebuilt from the store at the start. Figures come from the store.
 */
import { efficiencyOf, type Efficiency } from '../analysis/efficiency'
import { unixSeconds } from '../base/clock'
import type { RunState, RunSummary } from '../wire/api'
import type { Figure } from '../wire/findings'
import type { RecordOf } from '../wire/records'
import type { Batch, Table } from '../wire/table'
import { RECENT_STEPS, runConfig } from './queries/run'
import { perStep } from './queries/steps'
import { numberAt, rowsOf, textAt } from './queries/values'
import type { Store } from './store/store'

/** Heartbeats come every 5 s; after this long without any row the agent counts as gone. */
const LOST_SECONDS = 20
/** A run is silent when no step came for this many step times, and at least for SILENT_SECONDS. */
const SILENT_STEPS = 10
const SILENT_SECONDS = 30

export interface RunFacts {
  readonly run: string
  name: string | null
  command: string | null
  synthetic: string | null
  startedAt: number
  endedAt: number | null
  exitCode: number | null
  lastSeenAt: number
  lastStepAt: number | null
  lastStep: number | null
  readonly nodes: Set<string>
  readonly agents: Set<string>
  readonly ranks: Set<number>
  readonly gpus: Set<string>
  worldSize: number | null
  events: number
  /** Something came since the figures were computed. */
  stale: boolean
}

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
  >
  devices: number | undefined
}

export class Runs {
  private readonly facts = new Map<string, RunFacts>()
  private readonly cache = new Map<string, RunFigures>()

  constructor(
    private readonly store: Store,
    private readonly isConnected: (agent: string) => boolean,
  ) {}

  get(run: string): RunFacts | undefined {
    return this.facts.get(run)
  }

  list(): RunFacts[] {
    return [...this.facts.values()].sort((one, other) => other.startedAt - one.startedAt)
  }

  /** Folds a batch that was stored; gives the runs that it speaks of. */
  fold(batch: Batch, agent: string, receivedAt: number): Set<string> {
    const touched = new Set<string>()
    for (const table of batch.tables()) {
      if (!['run', 'rank', 'step', 'config', 'event'].includes(table.kind)) continue
      for (let row = 0; row < table.rows; row += 1) {
        const run = (table as Table<'step'>).get(row, 'run')
        if (typeof run !== 'string' || run === '') continue
        this.foldRow(table, row, run, agent, receivedAt)
        touched.add(run)
      }
    }
    return touched
  }

  private factsOf(run: string, time: number): RunFacts {
    let facts = this.facts.get(run)
    if (facts === undefined) {
      facts = {
        ...{ run, name: null, command: null, synthetic: null, startedAt: time, endedAt: null, exitCode: null },
        ...{ lastSeenAt: time, lastStepAt: null, lastStep: null, worldSize: null, events: 0, stale: true },
        ...{ nodes: new Set(), agents: new Set(), ranks: new Set(), gpus: new Set() },
      }
      this.facts.set(run, facts)
    }
    return facts
  }

  private foldRow(table: Table, row: number, run: string, agent: string, receivedAt: number): void {
    const step = table as Table<'step'>
    const time = asNumber(step.get(row, 'time')) ?? receivedAt
    const facts = this.factsOf(run, time)
    facts.lastSeenAt = Math.max(facts.lastSeenAt, receivedAt)
    facts.startedAt = Math.min(facts.startedAt, time)
    facts.stale = true
    if (agent !== '') facts.agents.add(agent)
    const node = asText(step.get(row, 'node'))
    if (node !== null) facts.nodes.add(node)
    const rank = table.kind === 'run' ? null : asNumber((table as Table<'rank'>).get(row, 'rank'))
    if (rank !== null) facts.ranks.add(rank)
    if (table.kind === 'run') foldRun(facts, table as Table<'run'>, row, time)
    else if (table.kind === 'rank') foldRank(facts, table as Table<'rank'>, row, node)
    else if (table.kind === 'event') facts.events += 1
    else if (table.kind === 'step') {
      facts.lastStep = Math.max(facts.lastStep ?? 0, asNumber(step.get(row, 'step')) ?? 0)
      facts.lastStepAt = Math.max(facts.lastStepAt ?? 0, time)
    }
  }

  stateOf(facts: RunFacts, now: number): RunState {
    if (facts.endedAt !== null) return facts.exitCode === null || facts.exitCode === 0 ? 'ended' : 'failed'
    if (now - facts.lastSeenAt > LOST_SECONDS && ![...facts.agents].some(this.isConnected)) return 'lost'
    const stepSeconds = this.cache.get(facts.run)?.summary.stepSeconds.value ?? 0
    const quiet = now - Math.max(facts.lastStepAt ?? 0, facts.startedAt)
    return quiet > Math.max(SILENT_SECONDS, SILENT_STEPS * stepSeconds) ? 'silent' : 'live'
  }

  async figures(facts: RunFacts): Promise<RunFigures> {
    const cached = this.cache.get(facts.run)
    if (cached !== undefined && !facts.stale) return cached
    facts.stale = false
    const figures = await computeFigures(this.store, facts)
    this.cache.set(facts.run, figures)
    return figures
  }

  async summary(facts: RunFacts): Promise<RunSummary> {
    const figures = await this.figures(facts)
    return {
      run: facts.run,
      name: facts.name ?? facts.run,
      command: facts.command,
      synthetic: facts.synthetic,
      state: this.stateOf(facts, unixSeconds()),
      ...{ startedAt: facts.startedAt, endedAt: facts.endedAt, lastSeenAt: facts.lastSeenAt, exitCode: facts.exitCode },
      nodes: [...facts.nodes].sort(),
      worldSize:
        facts.worldSize ?? figures.config?.parallelism?.worldSize ?? (facts.ranks.size > 0 ? facts.ranks.size : null),
      gpus: facts.gpus.size,
      step: facts.lastStep,
      events: facts.events,
      ...figures.summary,
    }
  }

  /** Rebuilds the facts from the store. */
  async restore(): Promise<void> {
    await restoreFacts(this.store, (run, time) => this.factsOf(run, time))
  }
}

const asNumber = (value: unknown) => (typeof value === 'number' ? value : null)
const asText = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)

function foldRun(facts: RunFacts, table: Table<'run'>, row: number, time: number): void {
  facts.name = asText(table.get(row, 'name')) ?? facts.name
  facts.command = asText(table.get(row, 'command')) ?? facts.command
  facts.synthetic = asText(table.get(row, 'synthetic')) ?? facts.synthetic
  if (table.get(row, 'state') !== 'ended') return
  facts.endedAt = Math.max(facts.endedAt ?? 0, time)
  facts.exitCode = asNumber(table.get(row, 'exitCode')) ?? facts.exitCode
}

function foldRank(facts: RunFacts, table: Table<'rank'>, row: number, node: string | null): void {
  facts.worldSize = asNumber(table.get(row, 'worldSize')) ?? facts.worldSize
  const gpu = asNumber(table.get(row, 'gpuIndex'))
  if (gpu !== null) facts.gpus.add(`${node ?? ''} ${gpu}`)
}

async function restoreFacts(store: Store, factsOf: (run: string, time: number) => RunFacts): Promise<void> {
  for (const kind of ['run', 'rank', 'config', 'event', 'step'] as const) {
    const isRun = kind === 'run'
    const columns = await store.query(
      `SELECT toString(run) AS run, min(\`${kind}\`.time) AS first, max(\`${kind}\`.receivedAt) AS seen, max(\`${kind}\`.time) AS last,
         count() AS rows, groupUniqArray(64)(toString(agent)) AS agents
         ${kind === 'config' ? ", CAST([], 'Array(String)') AS nodes" : ', groupUniqArray(4096)(toString(node)) AS nodes'}
         ${kind === 'rank' || kind === 'step' ? ', groupUniqArray(rank) AS ranks' : ''}
         ${kind === 'step' ? ', max(step.step) AS lastStep' : ''}
         ${kind === 'rank' ? ", max(worldSize) AS worldSize, groupUniqArrayIf(concat(toString(node), ' ', toString(gpuIndex)), gpuIndex IS NOT NULL) AS gpus" : ''}
         ${isRun ? ", argMaxIf(toString(name), time, name != '') AS name, argMaxIf(command, time, command != '') AS command, argMaxIf(synthetic, time, synthetic != '') AS synthetic, maxIf(time, state = 'ended') AS ended, argMaxIf(exitCode, time, state = 'ended') AS exitCode" : ''}
       FROM \`${kind}\` WHERE run != '' GROUP BY run`,
    )
    for (let row = 0; row < rowsOf(columns); row += 1) {
      const facts = factsOf(textAt(columns, 'run', row) ?? '', numberAt(columns, 'first', row) ?? 0)
      const list = (name: string) => (Array.isArray(columns[name]?.[row]) ? (columns[name][row] as unknown[]) : [])
      facts.startedAt = Math.min(facts.startedAt, numberAt(columns, 'first', row) ?? Infinity)
      facts.lastSeenAt = Math.max(facts.lastSeenAt, numberAt(columns, 'seen', row) ?? 0)
      for (const agent of list('agents')) facts.agents.add(String(agent))
      for (const node of list('nodes')) if (node !== '') facts.nodes.add(String(node))
      for (const rank of list('ranks')) if (rank !== null) facts.ranks.add(Number(rank))
      for (const gpu of list('gpus')) facts.gpus.add(String(gpu))
      facts.worldSize = numberAt(columns, 'worldSize', row) ?? facts.worldSize
      if (kind === 'event') facts.events = numberAt(columns, 'rows', row) ?? 0
      if (kind === 'step') {
        facts.lastStep = numberAt(columns, 'lastStep', row)
        facts.lastStepAt = numberAt(columns, 'last', row)
      }
      if (isRun) {
        facts.name = textAt(columns, 'name', row)
        facts.command = textAt(columns, 'command', row)
        facts.synthetic = textAt(columns, 'synthetic', row)
        const ended = numberAt(columns, 'ended', row) ?? 0
        facts.endedAt = ended > 0 ? ended : null
        facts.exitCode = numberAt(columns, 'exitCode', row)
      }
    }
  }
}

async function computeFigures(store: Store, facts: RunFacts): Promise<RunFigures> {
  const config = await runConfig(store, facts.run)
  const columns = await store.query(
    `SELECT any(source) AS source, avg(seconds) AS stepSeconds, avg(throughput) AS tokensPerSecond, max(throughputDerived) AS derived,
       avg(throughputPerGpu) AS perGpu, argMax(stepLoss, step) AS loss, avg(loggedFlops) AS loggedFlops, avg(loggedMfu) AS loggedMfu,
       avg(wait) AS wait, max(total) AS total, count() AS steps
     FROM (${perStep('run = {run:String} AND step > {from:Float64}')})`,
    { run: facts.run, from: (facts.lastStep ?? 0) - RECENT_STEPS },
  )
  const names = await store.query(
    'SELECT DISTINCT toString(name) AS name FROM gpu WHERE has({nodes:Array(String)}, toString(node)) AND time >= {from:Float64} AND time <= {to:Float64} LIMIT 8',
    { nodes: [...facts.nodes], from: facts.startedAt - 10, to: facts.lastSeenAt + 10 },
  )
  const log = textAt(columns, 'source', 0) ?? 'training log'
  const recent = `${log}, mean of the last ${numberAt(columns, 'steps', 0) ?? 0} steps`
  const devices =
    config?.hardware?.count ?? config?.parallelism?.worldSize ?? facts.worldSize ?? (facts.ranks.size || undefined)
  const perGpu = numberAt(columns, 'perGpu', 0)
  const tokens =
    numberAt(columns, 'tokensPerSecond', 0) ?? (perGpu !== null && devices !== undefined ? perGpu * devices : null)
  // A job on a CPU is not on the node's GPUs: their names say nothing about its peak.
  const gpuNames = (names['name'] ?? []).map(String).filter(name => name !== '')
  const efficiency = efficiencyOf({ config, gpuNames, tokensPerSecond: tokens ?? undefined, devices })
  const figure = (name: string, why: string, provenance: Figure['provenance'] = 'measured'): Figure => {
    const value = numberAt(columns, name, 0)
    return value === null ? absent(why) : { value, provenance, source: recent }
  }
  const orLogged = (derived: Figure, name: string): Figure =>
    derived.value === null && numberAt(columns, name, 0) !== null ? figure(name, '') : derived
  const isDerived = numberAt(columns, 'derived', 0) === 1
  return {
    ...{ config, efficiency, devices },
    summary: {
      framework: config?.framework ?? null,
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
      syncWaitSeconds: figure('wait', 'needs the time in collectives of two ranks or more: attach the hook', 'derived'),
    },
  }
}
