/**
 * What is kept when a job ends badly: the black box of the last minutes as one file of JSON lines, with the end of the job's
 * logs, and the allocator snapshots that the hook left beside them. Both go to the hub as evidence of the run.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { messageOf } from '../base/errors'
import { redact } from '../base/redact'
import type { Host } from '../collectors/host'
import { decodeFrame } from '../wire/frame'
import type { EvidenceAbout } from '../wire/messages'
import type { WireRecord } from '../wire/records'
import type { Batch } from '../wire/table'
import { BlackBox } from './black-box'
import type { Parcels } from './parcels'

const KEPT_SECONDS = 300
const TAIL_BYTES = 64 * 1024
const MOST_TAILS = 32
/** The rest of a death (its traceback, its launcher's report) is still on its way. */
const SETTLE_MS = 1500
const MOST_SEALS = 16
const BAD = new Set(['oom', 'host-oom', 'crash', 'traceback', 'nccl-timeout', 'gloo-timeout', 'exit'])
/** Ended by Ctrl-C or by whoever asked for it: no accident. */
const ASKED = new Set([130, 143])

export interface LastMinutesOptions {
  readonly folder: string
  readonly host: Host
  /** Globs of the logs whose ends belong to it. */
  readonly logs: readonly string[]
  readonly parcels: Parcels
  readonly log: (line: string) => void
}

/** The first thing in a batch that tells of a bad end. */
function badEndIn(batch: Batch): { run: string; reason: string } | undefined {
  for (const table of batch.tables()) {
    if (table.kind !== 'event' && table.kind !== 'run') continue
    for (let row = 0; row < table.rows; row += 1) {
      const of = (name: string) => table.get(row, name as never)
      const [run, type, exitCode] = [of('run'), of('type'), of('exitCode')]
      if (typeof run !== 'string') continue
      if (typeof type === 'string' && BAD.has(type) && !(typeof exitCode === 'number' && ASKED.has(exitCode)))
        return { run, reason: type }
      if (table.kind === 'run' && typeof exitCode === 'number' && exitCode !== 0 && !ASKED.has(exitCode))
        return { run, reason: `exit code ${exitCode}` }
    }
  }
  return undefined
}

export class LastMinutes {
  private readonly box: BlackBox
  private due: { run: string; reason: string } | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private sealing: Promise<void> = Promise.resolve()
  private readonly sealed = new Map<string, number>()
  private writable = true

  private readonly logs: readonly string[]

  constructor(private readonly options: LastMinutesOptions) {
    const folder = join(options.folder, 'black-box')
    this.box = new BlackBox(folder, options.host.now)
    const saved = join(folder, 'logs.json')
    this.logs = [...new Set([...options.logs, ...savedLogs(saved)])]
    try {
      mkdirSync(folder, { recursive: true })
      writeFileSync(saved, JSON.stringify(options.logs))
    } catch {
      // The box itself says so at its first entry.
    }
    if (this.box.isLeftOver) this.sealing = this.seal(undefined, 'the agent was killed')
  }

  output(name: string, chunk: Buffer): void {
    this.box.output(name, chunk)
  }

  /** What was gathered, as it goes to the hub. Never throws. */
  append(frames: readonly Buffer[], batch: Batch): void {
    try {
      this.box.append(frames)
      this.writable = true
    } catch (error) {
      if (this.writable) this.options.log(`error: the black box cannot be written: ${messageOf(error)}`)
      this.writable = false
    }
    const found = badEndIn(batch)
    if (found === undefined || this.due?.run === found.run) return
    this.due = found
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.sealDue(), SETTLE_MS)
  }

  /** Seals what is due; the box goes, since this end is an orderly one. */
  async close(): Promise<void> {
    clearTimeout(this.timer)
    await this.sealDue()
    this.box.clear()
  }

  private sealDue(): Promise<void> {
    const { due } = this
    this.due = undefined
    if (due !== undefined) this.sealing = this.sealing.then(() => this.seal(due.run, due.reason))
    return this.sealing
  }

  private async seal(run: string | undefined, reason: string): Promise<void> {
    const { folder, host, parcels, log } = this.options
    const path = join(folder, 'sealed.jsonl')
    try {
      const held = readBox(this.box)
      const of = run ?? held.run
      const before = this.sealed.get(of ?? '') ?? 0
      if (of === undefined || before >= MOST_SEALS) return
      this.sealed.set(of, before + 1)
      const about = { kind: 'black-box', reason, node: host.hostname, time: host.now(), run: of }
      const tails = [...held.outputs, ...(await this.tails())]
      const logs = tails.map(tail => ({ kind: 'log', path: tail.path, text: redact(tail.text) }))
      mkdirSync(folder, { recursive: true })
      writeFileSync(path, [about, ...held.records, ...logs].map(line => `${JSON.stringify(line)}\n`).join(''))
      const common = { run: of, node: host.hostname, time: about.time }
      parcels.add(path, { ...common, kind: 'black-box', name: `${host.hostname}.black-box.jsonl` })
      await this.keepSnapshots(common)
    } catch (error) {
      log(`error: the last minutes cannot be kept: ${messageOf(error)}`)
    } finally {
      rmSync(path, { force: true })
    }
  }

  private async tails(): Promise<{ path: string; text: string }[]> {
    const { host } = this.options
    const paths = (await Promise.all(this.logs.map(pattern => host.glob(pattern)))).flat().slice(0, MOST_TAILS)
    const tails = await Promise.all(
      paths.map(async path => {
        const size = (await host.stat(path))?.size ?? 0
        const bytes = await host.readRange(path, Math.max(0, size - TAIL_BYTES), TAIL_BYTES).catch(() => undefined)
        return bytes === undefined ? [] : [{ path, text: bytes.toString('utf8') }]
      }),
    )
    return tails.flat()
  }

  /** The hook leaves an allocator's snapshot beside its records. One file has one id: it is sent once. */
  private async keepSnapshots(common: Pick<EvidenceAbout, 'run' | 'node' | 'time'>): Promise<void> {
    const { host, parcels } = this.options
    const folders = new Set(this.logs.map(pattern => dirname(pattern)))
    for (const folder of folders) {
      for (const path of await host.glob(join(folder, 'snapshot-rank-*.pickle'))) {
        const found = await host.stat(path)
        if (found === undefined) continue
        const id = createHash('sha256').update(`${host.hostname}\n${path}\n${found.size}`).digest('hex').slice(0, 32)
        const rank = Number(/rank-(\d{1,8})\.pickle$/.exec(path)?.[1] ?? NaN)
        const name = path.slice(folder.length + 1)
        parcels.add(path, { ...common, kind: 'memory-snapshot', name, ...(Number.isFinite(rank) && { rank }) }, id)
      }
    }
  }
}

/** The logs of an agent that was killed here. */
function savedLogs(path: string): string[] {
  try {
    const saved: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return Array.isArray(saved) ? saved.filter(log => typeof log === 'string') : []
  } catch {
    return []
  }
}

/** Of the last minutes the records, what the job printed, and the run that they tell of. */
function readBox(box: BlackBox) {
  const entries = [...box.entries()]
  const from = (entries.at(-1)?.time ?? 0) - KEPT_SECONDS
  const records: WireRecord[] = []
  const outputs = new Map<string, Buffer[]>()
  let run: string | undefined
  for (const entry of entries) {
    if (entry.time < from) continue
    if ('output' in entry) {
      outputs.set(entry.output, [...(outputs.get(entry.output) ?? []), entry.text])
      continue
    }
    for (const record of decodeFrame(entry.frame).records()) {
      records.push(record)
      if ('run' in record && record.run !== undefined) run = record.run
    }
  }
  const texts = [...outputs].map(([path, parts]) => ({
    path,
    text: Buffer.concat(parts).subarray(-TAIL_BYTES).toString('utf8'),
  }))
  return { records, outputs: texts, run }
}
