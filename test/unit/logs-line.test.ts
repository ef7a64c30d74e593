import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanLines, LineSplitter, MAX_LINE_BYTES } from '../../collectors/logs/line'
import { bytesOf, isNotFinite, localTime, numberOf } from '../../collectors/logs/values'

describe('the line splitter', () => {
  it('gives lines whatever the cuts, for LF, CR LF and lone CR', () => {
    const text = 'one\r\ntwo\rthree\n\nfour € five\nlast'
    const bytes = Buffer.from(text)
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), cuts => {
        const splitter = new LineSplitter()
        const bounds = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const lines = bounds.slice(1).flatMap((end, index) => splitter.push(bytes.subarray(bounds[index], end)))
        expect(lines).toEqual(['one', 'two', 'three', 'four € five'])
        expect(splitter.consumed).toBe(bytes.length - 4)
        expect(splitter.end()).toEqual(['last'])
        expect(splitter.consumed).toBe(bytes.length)
      }),
    )
  })

  it('keeps the first MiB of a huge line and counts all of it', () => {
    const splitter = new LineSplitter()
    const chunk = Buffer.alloc(700_000, 'x')
    expect([...splitter.push(chunk), ...splitter.push(chunk), ...splitter.push(chunk)]).toEqual([])
    const lines = splitter.push(Buffer.from('\nnext\n'))
    expect(lines.map(line => line.length)).toEqual([MAX_LINE_BYTES, 4])
    expect(splitter.consumed).toBe(2_100_000 + 6)
  })

  it('marks bytes that are not UTF-8 and goes on', () => {
    const lines = new LineSplitter().push(Buffer.from([0xff, 0xfe, 0x00, 0x41, 0x0a, 0x42, 0x0a]))
    expect(lines).toEqual(['\ufffd\ufffd\u0000A', 'B'])
  })
})

describe('cleaning a line', () => {
  it.each([
    ['[default3]: iteration 1', 'iteration 1', 3],
    ['[rank12]:[titan] x', '[titan] x', 12],
    ['[default0]:[rank5]: boom', 'boom', 5],
    ['7: hello', 'hello', 7],
    ['  11: hello', 'hello', 11],
    ['[1,3]<stdout>:hello', 'hello', 3],
    ['[1,4]<stderr>: hello', 'hello', 4],
    ['[pod/train-0/pytorch] 2: hello', 'hello', 2],
    ['[node-17:3]: hello', 'hello', 3],
    ['trainer/0 hello', 'hello', undefined],
    ['trainer-1  | hello', 'hello', undefined],
    ['[Rank 0] (after 1 iterations) memory', '[Rank 0] (after 1 iterations) memory', undefined],
    [
      ' [2026-11-20 09:14:31] iteration        1/    2000 | x',
      ' [2026-11-20 09:14:31] iteration        1/    2000 | x',
      undefined,
    ],
    ['\u001b[31mstep: 1\u001b[0m   ', 'step: 1', undefined],
    ['Nov 20 09:14:31 node-1 python3[99]: hello', 'hello', undefined],
  ])('%j is %j of rank %s', (raw, text, rank) => {
    expect(cleanLines(raw)[0]).toMatchObject({ text, rank, time: undefined })
  })

  it('takes the time of the container runtime before the time of reading', () => {
    const time = Date.parse('2026-11-20T09:14:31.250Z') / 1000
    expect(cleanLines('2026-11-20T09:14:31.250000000Z stdout F hello', 5)[0]).toEqual({
      text: 'hello',
      rank: undefined,
      time,
    })
    expect(cleanLines('2026-11-20T09:14:31.250Z hello', 5)[0]).toEqual({ text: 'hello', rank: undefined, time })
    const docker = JSON.stringify({ log: '[rank1]: hello\n', stream: 'stdout', time: '2026-11-20T09:14:31.250Z' })
    expect(cleanLines(docker, 5)[0]).toEqual({ text: 'hello', rank: 1, time })
    expect(cleanLines('hello', 5)[0]?.time).toBe(5)
  })

  it('never throws and never makes a line longer than it was by more than a broken character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), raw => {
        expect(cleanLines(raw)[0]?.text.length ?? 0).toBeLessThanOrEqual(raw.length)
      }),
    )
  })
})

describe('values', () => {
  it('reads numbers as logs print them, and nothing else as a number', () => {
    expect(['1,234', '1.5E-06', ' 7 ', '-3'].map(numberOf)).toEqual([1234, 1.5e-6, 7, -3])
    expect(['nan', 'inf', '', 'x', '1 2', undefined].map(numberOf)).toEqual(Array(6).fill(undefined))
    expect(['nan', '-inf', 'NaN', 'Infinity'].every(isNotFinite)).toBe(true)
    expect(isNotFinite('1.0') || isNotFinite(undefined)).toBe(false)
  })

  it('reads sizes, binary and decimal', () => {
    expect(['2.00 GiB', '512 MB', '0 bytes', '11.5KiB', '1 B', 'GiB'].map(bytesOf)).toEqual([
      2 ** 31,
      512e6,
      0,
      11_776,
      1,
      undefined,
    ])
  })

  it('reads a local time with any fraction', () => {
    const whole = new Date(2026, 10, 20, 9, 14, 31).getTime() / 1000
    expect(localTime(' [2026-11-20 09:14:31] x')).toBe(whole)
    expect(localTime('2026-11-20 09:14:31,250 - root')).toBe(whole + 0.25)
    expect(localTime('2026-11-20 09:14:31.512403')).toBe(whole + 0.512)
    expect(localTime('99:99')).toBeUndefined()
  })
})
