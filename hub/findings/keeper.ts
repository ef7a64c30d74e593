/**
 * Looks at runs and keeps what is found: a run that goes on is looked at every few seconds, one that came all at once (an
 * import, a spool that waited) from its first step to its last when it is all there.
 */
import { withLoss } from '../../analysis/cost'
import type { DetectorWindow } from '../../analysis/detector'
import { detectEach } from '../../analysis/index'
import { sleep, unixSeconds } from '../../base/clock'
import { messageOf, PlumblineError } from '../../base/errors'
import type { Finding } from '../../wire/findings'
import { numberAt } from '../queries/values'
import { endOf, type RunFacts } from '../run-facts'
import type { Runs } from '../runs'
import type { Store } from '../store/store'
import { detectorWindow, windowSteps, type Span } from '../window'
import { withEvidence } from './evidence'
import { observe, openOf, resumed, settle, type Change, type Holdings, type KeptFinding } from './life'
import { FindingRows } from './rows'

const TICK_MS = 500
/**
 * Looks at a run may take this share of the time, those at all runs together that, first ones aside; and they come no
 * more often than this, in seconds.
 */
const WORK_SHARE = 0.1
const ALL_SHARE = 0.25
const LOOK_SECONDS = 2
/** Steps between two looks at what is past, and windows that a whole run is looked at in. */
const HOP_STEPS = 16
const MOST_LOOKS = 256
/** Cells (ranks times steps) of a window of a long run. */
const MOST_CELLS = 4_000_000
/** Data that are older than this when they come are of the past: they are looked at when no more come for a while. */
const LIVE_SECONDS = 60
const QUIET_SECONDS = 3
/** A run that nobody looked at yet and that goes on is looked at after so long, whole or not. */
const PATIENCE_SECONDS = 15
const FORGOTTEN_SECONDS = 3600
/** Kept in memory of each run; the store has all. */
const MOST_KEPT = 500

interface Watched {
  holdings: Holdings
  /** By id: how each stands, closed ones too. */
  readonly kept: Map<string, KeptFinding>
  /** Ids of which somebody may have been told, here or by a hub before: of these the end is told too, however late it is found. */
  readonly told: Set<string>
  lookedTo: number | undefined
  lookedAt: number
  /** Count of the facts and their newest event at the last look, and when the count last was another. */
  lookedChanges: number
  lookedEventAt: number
  changes: number
  changedAt: number
  readonly firstAt: number
  took: number
  isOver: boolean
}

const fresh = (): Watched => ({
  holdings: [],
  kept: new Map<string, KeptFinding>(),
  told: new Set<string>(),
  lookedTo: undefined,
  lookedAt: 0,
  lookedChanges: -1,
  lookedEventAt: 0,
  changes: -1,
  changedAt: 0,
  firstAt: unixSeconds(),
  took: 0,
  isOver: false,
})

export interface Price {
  readonly perGpuHour: number
  readonly currency: string
}

export interface KeeperOptions {
  readonly store: Store
  readonly runs: Runs
  /** Whether it is for this hub to look at a run, and whether it is still. */
  readonly turn: (run: string) => Promise<boolean>
  readonly holds: (run: string) => boolean
  readonly price?: Price | undefined
  /** Somebody may want to know; `isNews`: it is not of the past, or the end of what was news. */
  readonly tell: (change: Change, isNews: boolean) => void
  readonly log: (line: string) => void
}

export class Keeper {
  private readonly watched = new Map<string, Watched>()
  private readonly stopped = new AbortController()
  private readonly rows: FindingRows
  private over: Promise<void> = Promise.resolve()

  constructor(private readonly options: KeeperOptions) {
    this.rows = new FindingRows(options.store)
  }

  /** What holds the run back now; of a run that is over, what did so to its end. */
  current(facts: RunFacts): KeptFinding[] {
    const own = this.watched.get(facts.run)
    if (own === undefined) return []
    if (!own.isOver) return openOf(own.holdings)
    const last = Math.max(...[...own.kept.values()].map(({ until = 0 }) => until))
    return dearestFirst([...own.kept.values()].filter(({ until = 0 }) => until >= last - LIVE_SECONDS))
  }

  /** Open ones first, then the newest. */
  all(facts: RunFacts): KeptFinding[] {
    const own = this.watched.get(facts.run)
    if (own === undefined) return []
    const now = new Map([...own.kept, ...openOf(own.holdings).map(finding => [finding.id, finding] as const)])
    return [...now.values()].sort(
      (one, other) => Number(other.state === 'open') - Number(one.state === 'open') || other.since - one.since,
    )
  }

  /** The step up to which a run was looked at, and to its end where it has one; undefined where it was not yet. */
  lookedTo(facts: RunFacts): number | undefined {
    const own = this.watched.get(facts.run)
    return endOf(facts) === undefined || own?.isOver === true ? own?.lookedTo : undefined
  }

  /** Of all runs. */
  open(): KeptFinding[] {
    return [...this.watched.values()].flatMap(({ holdings }) => openOf(holdings))
  }

  async start(): Promise<void> {
    await this.recall()
    this.over = this.loop()
  }

  /** What another hub found of runs that it looks at is known here too, of what arrived at `since` or later; gives the runs. */
  async follow(since: number): Promise<string[]> {
    const runs = (await this.rows.changed(since)).filter(run => !this.options.holds(run))
    if (runs.length > 0) await this.recall(runs)
    return runs
  }

  /** As the store has them: of these runs, or of all. */
  private async recall(runs?: readonly string[]): Promise<void> {
    for (const [run, { findings, lookedTo }] of await this.rows.read(runs)) {
      const facts = this.options.runs.get(run)
      if (facts === undefined) continue
      const own = this.watchedOf(run)
      for (const [id, finding] of findings) own.kept.set(id, finding)
      const open = [...findings.values()].filter(({ state }) => state === 'open')
      for (const { id } of open) own.told.add(id)
      // Whoever looked until now saw them at the newest step, for all that is known: they are gone when they are not seen from there on.
      const look = { step: lookedTo ?? facts.lastStep ?? 0, time: facts.lastSeenAt }
      own.holdings = open.map(one => resumed(one, look))
      own.lookedTo = lookedTo ?? Math.max(0, (facts.lastStep ?? 0) - windowSteps(facts.ranks.size))
      own.isOver = endOf(facts) !== undefined && lookedTo !== undefined && lookedTo >= (facts.lastStep ?? 0)
    }
  }

  /** Whether it is for this hub to look at a run; where another did until now, it goes on where that was. */
  private async isOurs(run: string): Promise<boolean> {
    const had = this.options.holds(run)
    const has = await this.options.turn(run)
    if (has && !had) await this.recall([run])
    return has
  }

  close(): Promise<void> {
    this.stopped.abort()
    return this.over
  }

  private watchedOf(run: string): Watched {
    const own = this.watched.get(run) ?? fresh()
    this.watched.set(run, own)
    return own
  }

  private async loop(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      for (const facts of this.options.runs.list()) {
        if (this.stopped.signal.aborted) return
        const own = this.watchedOf(facts.run)
        if (!this.isDue(facts, own)) continue
        const began = unixSeconds()
        const isFirst = own.lookedTo === undefined
        try {
          if (!(await this.isOurs(facts.run))) continue
          await this.look(facts, own)
          const took = unixSeconds() - began
          if (!isFirst) await sleep((took / ALL_SHARE - took) * 1000, this.stopped.signal)
        } catch (error) {
          own.lookedAt = unixSeconds()
          if (!this.stopped.signal.aborted) this.options.log(`findings of ${facts.run}: ${messageOf(error)}`)
        }
      }
      await sleep(TICK_MS, this.stopped.signal)
    }
  }

  private isDue(facts: RunFacts, own: Watched): boolean {
    const now = unixSeconds()
    if (own.changes !== facts.changes) [own.changes, own.changedAt] = [facts.changes, now]
    const isOver = endOf(facts) !== undefined
    if (isOver && own.lookedChanges === facts.changes) return false
    // What others have to say of a step that was looked at waits for the next one; without one a run may have fallen silent.
    const hasNews = isOver || (facts.lastStep ?? 0) !== own.lookedTo || facts.lastEventAt > own.lookedEventAt
    if (!hasNews && now - own.lookedAt < QUIET_SECONDS * 5) return false
    if (now - own.lookedAt < Math.max(LOOK_SECONDS, own.took / WORK_SHARE)) return false
    // What nobody has heard of for so long is not looked at for ever.
    if (now - own.changedAt > FORGOTTEN_SECONDS) return false
    const isRecent = now - (facts.lastStepAt ?? facts.lastSeenAt) < LIVE_SECONDS
    const isKnown = own.lookedTo !== undefined || now - facts.startedAt < LIVE_SECONDS
    const isWholeSoon = now - own.changedAt >= QUIET_SECONDS
    return isWholeSoon || (isRecent && (isKnown || now - own.firstAt > PATIENCE_SECONDS))
  }

  /** One look at a run, or as many as it takes to come up to its last step. */
  private async look(facts: RunFacts, own: Watched): Promise<void> {
    const { changes, lastEventAt } = facts
    const began = unixSeconds()
    const last = facts.lastStep ?? 0
    const from = own.lookedTo ?? (await firstStep(this.options.store, facts.run))
    const spans = spansOf(from, last, Math.max(1, facts.ranks.size))
    for (const span of spans) {
      const { store, runs, price } = this.options
      const seen = await detectorWindow(store, runs, facts, span)
      const window = { ...seen, pricePerGpuHour: price?.perGpuHour, open: openOf(own.holdings) }
      const found = await this.detect(window)
      const look = { step: span.to, time: window.steps.time[window.steps.time.length - 1] ?? window.now }
      const told = await withEvidence(this.options.store, facts, window, found)
      const { holdings, changes: news } = observe(own.holdings, told, look, finding => this.priced(finding, window))
      own.holdings = holdings
      for (const change of news) await this.keep(facts, own, change, look.time)
      if (this.stopped.signal.aborted) return
    }
    own.isOver = endOf(facts) !== undefined
    if (own.isOver) {
      for (const change of settle(own.holdings)) await this.keep(facts, own, change, change.finding.until ?? began)
      own.holdings = []
      if (spans.length > 0) await this.rows.keepLook(facts.run, last, began)
    }
    const now = unixSeconds()
    Object.assign(own, {
      lookedTo: last,
      lookedAt: now,
      lookedChanges: changes,
      lookedEventAt: lastEventAt,
      took: now - began,
    })
  }

  private async detect(window: DetectorWindow): Promise<Finding[]> {
    const found: Finding[] = []
    for (const own of detectEach(window, (detector, why) => this.options.log(`detector ${detector} failed: ${why}`))) {
      found.push(...own)
      // Others want an answer meanwhile.
      await sleep(0, this.stopped.signal)
    }
    return found
  }

  /** It began before the window that it was seen in. */
  private priced(finding: Finding, window: DetectorWindow): Finding {
    const { price } = this.options
    const told = withLoss(finding, window)
    return told.costMoney === undefined || price === undefined ? told : { ...told, currency: price.currency }
  }

  private async keep(facts: RunFacts, own: Watched, change: Change, time: number): Promise<void> {
    const { finding } = change
    if (!this.options.holds(facts.run)) throw new PlumblineError('another hub looks at it now')
    own.kept.set(finding.id, finding)
    const [oldest] = own.kept.keys()
    if (own.kept.size > MOST_KEPT && oldest !== undefined) own.kept.delete(oldest)
    const isNow = unixSeconds() - (facts.lastStepAt ?? facts.lastSeenAt) < LIVE_SECONDS
    if (isNow) own.told.add(finding.id)
    const isNews = isNow || own.told.has(finding.id)
    if (change.what === 'closed') own.told.delete(finding.id)
    // Stored first: whoever goes on for this hub, when it is killed now, knows of what was told. What cannot be stored is told all the same.
    await this.rows.keep(finding, time).finally(() => this.options.tell(change, isNews))
  }
}

async function firstStep(store: Store, run: string): Promise<number> {
  const rows = await store.query('SELECT min(step.step) AS first FROM step WHERE run = {run:String}', { run })
  return (numberAt(rows, 'first', 0) ?? 1) - 1
}

const dearestFirst = (findings: KeptFinding[]) =>
  findings.sort((one, other) => (other.costSecondsPerStep ?? 0) - (one.costSecondsPerStep ?? 0))

/** From what was looked at to the last step. What is new is looked at together with the steps before. */
function spansOf(lookedTo: number, last: number, ranks: number): Span[] {
  const hop = Math.max(HOP_STEPS, Math.ceil((last - lookedTo) / MOST_LOOKS))
  const width = Math.max(windowSteps(ranks), Math.min(hop, Math.floor(MOST_CELLS / ranks)))
  const ends = Array.from(
    { length: Math.max(0, Math.ceil((last - lookedTo) / hop) - 1) },
    (_, at) => lookedTo + (at + 1) * hop,
  )
  return [...ends, last].map(to => ({ from: to - width, to }))
}
