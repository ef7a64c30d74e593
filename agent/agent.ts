/** The agent of a node: runs collectors, spools what they give, sends it to the hub. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, PlumblineError } from '../base/errors'
import type { Collector, CollectorSettings } from '../collectors/collector'
import type { Host } from '../collectors/host'
import { encodeFrame } from '../wire/frame'
import type { WireRecord } from '../wire/records'
import { Batch } from '../wire/table'
import type { Exporter } from './exporter'
import { takeLock } from './pid-lock'
import { Runner } from './runner'
import { Spool, type Cursors } from './spool'
import { Uplink } from './uplink'

/** Milliseconds that a sample waits at most before it is on disk and on its way. */
const FLUSH_MS = 250
const NODE_LOCK_MS = 10_000

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
  /** -1 for none. */
  readonly metricsPort: number
  /** '' for none. */
  readonly otlp: string
  /** The spool folder goes once all of it is acknowledged at the end: for a run, which never comes back. */
  readonly temporary?: boolean
  readonly log: (line: string) => void
}

export interface AgentHandle {
  readonly spoolFolder: string
  add(record: WireRecord): void
  /** Collects once more, flushes and waits up to `flushMs` for acknowledgement. `pending`: batches left in the spool. */
  stop(options?: { flushMs?: number }): Promise<{ pending: number }>
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

export async function startAgent(options: AgentOptions): Promise<AgentHandle> {
  const { host, log } = options
  const root = join(options.data, 'spool')
  const { spool, release } = claimSpool(root, options.spool, options.spoolBytes)
  const link = { hub: options.hub, token: options.token, node: host.hostname, log }
  const uplink = new Uplink({ ...link, spool })
  const adopted = adoptOrphans(
    root,
    options.spoolBytes,
    spoolToDrain => new Uplink({ ...link, log: () => undefined, spool: spoolToDrain }),
  )
  const exporter = await openExporter(options)
  const runners = new Map<string, Runner>()
  let batch = new Batch()

  const start = (collector: Collector) =>
    runners.set(
      collector.name,
      new Runner({
        ...{ collector, host, settings: options.collectorSettings, cursor: spool.cursors[collector.name] },
        ...{ batch: () => batch, log },
      }),
    )
  for (const collector of options.collectors) if (collector.scope === 'job') start(collector)
  const nodeScope = holdNode(options, collector => start(collector))

  const flush = () => {
    if (batch.rows === 0) return
    const full = batch
    batch = new Batch()
    exporter?.observe(full)
    try {
      const { dropped } = spool.append(encodeFrame(full), cursorsOf(runners, spool.cursors))
      if (dropped > 0) batch.add(overflow(host, dropped))
    } catch (error) {
      log(`error: the spool cannot be written: ${messageOf(error)}\nfix: make room in ${spool.folder}`)
    }
    uplink.kick()
  }
  const timer = setInterval(flush, FLUSH_MS)

  return {
    spoolFolder: spool.folder,
    add: record => batch.add(record),
    async stop({ flushMs = 5000 } = {}) {
      nodeScope.release()
      await Promise.all([...runners.values()].map(runner => runner.stop()))
      clearInterval(timer)
      flush()
      await uplink.drained(flushMs)
      uplink.close()
      adopted.close()
      await exporter?.close()
      const { pending } = spool
      spool.close()
      release()
      if (pending === 0 && options.temporary === true) rmSync(spool.folder, { recursive: true, force: true })
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

const overflow = (host: Host, dropped: number): WireRecord => ({
  ...{ kind: 'event', type: 'spool-overflow', time: host.now(), node: host.hostname },
  message: `the spool was full: ${dropped} batches that the hub never got were dropped`,
})

/** Device and host collectors run once per node: in the agent that holds the lock, and in the next when that one is gone. */
function holdNode({ data, collectors }: AgentOptions, start: (collector: Collector) => void): { release(): void } {
  const own = collectors.filter(({ scope }) => scope === 'node')
  let unlock: (() => void) | undefined
  const attempt = () => {
    unlock ??= takeLock(join(data, 'node.lock'))
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

/** Spools whose agent is gone with batches unsent: this agent sends them, under their own name. */
function adoptOrphans(root: string, maxBytes: number, open: (spool: Spool) => Uplink): { close(): void } {
  const closers: (() => void)[] = []
  for (const name of readdirSync(root)) {
    const folder = join(root, name)
    // An agent's own spool is continued by the next agent of that name; a run's never is.
    if (!name.startsWith('run-')) continue
    const release = takeLock(join(folder, 'lock'))
    if (release === undefined) continue
    const spool = new Spool(folder, maxBytes)
    const uplink = open(spool)
    const finish = () => {
      uplink.close()
      spool.close()
      release()
      if (spool.pending === 0) rmSync(folder, { recursive: true, force: true })
    }
    closers.push(finish)
    void uplink.drained(86_400_000).then(finish)
  }
  return { close: () => closers.forEach(close => close()) }
}

async function openExporter({ metricsPort, otlp, log }: AgentOptions): Promise<Exporter | undefined> {
  if (metricsPort < 0 && otlp === '') return undefined
  const { openExporters } = await import('./exporter')
  return openExporters({ metricsPort, otlp, log })
}
