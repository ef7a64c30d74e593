import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { columnsOf } from '../../hub/store/columns'
import { openEngine } from '../../hub/store/engine'
import { Gathered } from '../../hub/store/gathered'
import { decodeFrame, encodeFrame } from '../../wire/frame'
import type { WireRecord } from '../../wire/records'
import { batchOf } from './records'

const TYPES = new Map([
  ['time', 'Float64'],
  ['run', 'LowCardinality(String)'],
  ['type', 'String'],
  ['pid', 'Nullable(Float64)'],
  ['code', 'Nullable(Float64)'],
  ['agent', 'LowCardinality(String)'],
])
const MAKE = `CREATE TABLE event (${[...TYPES].map(([name, type]) => `${name} ${type}`).join(', ')}, sequence UInt64, receivedAt Float64)
  ENGINE = MergeTree ORDER BY (receivedAt, agent)`

const event = (rest: Partial<WireRecord>): WireRecord => ({ kind: 'event', ...rest }) as WireRecord
/** As it comes from an agent: columns that lie in a frame, and such as were written here. */
const tables = (records: WireRecord[]) => {
  const batch = batchOf(records)
  return [batch.table('event'), decodeFrame(encodeFrame(batch)).table('event')]
}

describe('what waits for the store', () => {
  it('is in it as it came, whatever columns each batch has, and without what is there already', async () => {
    const data = mkdtempSync(join(tmpdir(), 'plumbline-gathered-'))
    const engine = await openEngine({ data, store: '' })
    try {
      await engine.client.command({ query: MAKE })
      const gathered = new Gathered(TYPES)
      const batches = [
        [event({ type: 'crash', pid: -0 }), event({ type: 'é'.repeat(100) })],
        [event({ time: 5, run: 'job', message: 'of a column that the store has not' })],
        [event({ code: 7, run: 'other', type: 'x'.repeat(70_000) })],
      ]
      let receivedAt = 10
      for (const [at, records] of batches.entries())
        for (const table of tables(records))
          gathered.add(table, { agent: `agent-${at}`, sequence: at + 1, receivedAt: (receivedAt += 1) })
      expect(gathered.rows).toBe(8)
      expect(gathered.since).toBe(11)
      const left = gathered.without(({ agent }) => agent === 'agent-1')
      await engine.insert('event', left.block())
      const stored = () =>
        columnsOf(
          engine,
          'SELECT time, toString(run) AS run, lengthUTF8(type) AS letters, toString(pid) AS pid, code, sequence, toString(agent) AS agent FROM event',
        )
      expect(await stored()).toEqual({
        time: [11, 11, 12, 12, 15, 16],
        run: ['', '', '', '', 'other', 'other'],
        letters: [5, 100, 5, 100, 65_536, 65_536],
        pid: ['0', null, '0', null, null, null],
        code: [null, null, null, null, 7, 7],
        sequence: [1, 1, 1, 1, 3, 3],
        agent: ['agent-0', 'agent-0', 'agent-0', 'agent-0', 'agent-2', 'agent-2'],
      })
      // What was copied leaves the whole as it was; what is cleared begins anew.
      expect(gathered.rows).toBe(8)
      await engine.client.command({ query: 'TRUNCATE TABLE event' })
      gathered.clear()
      for (const table of tables([event({ code: 9 })])) gathered.add(table, { agent: 'b', sequence: 1, receivedAt: 1 })
      await engine.insert('event', gathered.block())
      expect(await stored()).toMatchObject({ code: [9, 9], letters: [0, 0], pid: [null, null], run: ['', ''] })
    } finally {
      await engine.close()
      rmSync(data, { recursive: true, force: true })
    }
  })
})
