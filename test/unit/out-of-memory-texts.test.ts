/** Out-of-memory texts in the forms in which real tools print them, through the reader that reads every log. */
import { describe, expect, it } from 'vitest'
import { createLogReader } from '../../collectors/logs/read'
import type { RecordOf } from '../../wire/records'
import { DEVICE } from './out-of-memory-texts/device'
import { HOST } from './out-of-memory-texts/host'
import { NONE } from './out-of-memory-texts/none'
import { SCHEDULERS } from './out-of-memory-texts/schedulers'

const KINDS = new Set(['oom', 'host-oom', 'oom-retried'])

function eventsOf(text: string): RecordOf<'event'>[] {
  const reader = createLogReader()
  const records = [...reader.push(Buffer.from(`${text}\n`)), ...reader.end()]
  return records.filter(
    (record): record is RecordOf<'event'> => record.kind === 'event' && KINDS.has(record.type ?? ''),
  )
}

describe.each([
  ['a device', DEVICE],
  ['a host', HOST],
  ['a scheduler', SCHEDULERS],
  ['no end', NONE],
])('what %s prints', (_, texts) => {
  it.each(texts)('$name', ({ text, events }) => {
    const found = eventsOf(text)
    expect(found.map(({ type }) => type)).toEqual(events.map(({ type }) => type))
    for (const [index, expected] of events.entries())
      for (const [field, value] of Object.entries(expected)) {
        const said = (found[index] as Record<string, unknown>)[field]
        if (typeof value === 'number') expect(said, field).toBeCloseTo(value, -1)
        else expect(said, field).toBe(value)
      }
  })
})
