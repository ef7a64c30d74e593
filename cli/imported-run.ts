/** One run from what its files say: records of several files with times, a node and an end. Pure. */
import { fieldsOf } from '../wire/metrics'
import type { RecordOf, WireRecord } from '../wire/records'

/** What one file held. */
export interface ImportedFile {
  readonly records: readonly WireRecord[]
  /** When it was last written, Unix seconds: the end of a log that says no times, where no other file tells a later one. */
  readonly writtenAt: number
}

export interface ImportedRun {
  readonly run: string
  readonly name: string
  /** Of records that say none. */
  readonly node: string
}

const has = (kind: WireRecord['kind'], field: string) => fieldsOf(kind).some(([name]) => name === field)
const ENDS_A_RUN = new Set(['oom', 'host-oom', 'crash', 'traceback', 'nccl-timeout', 'gloo-timeout', 'exit'])
type Event = RecordOf<'event'>
const isEnd = (record: WireRecord): record is Event => record.kind === 'event' && ENDS_A_RUN.has(record.type ?? '')

/** Seconds that steps without a time took together, each step once though several ranks tell of it. */
function untimedSeconds(records: readonly WireRecord[]): number {
  const steps = new Map<number, number>()
  for (const record of records)
    if (record.kind === 'step' && record.step !== undefined) steps.set(record.step, record.stepSeconds ?? 0)
  return [...steps.values()].reduce((sum, seconds) => sum + seconds, 0)
}

const latest = (records: readonly WireRecord[]) =>
  records.reduce((last, { time }) => Math.max(last, time ?? -Infinity), -Infinity)

/**
 * Times for records that have none: that of the record before, moved on by each new step's duration. A log that says no
 * time at all ends when the run did: as other files of it tell, else when its file was last written.
 */
function timed({ records, writtenAt }: ImportedFile, endedAt: number): WireRecord[] {
  const first = records.find(({ time }) => time !== undefined)?.time
  let clock = first ?? (Number.isFinite(endedAt) ? endedAt : writtenAt) - untimedSeconds(records)
  let step = -Infinity
  return records.map(record => {
    if (record.time !== undefined) clock = record.time
    else if (record.kind === 'step' && (record.step ?? step) > step) clock += record.stepSeconds ?? 0
    // Lines of one moment stay in their order.
    else if (record.kind === 'line') clock += 1e-6
    if (record.kind === 'step') step = Math.max(step, record.step ?? step)
    return { ...record, time: record.time ?? clock } as WireRecord
  })
}

function placed(record: WireRecord, { run, node }: ImportedRun): WireRecord {
  const own = record as { node?: string }
  return {
    ...record,
    ...(has(record.kind, 'run') && { run }),
    ...(has(record.kind, 'node') && { node: own.node ?? node }),
  } as WireRecord
}

/** All records of a run, its beginning and its end. Without an event that ends a run its exit code is not known. */
export function importedRun(files: readonly ImportedFile[], about: ImportedRun): WireRecord[] {
  const endedAt = files.reduce((last, file) => Math.max(last, latest(file.records)), -Infinity)
  const records = files.flatMap(file => timed(file, endedAt)).map(record => placed(record, about))
  const from = records.reduce((first, { time }) => Math.min(first, time ?? Infinity), Infinity)
  const to = latest(records)
  const end = records.filter(isEnd)
  const exitCode = end.find(event => event.exitCode !== undefined)?.exitCode ?? (end.length > 0 ? 1 : undefined)
  const { run, name, node } = about
  // Files may tell of runs of their own; what is made of them here is one.
  const own = records.filter(record => record.kind !== 'run')
  return [
    { kind: 'run', run, name, node, time: from, state: 'started' },
    ...own,
    { kind: 'run', run, name, node, time: to, state: 'ended', ...(exitCode !== undefined && { exitCode }) },
  ]
}
