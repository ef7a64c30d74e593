/** What the page is told of a black box. */
import { LineSplitter } from '../../collectors/logs/line'
import type { BlackBoxDigest } from '../../wire/evidence'
import { asRecord, type WireRecord } from '../../wire/records'
import { readChunks } from '../parse-input'

interface Log {
  readonly path: string
  readonly text: string
}
const isLog = (line: unknown): line is Log =>
  typeof line === 'object' &&
  line !== null &&
  'path' in line &&
  typeof line.path === 'string' &&
  'text' in line &&
  typeof line.text === 'string'

class BoxDigest {
  private reason = 'not said'
  private readonly steps = new Set<number>()
  private readonly logs: Log[] = []
  private readonly host = { time: [] as number[], usedBytes: [] as number[], totalBytes: null as number | null }
  private processes: BlackBoxDigest['processes'] = []
  private records = 0
  private from = Infinity
  private to = -Infinity

  line(text: string): void {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      return
    }
    const record = asRecord(value)
    if (record !== undefined) return this.record(record)
    if (isLog(value)) this.logs.push({ path: value.path, text: value.text })
    else if (typeof value === 'object' && value !== null && 'reason' in value) this.reason = String(value.reason)
  }

  private record(record: WireRecord): void {
    this.records += 1
    if (record.time !== undefined) {
      this.from = Math.min(this.from, record.time)
      this.to = Math.max(this.to, record.time)
    }
    if (record.kind === 'step' && record.step !== undefined) this.steps.add(record.step)
    if (record.kind !== 'host') return
    const { time, memoryUsedBytes, memoryTotalBytes, processes } = record
    if (time !== undefined && memoryUsedBytes !== undefined) {
      this.host.time.push(time)
      this.host.usedBytes.push(memoryUsedBytes)
    }
    this.host.totalBytes = memoryTotalBytes ?? this.host.totalBytes
    this.processes = processes ?? this.processes
  }

  end(): BlackBoxDigest {
    const { reason, records, steps, processes, host, logs } = this
    const [from, to] = records === 0 ? [0, 0] : [this.from, this.to]
    return { reason, from, to, records, steps: steps.size, processes, host, logs }
  }
}

export async function boxDigest(path: string): Promise<BlackBoxDigest> {
  const digest = new BoxDigest()
  const splitter = new LineSplitter()
  for await (const chunk of readChunks(path, process.stdin)) for (const line of splitter.push(chunk)) digest.line(line)
  for (const line of splitter.end()) digest.line(line)
  return digest.end()
}
