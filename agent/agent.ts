/** The agent of a node: runs collectors, spools what they give, sends it to the hub. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, PlumblineError } from '../base/errors'
import { redact } from '../base/redact'
import type { Collector, CollectorSettings } from '../collectors/collector'
import type { Host } from '../collectors/host'
import type { EvidenceAbout } from '../wire/messages'
import type { WireRecord } from '../wire/records'
import { Batch } from '../wire/table'
import { openExporters, type ExportSettings } from './exporters'
import type { SpoolFigures } from './prometheus'
import type { Exporter } from './series'
import { framesOf } from './frames'
import { LastMinutes } from './last-minutes'
import { adoptOrphans } from './orphans'
import { redactBatch } from './redact-batch'
import { takeLock } from '../base/pid-lock'
import { Restraint } from './restraint'
import { Runner } from './runner'
import { Spool, type Cursors } from './spool'
import { Uplink } from './uplink'

/** How often it is looked whether what was gathered is due: at most the uplink’s pace after what came before it. */
const FLUSH_MS = 250
/** So much is not gathered further. */
const MANY_ROWS = 4096
const NODE_LOCK_MS = 10_000
const EXPORTER_CLOSE_MS = 2_000
const UNREACHED_MS = 1_000
/** Rows that are held in memory while the disk takes none; then they are dropped, and that is said. */
const MAX_HELD_ROWS = 100_000

export interface AgentOptions {
  /** Its `hostname` is the node's name. */
  readonly host: Host
  readonly hub: string
  readonly token: string
  readonly data: string
  /** Folder below `<data>/spool`; where another living agent has it, the next free of NAME-2, NAME-3, … */
  readonly spool: string
  readonly spoolBytes: number
  readonly collectors: readonly Collector[]
  readonly collectorSettings: CollectorSettings
  /** Where figures are given away besides the hub; nowhere where it is absent. */
  readonly exports?: ExportSettings | undefined
  /** The spool folder goes once all of it is acknowledged at the end: for a run, which never comes back. */
  readonly temporary?: boolean
  /** Without a black box: for what is told of long after. */
  readonly isPast?: boolean
  /** What share of one processor this process may take before it looks less often; no bound where absent. */
  readonly cpuRatio?: number
  readonly log: (line: string) => void
}

export interface AgentHandle {
  readonly spoolFolder: string
  add(record: WireRecord): void
  /** What the job printed, for the black box. */
  output(name: string, chunk: Buffer): void
  /** Copies a file that tells how a run ended, and sends it in pieces. Throws a PlumblineError where it cannot be kept. */
  keep(path: string, about: Omit<EvidenceAbout, 'id' | 'bytes'>): void
  /**
   * Collects once more, flushes and waits up to `flushMs` for acknowledgement, `unreachedMs` where no hub was ever reached.
   * `pending`: batches and files that are left.
   */
  stop(options?: { flushMs?: number; unreachedMs?: number }): Promise<{ pending: number }>
}

function claimSpool(root: string, name: string, maxBytes: number): { spool: Spool; release: () => void } {
  try {
    mkdirSync(root, { recursive: true })
  } catch (error) {
    throw new PlumblineError(`the data folder cannot be written: ${messageOf(error)}`, {
      fix: 'choose another with --data',
    })
  }
  for (let number = 1; number < 1000; number += 1) {
    const folder = join(root, number === 1 ? name : `${name}-${number}`)
    mkdirSync(folder, { recursive: true })
    const release = takeLock(join(folder, 'lock'))
    if (release !== undefined) return { spool: new Spool(folder, maxBytes), release }
  }
  throw new PlumblineError(`no free spool below ${root}`, { fix: 'stop agents that are not needed' })
}

export async function startAgent(given: AgentOptions): Promise<AgentHandle> {
  const options = { ...given, log: (line: string) => given.log(redact(line)) }
  const { host, log } = options
  const root = join(options.data, 'spool')
  const { spool, release } = claimSpool(root, options.spool, options.spoolBytes)
  const { hub, token, collectorSettings } = options
  const link = { hub, token, node: host.hostname, run: collectorSettings.run, log }
  const uplink = new Uplink({ ...link, spool })
  const adopted = adoptOrphans({
    root,
    maxBytes: options.spoolBytes,
    log,
    open: orphan => new Uplink({ ...link, log: () => undefined, spool: orphan }),
    keep: (folder, parcels) => new LastMinutes({ folder, host, logs: [], parcels, log }).close(),
  })
  const lastMinutes = new LastMinutes({
    folder: spool.folder,
    host,
    logs: options.collectorSettings.logs,
    parcels: uplink.parcels,
    log,
  })
  const exporter = await openExporter(options, () => ({ pending: spool.pending, bytes: spool.bytes }))
  const restraint = new Restraint(options.cpuRatio ?? 0, log)
  const runners = new Map<string, Runner>()
  let batch = new Batch()

  const start = (collector: Collector) =>
    runners.set(
      collector.name,
      new Runner({
        collector,
        host,
        settings: options.collectorSettings,
        cursor: spool.cursors[collector.name],
        batch: () => batch,
        restraint,
        log,
      }),
    )
  for (const collector of options.collectors) if (collector.scope === 'job') start(collector)
  const nodeScope = holdNode(options, collector => start(collector))

  let writable = true
  /** What a kill -9 takes is what was gathered since: device samples of the pace’s seconds. Logs are read again. */
  const flushDue = () => {
    if (uplink.isDue() || batch.rows >= MANY_ROWS) flush()
  }
  const flush = () => {
    if (batch.rows === 0) return
    // Nothing runs between the encoding and the swap: what is in the batch and what the cursors say stay one.
    const full = batch
    try {
      redactBatch(full)
      const { frames, tooLarge } = framesOf(full)
      if (tooLarge > 0) log(`error: ${tooLarge} records are too large to send\nfix: see what is printed into the logs`)
      const { dropped } = spool.append(frames, cursorsOf(runners, spool.cursors))
      batch = new Batch()
      if (options.isPast !== true) lastMinutes.append(frames, full)
      if (dropped > 0) batch.add(overflow(host, `${dropped} batches that the hub never got were dropped`))
      writable = true
    } catch (error) {
      if (writable) log(`error: the spool cannot be written: ${messageOf(error)}\nfix: make room in ${spool.folder}`)
      writable = false
      if (full.rows < MAX_HELD_ROWS) return
      batch = new Batch()
      batch.add(overflow(host, `${full.rows} records were dropped: the disk took none`))
    }
    exporter?.observe(full)
    uplink.kick()
  }
  const timer = setInterval(flushDue, FLUSH_MS)

  return {
    spoolFolder: spool.folder,
    add: record => batch.add(record),
    output: (name, chunk) => lastMinutes.output(name, chunk),
    keep(path, about) {
      uplink.parcels.add(path, about)
      uplink.kick()
    },
    async stop({ flushMs = 5000, unreachedMs = UNREACHED_MS } = {}) {
      await Promise.all([...runners.values()].map(runner => runner.stop()))
      nodeScope.release()
      restraint.close()
      clearInterval(timer)
      flush()
      await lastMinutes.close()
      uplink.kick()
      // A job must not wait at its end for a hub that never was; its spool waits for the next agent.
      await uplink.drained(uplink.reached ? flushMs : Math.min(flushMs, unreachedMs))
      uplink.close()
      adopted.close()
      await closed(exporter)
      const { pending } = uplink
      spool.close()
      if (pending === 0 && options.temporary === true) rmSync(spool.folder, { recursive: true, force: true })
      release()
      return { pending }
    },
  }
}

/** Of collectors that are not open (yet, or no more) the saved cursor is carried on. */
function cursorsOf(runners: ReadonlyMap<string, Runner>, saved: Cursors): Cursors {
  const cursors = { ...saved }
  for (const [name, runner] of runners) {
    const cursor = runner.cursor()
    if (cursor !== undefined) cursors[name] = cursor
  }
  return cursors
}

const overflow = (host: Host, what: string): WireRecord => ({
  kind: 'event',
  type: 'spool-overflow',
  time: host.now(),
  node: host.hostname,
  message: `the spool was full: ${what}`,
})

/** Device and host collectors run once per node: in the agent that holds the lock, and in the next when that one is gone. */
function holdNode(
  { data, host, collectors }: AgentOptions,
  start: (collector: Collector) => void,
): { release(): void } {
  const own = collectors.filter(({ scope }) => scope === 'node')
  let unlock: (() => void) | undefined
  const attempt = () => {
    // By name: the data folder may be a home that several nodes share.
    unlock ??= takeLock(join(data, `node-${host.hostname.replace(/[^\w.-]/g, '_')}.lock`))
    if (unlock === undefined) return
    clearInterval(timer)
    for (const collector of own) start(collector)
  }
  const timer = setInterval(attempt, NODE_LOCK_MS)
  if (own.length > 0) attempt()
  else clearInterval(timer)
  return {
    release() {
      clearInterval(timer)
      unlock?.()
    },
  }
}

/** An exporter that cannot open (its port is taken) is said, and the agent goes on. */
async function openExporter(
  { exports: settings, log }: AgentOptions,
  spool: () => SpoolFigures,
): Promise<Exporter | undefined> {
  if (settings === undefined) return undefined
  try {
    return await openExporters(settings, spool, log)
  } catch (error) {
    log(`error: no metrics are exported: ${messageOf(error)}\nfix: choose another --metrics-port (0 takes a free one)`)
    return undefined
  }
}

/** What is last sent to a receiver that is not there must neither hold up nor break the end. */
async function closed(exporter: Exporter | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>(resolve => (timer = setTimeout(resolve, EXPORTER_CLOSE_MS)))
  await Promise.race([exporter?.close().catch(() => undefined), late])
  clearTimeout(timer)
}
