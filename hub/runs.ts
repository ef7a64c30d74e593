/** Runs, found from what agents send, and the state they are in. */
import { unixSeconds } from '../base/clock'
import type { RunState, RunSummary } from '../wire/api'
import type { Batch, Table } from '../wire/table'
import { Rested } from './rested'
import { endOf, foldRow, isFactKind, newFacts, restoreFacts, type RunFacts } from './run-facts'
import { computeFigures, type RunFigures } from './run-figures'
import type { RecordOf } from '../wire/records'
import { deviceFacts, type DeviceFacts } from './queries/devices'
import { eventCount, runConfig } from './queries/run'
import type { Store } from './store/store'

/** Heartbeats come every 5 s; after this long without any row the agent counts as gone. */
const LOST_SECONDS = 20
/** For so long it is believed what the devices of a run are, and that there are none. */
const DEVICES_SECONDS = 60
const NO_DEVICES_SECONDS = 3
/** A run is silent when no step came for this many step times, and at least for SILENT_SECONDS. */
const SILENT_STEPS = 10
const SILENT_SECONDS = 30

/** Answers of the store by run, each good as long as what it was asked at stands. */
class Kept<T> {
  private readonly answers = new Map<string, { readonly at: number; readonly until: number; readonly answer: T }>()

  async get(
    run: string,
    at: number,
    ask: () => Promise<T>,
    seconds: (answer: T) => number = () => Infinity,
  ): Promise<T> {
    const found = this.answers.get(run)
    const now = unixSeconds()
    if (found?.at === at && now < found.until) return found.answer
    const answer = await ask()
    this.answers.set(run, { at, until: now + seconds(answer), answer })
    return answer
  }
}

export class Runs {
  private readonly facts = new Map<string, RunFacts>()
  private readonly devicesOf = new Kept<DeviceFacts>()
  private readonly configs = new Kept<RecordOf<'config'> | undefined>()
  private readonly events = new Kept<number>()
  private readonly computed: Rested<RunFigures>

  constructor(
    private readonly store: Store,
    private readonly isConnected: (agent: string) => boolean,
  ) {
    this.computed = new Rested(facts => this.compute(facts), Infinity)
  }

  get(run: string): RunFacts | undefined {
    return this.facts.get(run)
  }

  get size(): number {
    return this.facts.size
  }

  has(run: string): boolean {
    return this.facts.has(run)
  }

  list(): RunFacts[] {
    return [...this.facts.values()].sort((one, other) => other.startedAt - one.startedAt)
  }

  /** Folds a batch that was stored; gives the runs that it speaks of. */
  fold(batch: Batch, agent: string, receivedAt: number): Set<string> {
    const touched = new Set<string>()
    for (const table of batch.tables()) {
      if (!isFactKind(table.kind)) continue
      for (let row = 0; row < table.rows; row += 1) {
        const run = (table as Table<'step'>).get(row, 'run')
        if (typeof run !== 'string' || run === '') continue
        const time = (table as Table<'step'>).get(row, 'time')
        const facts = this.factsOf(run, typeof time === 'number' ? time : receivedAt)
        foldRow(facts, table, row, agent, receivedAt)
        touched.add(run)
      }
    }
    return touched
  }

  /** Somebody wrote a note: what is known of the run is out of date, and yet nothing was heard of it. */
  noted(run: string, at: number): void {
    const facts = this.facts.get(run)
    if (facts === undefined) return
    facts.changes += 1
    facts.lastEventAt = at
  }

  /** Whether a run that goes on is on this node. */
  isOn(run: string, node: string): boolean {
    const facts = this.facts.get(run)
    return facts !== undefined && facts.nodes.has(node) && endOf(facts) === undefined
  }

  private factsOf(run: string, time: number): RunFacts {
    let facts = this.facts.get(run)
    if (facts === undefined) {
      facts = newFacts(run, time)
      this.facts.set(run, facts)
    }
    return facts
  }

  stateOf(facts: RunFacts, now: number): RunState {
    const end = endOf(facts)
    if (end !== undefined) return end.exitCode === null || end.exitCode === 0 ? 'ended' : 'failed'
    if (now - facts.lastSeenAt > LOST_SECONDS && ![...facts.agents].some(this.isConnected)) return 'lost'
    const stepSeconds = this.computed.peek(facts.run)?.summary.stepSeconds.value ?? 0
    const quiet = now - Math.max(facts.lastStepAt ?? 0, facts.startedAt)
    return quiet > Math.max(SILENT_SECONDS, SILENT_STEPS * stepSeconds) ? 'silent' : 'live'
  }

  /** Of the devices on the run's nodes: asked for anew when a node has joined, and now and then. */
  devices(facts: RunFacts): Promise<DeviceFacts> {
    const span = { from: facts.startedAt - 60, to: facts.lastSeenAt + 60 }
    // Devices may be heard of a little later than the run that uses them.
    const seconds = (found: DeviceFacts) => (found.names.length > 0 ? DEVICES_SECONDS : NO_DEVICES_SECONDS)
    const ask = () => deviceFacts(this.store, [...facts.nodes], span)
    return this.devicesOf.get(facts.run, facts.nodes.size, ask, seconds)
  }

  private async compute(facts: RunFacts): Promise<RunFigures> {
    const { run } = facts
    return computeFigures(this.store, facts, {
      config: await this.configs.get(run, facts.configChanges, () => runConfig(this.store, run)),
      events: await this.events.get(run, facts.lastEventAt, () => eventCount(this.store, run)),
      gpuNames: (await this.devices(facts)).names,
    })
  }

  figures(facts: RunFacts): Promise<RunFigures> {
    return this.computed.of(facts)
  }

  async summary(facts: RunFacts): Promise<RunSummary> {
    const figures = await this.figures(facts)
    const end = endOf(facts)
    return {
      run: facts.run,
      name: facts.name ?? facts.run,
      command: facts.command,
      synthetic: facts.synthetic,
      state: this.stateOf(facts, unixSeconds()),
      startedAt: facts.startedAt,
      endedAt: end?.endedAt ?? null,
      exitCode: end?.exitCode ?? null,
      lastSeenAt: facts.lastSeenAt,
      nodes: [...facts.nodes].sort(),
      worldSize:
        facts.worldSize ?? figures.config?.parallelism?.worldSize ?? (facts.ranks.size > 0 ? facts.ranks.size : null),
      gpus: facts.gpus.size,
      step: facts.lastStep,
      ...figures.summary,
    }
  }

  /** Learns from the store what arrived at `since` (Unix seconds) or later; gives the runs that it speaks of. */
  restore(since = 0): Promise<Set<string>> {
    return restoreFacts(this.store, (run, time) => this.factsOf(run, time), since)
  }
}
