/**
 * Commits: batches that wait are laid together as they come, and stored one block a table. A commit is written table by
 * table: a batch whose `add` resolved is in all tables. One that fails is tried again until it is in, and no other begins
 * before it: after a crash at most one commit, the newest, is there in parts, and each table's rows say which. Meanwhile
 * whoever waits is told of the failure, and nothing more is taken.
 */
import { Bucket } from '../../base/bucket'
import { backoff, sleep } from '../../base/clock'
import { messageOf, PlumblineError } from '../../base/errors'
import { kinds, type Kind } from '../../wire/metrics'
import type { Batch } from '../../wire/table'
import type { Delivered } from './delivered'
import type { Engine } from './engine'
import { Gathered, type ColumnTypes } from './gathered'
import type { Origin } from './native'

/** Rows of one commit: a block must stay one part, and in memory. */
const MAX_ROWS = 131_072
/** Rows that may wait: more is refused, and stays in the agents' spools. */
const MAX_WAITING_ROWS = 4 * MAX_ROWS
/**
 * A commit costs the store about the same whether it brings two thousand rows or ten: where others come meanwhile, or many came one
 * by one of late, a rest follows in proportion to what it took, within these bounds; a longer one until a batch waits that
 * somebody wants to see. None where a whole block waits.
 */
const REST = 3
const REST_MS = { awaited: [200, 300], free: [1600, 2000] } as const
/** Of batches that come one by one, so many a second are stored as they come, and of a few seconds at once. */
const AT_ONCE = { perSecond: 2, seconds: 8 } as const
/** Those that somebody wants to see come together: the nodes of one run. */
const TOGETHER_MS = 50

export const FULL = 'more waits to be stored than the hub holds'

interface Pending {
  readonly origin: Origin
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const DAY_SECONDS = 86_400
/** A part lies in one day, of UTC: a block of two would become two parts, of which a crash may leave one. */
const dayOf = ({ receivedAt }: Origin) => Math.floor(receivedAt / DAY_SECONDS)

/** What is stored together: batches of one day, as many as one block takes; at least one. */
class Commit {
  readonly tables = new Map<Kind, Gathered>()
  readonly pending: Pending[] = []
  rows = 0
  /** Somebody wants to see one of them soon. */
  isAwaited = false

  hasRoom({ rows }: Batch, origin: Origin): boolean {
    const [first] = this.pending
    return first === undefined || (this.rows + rows <= MAX_ROWS && dayOf(first.origin) === dayOf(origin))
  }

  add(batch: Batch, pending: Pending, typesOf: (kind: Kind) => ColumnTypes): void {
    for (const table of batch.tables()) {
      const gathered = this.tables.get(table.kind) ?? new Gathered(typesOf(table.kind))
      gathered.add(table, pending.origin)
      this.tables.set(table.kind, gathered)
    }
    this.pending.push(pending)
    this.rows += batch.rows
  }

  clear(): void {
    for (const gathered of this.tables.values()) gathered.clear()
    this.pending.length = 0
    this.rows = 0
    this.isAwaited = false
  }
}

export class Commits {
  private waiting: Commit[] = []
  private storing: Commit | undefined
  /** One that is stored, whose memory the next takes. */
  private spare: Commit | undefined
  private waitingRows = 0
  /** The newest batch of each agent that is taken and not stored yet. */
  private readonly taken = new Map<string, { readonly sequence: number; readonly stored: Promise<void> }>()
  private running: Promise<void> | undefined
  private failure: PlumblineError | undefined
  private readonly atOnce = new Bucket(AT_ONCE.perSecond, AT_ONCE.seconds)
  /** When the last commit was over, and what it took, in milliseconds. */
  private last = { at: 0, took: 0 }
  private readonly closed = new AbortController()
  /** Ends a rest. */
  private awaited = new AbortController()

  constructor(
    private readonly engine: Engine,
    private readonly delivered: Delivered,
    private readonly types: ReadonlyMap<Kind, ColumnTypes>,
  ) {}

  /** More waits than the hub holds: what comes now would be refused. */
  get isFull(): boolean {
    return this.waitingRows >= MAX_WAITING_ROWS
  }

  /** Resolves once every table has the rows of the batch, which is read at once. Batches of one agent come in order. */
  add(batch: Batch, origin: Origin, isAwaited: boolean): Promise<void> {
    if (origin.sequence <= this.delivered.of(origin.agent)) return Promise.resolve()
    const newest = this.taken.get(origin.agent)
    if (newest !== undefined && origin.sequence <= newest.sequence) return newest.stored
    if (this.failure !== undefined) return Promise.reject(this.failure)
    if (this.waitingRows > 0 && this.waitingRows + batch.rows > MAX_WAITING_ROWS)
      return Promise.reject(new PlumblineError(FULL))
    const stored = new Promise<void>((resolve, reject) => this.gather(batch, isAwaited, { origin, resolve, reject }))
    this.taken.set(origin.agent, { sequence: origin.sequence, stored })
    this.running ??= this.run()
    return stored
  }

  /** When the oldest batch came that is not stored yet, in Unix seconds; Infinity where all is. */
  oldestWaiting(): number {
    // They are stamped and stored in the order in which they came.
    return (this.storing ?? this.waiting[0])?.pending[0]?.origin.receivedAt ?? Infinity
  }

  /** Lets go of what is not stored yet: it may be another hub's to store by now. */
  abandon(): void {
    this.end()
    this.fail(new PlumblineError('the hub no longer has its place in the fleet'))
  }

  /** Resolves when what waits is stored, or has been refused. */
  async close(): Promise<void> {
    this.end()
    await this.running
    await this.delivered.flush()
  }

  private end(): void {
    this.closed.abort()
    this.awaited.abort()
  }

  private gather(batch: Batch, isAwaited: boolean, pending: Pending): void {
    let commit = this.waiting.at(-1)
    if (commit?.hasRoom(batch, pending.origin) !== true) {
      commit = this.spare ?? new Commit()
      this.spare = undefined
      this.waiting.push(commit)
    }
    commit.add(batch, pending, kind => this.types.get(kind) ?? new Map<string, string>())
    this.waitingRows += batch.rows
    if (!isAwaited) return
    commit.isAwaited = true
    this.awaited.abort()
  }

  private async run(): Promise<void> {
    // What comes together is stored together.
    await Promise.resolve()
    if (!this.atOnce.take(1)) await this.rest()
    for (let commit = this.waiting.shift(); commit !== undefined; commit = this.waiting.shift()) {
      const from = performance.now()
      this.waitingRows -= commit.rows
      this.storing = commit
      await this.commit(commit)
      this.storing = undefined
      const at = performance.now()
      this.last = { at, took: at - from }
      if (this.waiting.length === 1) await this.rest()
    }
    // At once with the look that found nothing: what comes next begins anew.
    this.running = undefined
  }

  /** Until it is time for the next commit. */
  private async rest(): Promise<void> {
    const { at, took } = this.last
    const until = ([least, most]: readonly [number, number]) => at + Math.min(most, Math.max(least, took * REST))
    const wait = (moment: number, signal: AbortSignal) => sleep(Math.max(0, moment - performance.now()), signal)
    await wait(until(REST_MS.awaited), this.closed.signal)
    if (this.waiting.some(({ isAwaited }) => isAwaited)) return
    if (!this.closed.signal.aborted) this.awaited = new AbortController()
    await wait(until(REST_MS.free) - TOGETHER_MS, this.awaited.signal)
    await sleep(TOGETHER_MS, this.closed.signal)
  }

  private async commit(commit: Commit): Promise<void> {
    const wait = backoff(200, 5000)
    for (let unsure = false; ; unsure = true) {
      try {
        for (const kind of kinds) await this.insert(kind, commit.tables.get(kind), unsure)
        await this.delivered.put(commit.pending.map(({ origin }) => origin))
        if (!unsure) this.spare = commit
        break
      } catch (error) {
        this.fail(error)
        if (this.closed.signal.aborted) return
        await sleep(wait.next(), this.closed.signal)
      }
    }
    this.failure = undefined
    for (const { origin, resolve } of commit.pending) {
      if (this.taken.get(origin.agent)?.sequence === origin.sequence) this.taken.delete(origin.agent)
      resolve()
    }
    this.spare?.clear()
  }

  /** One block of what this table has not; where the last try failed, the table is asked first. */
  private async insert(kind: Kind, gathered: Gathered | undefined, unsure: boolean): Promise<void> {
    if (gathered === undefined || gathered.rows === 0) return
    if (unsure) await this.delivered.look([kind], gathered.since)
    const isStored = (origin: Origin) => this.delivered.has(kind, origin)
    const left = gathered.has(isStored) ? gathered.without(isStored) : gathered
    if (left.rows > 0) await this.engine.insert(kind, left.block())
  }

  /** Whoever waits is told, and sends again; this commit alone goes on being tried. */
  private fail(error: unknown): void {
    this.failure = new PlumblineError(messageOf(error), { cause: error })
    const all = this.storing === undefined ? this.waiting : [this.storing, ...this.waiting]
    for (const { pending } of all) for (const { reject } of pending) reject(this.failure)
    this.waiting = []
    this.waitingRows = 0
    this.taken.clear()
  }
}
