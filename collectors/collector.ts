/** The contract of a collector: one file per source, one line in `index.ts`. */
import type { Batch } from '../wire/table'
import type { Host } from './host'
import type { UserPattern } from './logs/user-pattern'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What `detect` finds. `why` and `fix` are shown by `doctor` and on the page. */
export type Availability = { available: true; detail: string } | { available: false; why: string; fix: string }

/** Settings of collectors, from flags, environment and plumbline.yaml. */
export interface CollectorSettings {
  /** Milliseconds between device samples. */
  readonly intervalMs: number
  /** Globs of training logs to follow. */
  readonly logs: readonly string[]
  /** Log formats of people's own; absent for none. */
  readonly logFormats?: readonly UserPattern[] | undefined
  /** Pages of exporters to read, as `http://HOST:PORT/metrics`. */
  readonly scrape: readonly string[]
  /** The run that the followed logs belong to; without one, one run per file is made from its path. */
  readonly run: string | undefined
  /** Read files from their beginning (an own job's logs) or from their end (found ones). */
  readonly fromStart: boolean
  /** Device lines are made up (the demo): their records say `source: synthetic`. */
  readonly synthetic: boolean
  /** A file that says which node is plugged into which switch; empty or absent for none. */
  readonly topology?: string | undefined
}

/** What the runner hands to a session. One per collector and agent. */
export interface Context {
  readonly host: Host
  readonly settings: CollectorSettings
  /**
   * The batch being gathered now. Read it anew for each record: the runner swaps it at every flush. Whatever is in it
   * and the cursors of all sessions are written to the spool together, so a restart neither loses nor repeats.
   */
  batch(): Batch
  /** What `cursor()` returned with the last batch that reached the spool; undefined at the first start. */
  readonly cursor: Json | undefined
  /** A line for the agent's log and the page: something is odd, and goes on. */
  warn(message: string, fix?: string): void
}

export interface Session {
  /**
   * Called every `everyMs`, never while the previous call runs. A poller reads and appends; a streaming session (a
   * long-lived child) appends whenever lines come and here only checks that they still do. Throws to report failure;
   * the runner counts it and calls again at the next tick.
   */
  collect(): Promise<void>
  /** State to resume from, as of all that was appended so far. Synchronous, so that it fits the batch. */
  cursor?(): Json
  /** Lines read and not understood so far, for the health of the collection. */
  counts?(): { linesRead: number; linesUnread: number }
  /** Ends children and closes files. Called once; must not throw. */
  close(): Promise<void>
}

export interface Collector {
  readonly name: string
  readonly help: string
  /** node: once per node, whoever runs there. job: belongs to the run that the agent watches. */
  readonly scope: 'node' | 'job'
  /** It speaks of trouble only: where it can read, silence is good news. */
  readonly quiet?: true
  everyMs(settings: CollectorSettings): number
  /** Milliseconds after which a `collect` that has not returned counts as failed. */
  readonly timeoutMs: number
  detect(host: Host, settings: CollectorSettings): Promise<Availability>
  open(context: Context): Promise<Session>
}

export function defineCollector<const C extends Collector>(collector: C): C {
  return collector
}
