/** Who waits in which collective, and who never came: from dumps of the flight recorder, watchdogs, and steps alone. */
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { hang } from '../../analysis/hang'
import { torchFlightRecorder } from '../../collectors/forms/torch-flight-recorder'
import { createLogReader } from '../../collectors/logs/read'
import type { RecordOf, WireRecord } from '../../wire/records'
import { rankColumns, STARTED, windowOf } from './analysis-windows'

type Call = readonly [sequence: number, name: string, state: string, group?: string]

/** What `plumbline parse` reads from the dump of one rank; groups by name. */
async function dumped(rank: number, calls: readonly Call[], groups: Record<string, string>): Promise<WireRecord[]> {
  const entries = calls.map(([collective_seq_id, profiling_name, state, group = '0']) => ({
    process_group: [group, ''],
    collective_seq_id,
    profiling_name,
    state,
    is_p2p: false,
    time_created_ns: 1e9 * (STARTED + collective_seq_id),
  }))
  const config = Object.fromEntries(Object.entries(groups).map(([name, ranks]) => [name, { ranks }]))
  const text = JSON.stringify({ version: '2.9', rank, entries, pg_config: config })
  const records: WireRecord[] = []
  const write = (some: readonly WireRecord[]) => Promise.resolve(void records.push(...some))
  await torchFlightRecorder.read(Readable.from([Buffer.from(text)]), write)
  return records
}
const all = { '0': '[0, 1, 2, 3]' }
const past: Call = [6, 'nccl:all_reduce', 'completed']
const inside: Call = [7, 'nccl:all_reduce', 'started']

async function found(dumps: readonly (readonly [rank: number, calls: readonly Call[]])[], groups = all) {
  const records = (await Promise.all(dumps.map(([rank, calls]) => dumped(rank, calls, groups)))).flat()
  const events = records.filter((record): record is RecordOf<'event'> => record.kind === 'event')
  return hang.detect(windowOf({ events }))
}

describe('a hang', () => {
  it('is told by dumps: who waits, who never came, and who left no dump', async () => {
    const findings = await found([
      [0, [past, inside]],
      [1, [past]],
      [3, [past, inside]],
    ])
    expect(findings).toMatchObject([
      {
        title: 'Ranks 1, 2 never came to all-reduce 7 of group 0-3',
        evidence: 'ranks 0, 3 wait inside it; of ranks 1, 2 nothing says so, and rank 2 told nothing at all.',
        ranks: [1, 2],
        severity: 'critical',
      },
    ])
  })

  it('is of nobody where one has come out already', async () => {
    const beyond: Call = [7, 'nccl:all_reduce', 'completed']
    const [finding] = await found(
      [0, 1, 2, 3].map(rank => [rank, rank === 2 ? [past, beyond] : [past, inside]] as const),
    )
    expect(finding?.title).toBe('All ranks are inside all-reduce 7 of group 0-3, and none comes out')
    expect(finding?.ranks).toBeUndefined()
  })

  it('names the root: who never came to one group because it waits in another is not it', async () => {
    const groups = { a: '[0, 1]', b: '[1, 2]' }
    const [finding, ...more] = await found(
      [
        [0, [[5, 'nccl:all_reduce', 'started', 'a']]],
        [1, [[9, 'nccl:all_gather', 'started', 'b']]],
        [2, [[8, 'nccl:all_gather', 'completed', 'b']]],
      ],
      groups as never,
    )
    expect(more).toEqual([])
    expect(finding?.title).toBe('Rank 2 never came to all-gather 9 of group 1,2')
  })

  it('of a healthy job is none', async () => {
    expect(await found([0, 1, 2, 3].map(rank => [rank, [past]] as const))).toEqual([])
  })

  it('is told by watchdogs: those that time out wait for the one that does not', () => {
    const line = (rank: number) =>
      `[rank${rank}]:[E1119 20:27:21.426415540 ProcessGroupNCCL.cpp:629] [Rank ${rank}] Watchdog caught collective operation timeout: ` +
      `WorkNCCL(SeqNum=120, OpType=ALLREDUCE, NumelIn=131072000, NumelOut=131072000, Timeout(ms)=600000) ran for 600023 milliseconds before timing out.\n`
    const reader = createLogReader()
    const records = [...reader.push(Buffer.from([0, 1, 2].map(line).join(''))), ...reader.end()]
    const events = records.filter((record): record is RecordOf<'event'> => record.kind === 'event')
    expect(hang.detect(windowOf({ events }))).toMatchObject([
      {
        title: 'Rank 3 never came to all-reduce 120',
        evidence: expect.stringContaining('ranks 0, 1, 2 wait') as unknown,
      },
    ])
  })

  it('is not told by a watchdog that got stuck itself: it names no collective', () => {
    const reader = createLogReader()
    const line =
      "[E1119 20:35:00.000000000 ProcessGroupNCCL.cpp:1282] [PG ID 0 PG GUID 0(default_pg) Rank 2] ProcessGroupNCCL's watchdog got stuck for 480 seconds without making progress in monitoring enqueued collectives.\n"
    const records = [...reader.push(Buffer.from(line)), ...reader.end()]
    const events = records.filter((record): record is RecordOf<'event'> => record.kind === 'event')
    expect(events).toMatchObject([{ type: 'nccl-timeout', rank: 2 }])
    expect(hang.detect(windowOf({ events }))).toEqual([])
  })

  it('without a word of collectives is estimated from who took fewer steps', () => {
    const ranks = rankColumns(
      [0, 1, 2, 3].flatMap(rank =>
        Array.from({ length: rank === 1 ? 29 : 30 }, (_, step) => ({
          step: step + 1,
          rank,
          communication: 0.1,
          forward: 0.1,
        })),
      ),
    )
    const still = { ranks, now: STARTED + 3600 }
    expect(hang.detect(windowOf(still))).toMatchObject([
      {
        title: 'Rank 1 took fewer steps than the others, and the run stands still',
        provenance: 'estimated',
        ranks: [1],
      },
    ])
    expect(hang.detect(windowOf({ ranks }))).toEqual([])
    expect(hang.detect(windowOf({ ...still, facts: { endedAt: STARTED + 40 } }))).toEqual([])
  })
})
