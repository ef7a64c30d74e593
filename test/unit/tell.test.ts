import { describe, expect, it } from 'vitest'
import { createLogReader } from '../../collectors/logs/read'
import type { WireRecord } from '../../wire/records'

const told = (records: readonly WireRecord[]) => records.flatMap(record => (record.kind === 'line' ? [record] : []))
const reader = () => createLogReader({ tells: 'stdout' })

describe('what a log says', () => {
  it('is told line by line, beside the records that it holds, without prefixes and colours', () => {
    const records = reader().push(
      Buffer.from('[default3]:\u001b[31mloading shards\u001b[0m\niter 1: loss 4.1, time 220.20ms, mfu 33.00%\n'),
      100,
    )
    expect(told(records).map(({ text, rank, source }) => ({ text, rank, source }))).toEqual([
      { text: 'loading shards', rank: 3, source: 'stdout' },
      { text: 'iter 1: loss 4.1, time 220.20ms, mfu 33.00%', source: 'stdout' },
    ])
    expect(records.some(({ kind }) => kind === 'step')).toBe(true)
  })

  it('keeps the order of lines of one moment', () => {
    const times = told(reader().push(Buffer.from('one\ntwo\nthree\n'), 1_795_000_000)).map(({ time }) => time ?? 0)
    expect(times).toEqual(times.toSorted((one, other) => one - other))
    expect(new Set(times).size).toBe(3)
  })

  it('of a flood tells some lines a second, and how many it left out', () => {
    const one = reader()
    const flood = Buffer.from(Array.from({ length: 500 }, (_, line) => `line ${line}\n`).join(''))
    const first = told(one.push(flood, 100)).length
    expect(first).toBeLessThan(100)
    const [gap, next] = told(one.push(Buffer.from('calm again\n'), 101))
    expect(gap?.text).toBe(`… ${500 - first} lines left out`)
    expect(next?.text).toBe('calm again')
  })

  it('cuts a long line, and tells nothing where nobody asked', () => {
    const [line] = told(reader().push(Buffer.from(`${'x'.repeat(9000)}\n`), 1))
    expect(line?.text?.length).toBeLessThan(600)
    expect(told(createLogReader().push(Buffer.from('one\n'), 1))).toEqual([])
  })

  it('tells a saved file whole, and times it by what it holds', () => {
    const flood = Buffer.from(Array.from({ length: 500 }, (_, line) => `line ${line}\n`).join(''))
    expect(told(reader().push(flood)).length).toBe(500)
  })
})
