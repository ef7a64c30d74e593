/** What the doors show of a run: the same view answers HTTP and feeds the live page. */
import { fabricPictureOf } from '../analysis/fabric-picture'
import { flopsBudgetOf } from '../analysis/flops-budget'
import { probeVerdicts } from '../analysis/probe-verdict'
import { postMortemOf } from '../analysis/post-mortem/index'
import { unixSeconds } from '../base/clock'
import type { HardwareInput } from '../math/input'
import type { PredictInput } from '../math/predict'
import type {
  GpuSeries,
  HostSeries,
  LiveUpdate,
  LogLine,
  PeerSeries,
  RankInfo,
  RankMap,
  RankMetric,
  RunDetail,
  RunEvent,
  RunHead,
  RunSummary,
  StepSeries,
} from '../wire/api'
import type { FabricPicture } from '../wire/fabric-picture'
import type { Ways } from '../wire/ways'
import type { FlopsBudget } from '../wire/flops-budget'
import type { ProbeReport } from '../wire/probe'
import type { PostMortem } from '../wire/post-mortem'
import { sceneOf } from './queries/post-mortem'
import type { HeatMap, HeatMetricName } from '../wire/heat'
import type { Keeper } from './findings/keeper'
import { gpuSeries, hostSeries, pointsFor } from './queries/devices'
import { cables, standing } from './queries/fabric'
import { waysOf } from './queries/ways'
import { HeatMaps, type HeatQuestion } from './queries/heat'
import { logLines } from './queries/lines'
import { rankInfos, runEventOf, runEvents } from './queries/run'
import { eventsWithKills, ownKills } from './queries/kills'
import { newestProbe } from './queries/probe'
import { rankMap, stepSeries, type Range } from './queries/steps'
import { Rested } from './rested'
import { endOf, type RunFacts } from './run-facts'
import type { Runs } from './runs'
import { seenHardware } from './seen-hardware'
import type { Store } from './store/store'
import { detectorWindow, windowSteps } from './window'

/** Of a node: all of them are read, whichever the run drives. */
const USUAL_DEVICES = 8

export class Views {
  private readonly heatMaps: HeatMaps
  private readonly memberLists = new Rested(facts => this.findMembers(facts))
  private readonly hardware = new Rested(facts => this.findHardware(facts))
  private readonly budgets = new Rested(facts => this.findBudget(facts))
  private readonly fabrics = new Rested(async facts => fabricPictureOf(await this.windows.of(facts)))
  private readonly waysOfRuns = new Rested(facts => waysOf(this.store, facts))
  /** The last steps of a run, for all that is made of them: a few runs’, as one is large. */
  private readonly windows = new Rested(facts => this.lastWindow(facts), 2)

  constructor(
    readonly store: Store,
    readonly runs: Runs,
    readonly findings: Pick<Keeper, 'current' | 'all' | 'lookedTo'>,
  ) {
    this.heatMaps = new HeatMaps(store)
  }

  async summaries(): Promise<RunSummary[]> {
    return Promise.all(this.runs.list().map(facts => this.runs.summary(facts)))
  }

  async head(facts: RunFacts): Promise<RunHead> {
    const { config } = await this.runs.figures(facts)
    return {
      at: unixSeconds(),
      summary: await this.runs.summary(facts),
      config:
        config === undefined
          ? null
          : { ...config, hardware: { ...(await this.hardware.of(facts)), ...config.hardware } },
      findings: this.findings.current(facts),
    }
  }

  /** As the budget and the detectors take it: the page predicts the same. */
  private async findHardware(facts: RunFacts): Promise<HardwareInput> {
    const [devices, { places }, cabling] = await Promise.all([
      this.runs.devices(facts),
      standing(this.store, facts.run),
      cables(this.store, [...facts.nodes]),
    ])
    return seenHardware(devices.names, cabling, places)
  }

  /** The ranks, each with its pipeline stage and its leaf. */
  members(facts: RunFacts): Promise<RankInfo[]> {
    return this.memberLists.of(facts)
  }

  private async findMembers(facts: RunFacts): Promise<RankInfo[]> {
    const [infos, { coordinates }, cabling] = await Promise.all([
      rankInfos(this.store, facts.run, facts.lastStep),
      standing(this.store, facts.run),
      cables(this.store, [...facts.nodes]),
    ])
    const leaves = new Map<string, string>()
    for (const { node, switch: leaf, tier } of cabling)
      if (node !== undefined && leaf !== undefined && (tier ?? 'leaf') === 'leaf') leaves.set(node, leaf)
    return infos.map(info => ({
      ...info,
      stage: coordinates?.get(info.rank)?.pipeline ?? null,
      leaf: leaves.get(info.node ?? '') ?? null,
    }))
  }

  /** With the `version` of an earlier answer as `since`, only what changed. */
  async heat(facts: RunFacts, metric: HeatMetricName, range: Range, since?: string): Promise<HeatMap> {
    return this.heatMaps.map(await this.heatQuestion(facts, range), metric, since)
  }

  private async heatQuestion(facts: RunFacts, range: Range): Promise<HeatQuestion> {
    const { run, ranks, lastSeenAt, lastStepAt } = facts
    const { summary } = await this.runs.figures(facts)
    return { run, range, ranks: ranks.size, stepSeconds: summary.stepSeconds.value, lastSeenAt, lastStepAt }
  }

  /** A rank beside those of its pipeline stage, by each of the metrics; beside all others where no stage is known. */
  async peers(facts: RunFacts, metrics: readonly HeatMetricName[], rank: number, range: Range): Promise<PeerSeries[]> {
    const { coordinates } = await standing(this.store, facts.run)
    const stage = coordinates?.get(rank)?.pipeline
    const isPeer = (other: number) => other !== rank && coordinates?.get(other)?.pipeline === stage
    return this.heatMaps.peers(await this.heatQuestion(facts, range), metrics, rank, [...facts.ranks].filter(isPeer))
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
    const points = pointsFor(Math.max(facts.gpus.size, facts.nodes.size * USUAL_DEVICES), range.points)
    const series = await gpuSeries(this.store, [...facts.nodes], { ...range, points })
    return facts.gpus.size === 0 ? series : series.filter(({ node, index }) => facts.gpus.has(`${node} ${index}`))
  }

  hosts(facts: RunFacts, range: Range): Promise<HostSeries[]> {
    return hostSeries(this.store, [...facts.nodes], { ...range, points: pointsFor(facts.nodes.size, range.points) })
  }

  /** Newest first, kills that the kernel told of among them; of those that came after `after`. */
  async events(facts: RunFacts, limit: number, after = 0): Promise<RunEvent[]> {
    const kills = (await ownKills(this.store, facts)).map(runEventOf).filter(({ time }) => time > after)
    const events = [...kills, ...(await runEvents(this.store, facts.run, limit, after))]
    return events.toSorted((one, other) => other.time - one.time).slice(0, limit)
  }

  /** The newest lines of its logs in the range. */
  lines(facts: RunFacts, { from, to }: Range, limit: number): Promise<LogLine[]> {
    return logLines(this.store, facts.run, { from, to, limit })
  }

  /** What changed since `since` (Unix seconds), steps at full resolution. */
  async update(facts: RunFacts, since: number): Promise<LiveUpdate> {
    const range = { from: since - 1, to: unixSeconds() + 60, points: Infinity }
    return {
      run: facts.run,
      at: unixSeconds(),
      summary: await this.runs.summary(facts),
      findings: this.findings.current(facts),
      steps: await this.steps(facts, range),
      events: facts.lastEventAt > since - 1 ? await this.events(facts, 50, since - 1) : [],
    }
  }

  flopsBudget(facts: RunFacts): Promise<FlopsBudget> {
    return this.budgets.of(facts)
  }

  private async findBudget(facts: RunFacts): Promise<FlopsBudget> {
    const { efficiency, summary } = await this.runs.figures(facts)
    return flopsBudgetOf(await this.windows.of(facts), efficiency, summary.stepSeconds.value)
  }

  fabric(facts: RunFacts): Promise<FabricPicture> {
    return this.fabrics.of(facts)
  }

  ways(facts: RunFacts): Promise<Ways> {
    return this.waysOfRuns.of(facts)
  }

  /** Of the newest probe that saw nodes of the run; null where none did. */
  async probe(facts: RunFacts): Promise<ProbeReport | null> {
    const found = await newestProbe(this.store, [...facts.nodes])
    if (found === undefined) return null
    const topology = await cables(this.store, found.nodes)
    return { ...found, verdicts: probeVerdicts(found.pairs, found.products, topology) }
  }

  private lastWindow(facts: RunFacts) {
    const last = facts.lastStep ?? 0
    return detectorWindow(this.store, this.runs, facts, { from: last - windowSteps(facts.ranks.size), to: last })
  }

  /** Undefined where no memory ran out. */
  async postMortem(facts: RunFacts): Promise<PostMortem | undefined> {
    const { config } = await this.runs.figures(facts)
    const events = await eventsWithKills(this.store, facts)
    const scene = await sceneOf(this.store, facts, events, config as PredictInput | undefined)
    return scene === undefined ? undefined : postMortemOf(scene)
  }
}
