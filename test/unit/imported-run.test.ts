/** Files that become one run: times, a node, an end. */
import { describe, expect, it } from 'vitest'
import { importedRun } from '../../cli/imported-run'
import type { WireRecord } from '../../wire/records'

const ABOUT = { run: 'r', name: 'crash.log', node: 'n' }
const step = (number: number, more: object = {}): WireRecord => ({
  kind: 'step',
  step: number,
  stepSeconds: 2,
  ...more,
})

describe('an imported run', () => {
  it('of a log without times ends when its file was written, steps after each other', () => {
    const [start, ...rest] = importedRun([{ records: [step(1), step(2), step(3)], writtenAt: 1000 }], ABOUT)
    expect(start).toMatchObject({ kind: 'run', state: 'started', time: 996 })
    expect(rest.map(({ time }) => time)).toEqual([996, 998, 1000, 1000])
    expect(rest.at(-1)).toMatchObject({ kind: 'run', state: 'ended' })
    expect(rest.at(-1)).not.toHaveProperty('exitCode')
  })

  it('of a log without times, and a file of the same run with times, ends as that file tells: copied files are new', () => {
    const files = [
      { records: [step(1), step(2)], writtenAt: 90_000 },
      { records: [step(1, { time: 50 }), step(2, { time: 52 })], writtenAt: 90_000 },
    ]
    expect(importedRun(files, ABOUT).map(({ time }) => time)).toEqual([50, 50, 52, 50, 52, 52])
  })

  it('counts a step of several ranks once', () => {
    const ranks = [0, 1].flatMap(rank => [step(1, { rank }), step(2, { rank })])
    const times = importedRun([{ records: ranks, writtenAt: 1000 }], ABOUT).map(({ time }) => time ?? NaN)
    expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(4)
  })

  it('takes times that the log says, and those before for lines that say none', () => {
    const oom: WireRecord = { kind: 'event', type: 'oom', message: 'CUDA out of memory.' }
    const records = importedRun([{ records: [step(1, { time: 50 }), oom], writtenAt: 1000 }], ABOUT)
    expect(records.map(({ time }) => time)).toEqual([50, 50, 50, 50])
    expect(records[2]).toMatchObject({ run: 'r', node: 'n' })
    expect(records.at(-1)).toMatchObject({ state: 'ended', exitCode: 1 })
  })

  it('keeps what records say of themselves, and makes one run of several', () => {
    const other: WireRecord = { kind: 'run', run: 'x', name: 'other', state: 'started', time: 1 }
    const gpu: WireRecord = { kind: 'gpu', node: 'node-7', index: 0, time: 5 }
    const exit: WireRecord = { kind: 'event', type: 'exit', exitCode: 137, time: 9 }
    const records = importedRun(
      [
        { records: [other, gpu], writtenAt: 10 },
        { records: [exit], writtenAt: 10 },
      ],
      ABOUT,
    )
    expect(records.filter(({ kind }) => kind === 'run')).toHaveLength(2)
    expect(records).toContainEqual({ ...gpu })
    expect(records.at(-1)).toMatchObject({ exitCode: 137 })
  })
})
