/**
 * Commits: batches that wait are stored together, one block a table. A commit is written table by table: a batch whose
 * `add` resolved is in all tables. One that fails is tried again until it is in, and no other begins before it: after a
 * crash at most one commit, the newest, is there in parts, and each table's rows say which. Meanwhile whoever waits is
 * told of the failure, and nothing more is taken.
 */
import { backoff, sleep } from '../../base/clock'
import { messageOf, PlumblineError } from '../../base/errors'
import { kinds, type Kind } from '../../wire/metrics'
import type { Batch } from '../../wire/table'
import { Arena } from './arena'
import type { Delivered } from './delivered'
import type { Engine } from './engine'
import { nativeBlock, type ColumnTypes, type Origin, type Part } from './native'

/** Rows of one commit: a block must stay one part, and in memory. */
const MAX_ROWS = 131_072
/** Rows that may wait: more is refused, and stays in the agents' spools. */
const MAX_WAITING_ROWS = 4 * MAX_ROWS
/**
 * A commit costs the store about the same whether it brings two thousand rows or ten: where others came meanwhile, a rest
 * follows in proportion to what it took, within these bounds; a longer one while nobody looks at a run.
 */
const REST = 3
const REST_MS = { watched: [200, 450], free: [800, 1000] } as const

interface Pending {
  readonly batch: Batch
  readonly origin: Origin
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** A part lies in one day: a block of two would become two parts, of which a crash may leave one. */
const dayOf = ({ receivedAt }: Origin) => new Date(receivedAt * 1000).toISOString().slice(0, 10)

export class Commits {
  private waiting: Pending[] = []
  private storing: readonly Pending[] = []
  private waitingRows = 0
  /** The newest batch of each agent that is taken and not stored yet. */
  private readonly taken = new Map<string, { readonly sequence: number; readonly stored: Promise<void> }>()
  private running: Promise<void> | undefined
  private failure: PlumblineError | undefined
  private readonly closed = new AbortController()
  private arena = new Arena()

  constructor(
    private readonly engine: Engine,
    private readonly delivered: Delivered,
    private readonly types: ReadonlyMap<Kind, ColumnTypes>,
    private readonly isWatched: () => boolean,
  ) {}

  /** Resolves once every table has the rows of the batch. Batches of one agent come in order. */
  add(batch: Batch, origin: Origin): Promise<void> {
    if (origin.sequence <= this.delivered.of(origin.agent)) return Promise.resolve()
    const newest = this.taken.get(origin.agent)
    if (newest !== undefined && origin.sequence <= newest.sequence) return newest.stored
    if (this.failure !== undefined) return Promise.reject(this.failure)
    if (this.waitingRows > 0 && this.waitingRows + batch.rows > MAX_WAITING_ROWS)
      return Promise.reject(new PlumblineError('more waits to be stored than the hub holds'))
    const stored = new Promise<void>((resolve, reject) => this.waiting.push({ batch, origin, resolve, reject }))
    this.taken.set(origin.agent, { sequence: origin.sequence, stored })
    this.waitingRows += batch.rows
    this.running ??= this.run()
    return stored
  }

  /** When the oldest batch came that is not stored yet, in Unix seconds; Infinity where all is. */
  oldestWaiting(): number {
    // They are stamped and stored in the order in which they came.
    return (this.storing[0] ?? this.waiting[0])?.origin.receivedAt ?? Infinity
  }

  /** Lets go of what is not stored yet: it may be another hub's to store by now. */
  abandon(): void {
    this.closed.abort()
    this.fail(this.storing, new PlumblineError('the hub no longer has its place in the fleet'))
  }

  /** Resolves when what waits is stored, or has been refused. */
  async close(): Promise<void> {
    this.closed.abort()
    await this.running
    await this.delivered.flush()
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const from = performance.now()
      this.storing = this.take()
      await this.commit(this.storing)
      this.storing = []
      const [least, most] = REST_MS[this.isWatched() ? 'watched' : 'free']
      const rest = Math.min(most, Math.max(least, (performance.now() - from) * REST))
      if (this.waiting.length > 0) await sleep(rest, this.closed.signal)
    }
    // At once with the look that found nothing: what comes next begins anew.
    this.running = undefined
  }

  /** The oldest that fit into one block; at least one. */
  private take(): Pending[] {
    const day = this.waiting[0] && dayOf(this.waiting[0].origin)
    let rows = 0
    let count = 0
    for (const { batch, origin } of this.waiting) {
      if (count > 0 && (rows + batch.rows > MAX_ROWS || dayOf(origin) !== day)) break
      rows += batch.rows
      count += 1
    }
    this.waitingRows -= rows
    return this.waiting.splice(0, count)
  }

  private async commit(pending: readonly Pending[]): Promise<void> {
    const wait = backoff(200, 5000)
    for (let unsure = false; ; unsure = true) {
      try {
        for (const kind of kinds) await this.insert(kind, pending, unsure)
        await this.delivered.put(pending.map(({ origin }) => origin))
        break
      } catch (error) {
        this.fail(pending, error)
        // What failed may still be being sent.
        this.arena = new Arena()
        if (this.closed.signal.aborted) return
        await sleep(wait.next(), this.closed.signal)
      }
    }
    this.failure = undefined
    for (const { origin, resolve } of pending) {
      if (this.taken.get(origin.agent)?.sequence === origin.sequence) this.taken.delete(origin.agent)
      resolve()
    }
  }

  /** One block of what this table has not; where the last try failed, the table is asked first. */
  private async insert(kind: Kind, pending: readonly Pending[], unsure: boolean): Promise<void> {
    const own = pending.filter(({ batch }) => batch.has(kind))
    if (own.length === 0) return
    if (unsure) await this.delivered.look([kind], Math.min(...own.map(({ origin }) => origin.receivedAt)))
    const parts: Part[] = own
      .filter(({ origin }) => !this.delivered.has(kind, origin))
      .map(({ batch, origin }) => ({ table: batch.table(kind), origin }))
    if (parts.length === 0) return
    this.arena.clear()
    const types = this.types.get(kind) ?? new Map<string, string>()
    await this.engine.insert(kind, nativeBlock(kind, parts, types, this.arena))
  }

  /** Whoever waits is told, and sends again; this commit alone goes on being tried. */
  private fail(pending: readonly Pending[], error: unknown): void {
    this.failure = new PlumblineError(messageOf(error), { cause: error })
    for (const { reject } of [...pending, ...this.waiting]) reject(this.failure)
    this.waiting = []
    this.waitingRows = 0
    this.taken.clear()
  }
}
