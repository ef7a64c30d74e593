/** What the doors show of a run: the same view answers HTTP and feeds the live page. */
import { flopsBudgetOf } from '../analysis/flops-budget'
import { detectAll } from '../analysis/index'
import { postMortemOf } from '../analysis/post-mortem/index'
import { unixSeconds } from '../base/clock'
import { predict, type PredictInput } from '../math/predict'
import type {
  GpuSeries,
  HostSeries,
  LiveUpdate,
  RankInfo,
  RankMap,
  RankMetric,
  RunDetail,
  RunEvent,
  RunHead,
  RunSummary,
  StepSeries,
} from '../wire/api'
import type { Finding } from '../wire/findings'
import type { FlopsBudget } from '../wire/flops-budget'
import type { RecordOf } from '../wire/records'
import type { PostMortem } from '../wire/post-mortem'
import { sceneOf } from './queries/post-mortem'
import { cables, groupSteps, standing } from './queries/fabric'
import { gpuSeries, hostSeries, leastDeviceMemory } from './queries/devices'
import { rankInfos, runEvents } from './queries/run'
import { perRank, perStep, rankMap, stepSeries, type Range } from './queries/steps'
import { numberAt, numbers, rowsOf, textAt } from './queries/values'
import { endOf, type RunFacts } from './run-facts'
import type { RunFigures } from './run-figures'
import type { Runs } from './runs'
import type { Store } from './store/store'

/** Steps that detectors look at. */
const WINDOW_STEPS = 128
/** Findings are worth this much work: not more often than this per run, in seconds. */
const FINDINGS_EVERY = 2

const column = (values: readonly (number | null)[]) => Float64Array.from(values, value => value ?? NaN)

export class Views {
  private readonly findings = new Map<string, { at: number; changes: number; findings: Finding[] }>()

  constructor(
    readonly store: Store,
    readonly runs: Runs,
    private readonly log: (line: string) => void,
  ) {}

  async summaries(): Promise<RunSummary[]> {
    return Promise.all(this.runs.list().map(facts => this.runs.summary(facts)))
  }

  async head(facts: RunFacts): Promise<RunHead> {
    const { config } = await this.runs.figures(facts)
    return {
      at: unixSeconds(),
      summary: await this.runs.summary(facts),
      config: config ?? null,
      findings: await this.findingsOf(facts),
    }
  }

  members(facts: RunFacts): Promise<RankInfo[]> {
    return rankInfos(this.store, facts.run, facts.lastStep)
  }

  async detail(facts: RunFacts): Promise<RunDetail> {
    const ranks = await this.members(facts)
    return { ...(await this.head(facts)), ranks }
  }

  /** Seconds that the run spans, a little wider, so that samples at its edges are in. */
  range(facts: RunFacts, given: Partial<Range>): Range {
    const from = given.from ?? facts.startedAt - 5
    const to = given.to ?? Math.max(facts.lastSeenAt, endOf(facts)?.endedAt ?? 0) + 5
    return { from, to, points: given.points ?? 1000 }
  }

  async steps(facts: RunFacts, range: Range): Promise<StepSeries> {
    return stepSeries(this.store, facts.run, range, await this.runs.figures(facts))
  }

  rankMap(facts: RunFacts, metric: RankMetric, range: Range): Promise<RankMap> {
    return rankMap(this.store, facts.run, metric, range)
  }

  /** Of the devices that the run's ranks drive; where no rank says which, of all on its nodes. */
  async gpus(facts: RunFacts, range: Range): Promise<GpuSeries[]> {
    const series = await gpuSeries(this.store, [...facts.nodes], range)
    return facts.gpus.size === 0 ? series : series.filter(({ node, index }) => facts.gpus.has(`${node} ${index}`))
  }

  hosts(facts: RunFacts, range: Range): Promise<HostSeries[]> {
    return hostSeries(this.store, [...facts.nodes], range)
  }

  events(facts: RunFacts, limit: number, after = 0): Promise<RunEvent[]> {
    return runEvents(this.store, facts.run, limit, after)
  }

  /** What changed since `since` (Unix seconds), steps at full resolution. */
  async update(facts: RunFacts, since: number): Promise<LiveUpdate> {
    const range = { from: since - 1, to: unixSeconds() + 60, points: 4000 }
    return {
      run: facts.run,
      at: unixSeconds(),
      summary: await this.runs.summary(facts),
      findings: await this.findingsOf(facts),
      steps: await this.steps(facts, range),
      events: await this.events(facts, 50, since - 1),
    }
  }

  async flopsBudget(facts: RunFacts): Promise<FlopsBudget> {
    const figures = await this.runs.figures(facts)
    return flopsBudgetOf(await this.window(facts, figures, unixSeconds()), figures.efficiency)
  }

  async findingsOf(facts: RunFacts): Promise<Finding[]> {
    const now = unixSeconds()
    const { changes } = facts
    const known = this.findings.get(facts.run)
    if (
      known !== undefined &&
      (now - known.at < FINDINGS_EVERY || (endOf(facts) !== undefined && known.changes === changes))
    ) {
      return known.findings
    }
    const figures = await this.runs.figures(facts)
    const window = await this.window(facts, figures, now)
    const findings = detectAll(window, (detector, message) => this.log(`detector ${detector} failed: ${message}`))
    this.findings.set(facts.run, { at: now, changes, findings })
    return findings
  }

  private async window(facts: RunFacts, { config }: RunFigures, now: number) {
    const end = endOf(facts)
    const parameters = { run: facts.run, from: (facts.lastStep ?? 0) - WINDOW_STEPS }
    const where = 'run = {run:String} AND step > {from:Float64}'
    const ranks = await this.store.query(
      `SELECT * FROM (${perRank(`${where} AND rank IS NOT NULL`)}) ORDER BY step, rank`,
      parameters,
    )
    const steps = await this.store.query(`SELECT step, at, seconds FROM (${perStep(where)}) ORDER BY step`, parameters)
    return {
      run: facts.run,
      now,
      config,
      facts: {
        state: this.runs.stateOf(facts, now),
        startedAt: facts.startedAt,
        endedAt: end?.endedAt,
        exitCode: end?.exitCode ?? undefined,
        worldSize: facts.worldSize ?? undefined,
      },
      ranks: {
        step: column(numbers(ranks, 'step')),
        rank: column(numbers(ranks, 'rank')),
        time: column(numbers(ranks, 'at')),
        stepSeconds: column(numbers(ranks, 'stepSeconds')),
        dataSeconds: column(numbers(ranks, 'dataSeconds')),
        forwardSeconds: column(numbers(ranks, 'forwardSeconds')),
        backwardSeconds: column(numbers(ranks, 'backwardSeconds')),
        communicationSeconds: column(numbers(ranks, 'communicationSeconds')),
        optimizerSeconds: column(numbers(ranks, 'optimizerSeconds')),
        tokens: column(numbers(ranks, 'tokens')),
        memoryPeakBytes: column(
          numbers(ranks, 'memoryPeakBytes').map((peak, row) => peak ?? numberAt(ranks, 'memoryAllocatedBytes', row)),
        ),
      },
      steps: {
        step: column(numbers(steps, 'step')),
        time: column(numbers(steps, 'at')),
        stepSeconds: column(numbers(steps, 'seconds')),
      },
      events: await this.eventRecords(facts.run),
      prediction: config === undefined ? undefined : this.predicted(config),
      deviceMemoryBytes: await leastDeviceMemory(this.store, [...facts.nodes], facts.startedAt),
      ...(await standing(this.store, facts.run)),
      groups: await groupSteps(this.store, facts.run, parameters.from),
      topology: await cables(this.store, [...facts.nodes]),
    }
  }

  /** Undefined where no memory ran out. */
  async postMortem(facts: RunFacts): Promise<PostMortem | undefined> {
    const { config } = await this.runs.figures(facts)
    const events = await this.eventRecords(facts.run)
    const scene = await sceneOf(this.store, facts, events, config as PredictInput | undefined)
    return scene === undefined ? undefined : postMortemOf(scene)
  }

  private predicted(config: RecordOf<'config'>) {
    try {
      return predict(config as PredictInput)
    } catch {
      // A config that contradicts itself predicts nothing; the page shows it as it is.
      return undefined
    }
  }

  private async eventRecords(run: string): Promise<RecordOf<'event'>[]> {
    const columns = await this.store.query(
      `SELECT * EXCEPT (agent, sequence, receivedAt, run, node, type), toString(node) AS node, toString(type) AS type FROM event
       WHERE run = {run:String} ORDER BY time DESC LIMIT 1000`,
      { run },
    )
    return Array.from({ length: rowsOf(columns) }, (_, row) => {
      const record: Record<string, unknown> = { kind: 'event', run }
      for (const name of Object.keys(columns))
        record[name] = textAt(columns, name, row) ?? numberAt(columns, name, row) ?? undefined
      return record as unknown as RecordOf<'event'>
    })
  }
}
