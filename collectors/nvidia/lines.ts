/** Reading a saved text line by line, and counting what was understood. */
import type { RecordOf, WireRecord } from '../../wire/records'
import { Batch } from '../../wire/table'
import type { FileReading } from '../form'
import { failureOf } from './failures'

type Process = NonNullable<RecordOf<'gpu'>['processes']>[number]

/**
 * Offers each line that holds something to `read`, which says whether it understood it and calls `add` for records. What
 * nvidia-smi complains of between is an event.
 */
export function readLines(
  text: string,
  read: (line: string, add: (record: WireRecord) => void) => boolean,
  end?: (add: (record: WireRecord) => void) => void,
): FileReading {
  const batch = new Batch()
  const add = (record: WireRecord) => batch.add(record)
  let linesRead = 0
  let linesUnread = 0
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    let understood = read(line, add)
    const failure = understood ? undefined : failureOf(line)
    if (failure !== undefined) {
      add({ kind: 'event', type: failure.type, message: failure.message })
      understood = true
    }
    if (understood) linesRead += 1
    else linesUnread += 1
  }
  end?.(add)
  return { records: batch.records(), linesRead, linesUnread }
}

/** For `claims` of forms whose output is often embedded in logs: most of it must be the form's own. */
export const mostlyRead = ({ linesRead, linesUnread }: FileReading) => linesRead > 0 && linesRead >= linesUnread

/** Processes of one device in one sample, from lines that name one each: a sample ends where a process comes again. */
export class ProcessSamples<Key> {
  private readonly held = new Map<Key, { record: RecordOf<'gpu'>; pids: Set<number> }>()

  constructor(private readonly add: (record: WireRecord) => void) {}

  push(key: Key, start: RecordOf<'gpu'>, process?: Process) {
    const before = this.held.get(key)
    const again =
      before !== undefined && (process === undefined || before.pids.size === 0 || before.pids.has(process.pid))
    if (again) this.end()
    const sample = this.held.get(key) ?? { record: { ...start, processes: [] }, pids: new Set<number>() }
    this.held.set(key, sample)
    if (process === undefined) return
    sample.record.processes?.push(process)
    sample.pids.add(process.pid)
  }

  end() {
    for (const { record } of this.held.values()) this.add(record)
    this.held.clear()
  }
}
