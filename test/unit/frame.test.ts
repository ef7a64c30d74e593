import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PlumblineError } from '../../base/errors'
import { decodeFrame, encodeFrame, MAX_ROWS } from '../../wire/frame'
import type { WireRecord } from '../../wire/records'
import { Batch } from '../../wire/table'

const absentOr = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const numbers = fc.double({ noNaN: true, noDefaultInfinity: true })
const record: fc.Arbitrary<WireRecord> = fc.oneof(
  fc.record({
    kind: fc.constant('gpu' as const),
    time: absentOr(numbers),
    index: absentOr(numbers),
    name: absentOr(fc.string()),
  }),
  fc.record({
    kind: fc.constant('step' as const),
    step: absentOr(numbers),
    phases: absentOr(fc.constant({ forward: { seconds: 1 } })),
  }),
)
const clean = (value: WireRecord) => JSON.parse(JSON.stringify(value)) as WireRecord

function batchOf(records: readonly WireRecord[]): Batch {
  const batch = new Batch()
  for (const entry of records) batch.add(entry)
  return batch
}

describe('a frame', () => {
  it('carries any records there and back', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), records => {
        const back = decodeFrame(encodeFrame(batchOf(records))).records()
        const inOrder = [...records.filter(r => r.kind === 'gpu'), ...records.filter(r => r.kind === 'step')]
        expect(back.map(clean)).toEqual(inOrder.map(clean))
      }),
    )
  })

  it('refuses every cut and every appended byte with a PlumblineError', () => {
    const frame = encodeFrame(
      batchOf([
        { kind: 'gpu', time: 1, name: 'A' },
        { kind: 'gpu', time: 2, name: 'B' },
      ]),
    )
    for (let end = 0; end < frame.length; end += 1) {
      expect(() => decodeFrame(frame.subarray(0, end))).toThrow(PlumblineError)
    }
    expect(() => decodeFrame(Buffer.concat([frame, Buffer.from([0])]))).toThrow(PlumblineError)
  })

  it('survives any bytes: a batch or a PlumblineError, nothing else', () => {
    const frame = encodeFrame(batchOf([{ kind: 'step', step: 3, phases: { data: { seconds: 2 } } }]))
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(frame.length - 1), fc.nat(255)), { maxLength: 8 }), changes => {
        const bytes = Buffer.from(frame)
        for (const [at, value] of changes) bytes[at] = value
        try {
          decodeFrame(bytes).records()
        } catch (error) {
          expect(error).toBeInstanceOf(PlumblineError)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('of the form before is read as it was written', () => {
    const frame = readFileSync(join(import.meta.dirname, '../fixtures/frames/plb1.frame'))
    expect(decodeFrame(frame).records()).toEqual([
      { kind: 'gpu', time: 1, node: 'n', index: 0, name: 'A', powerWatts: 0, throttleReasons: ['hw-slowdown'] },
      { kind: 'gpu', time: 2, node: 'n', index: 0 },
      { kind: 'step', time: 2, run: 'r', node: 'n', rank: 3, step: 7, phases: { forward: { seconds: 1 } } },
    ])
  })

  it('of the version before (made by a62d492) is read as it was written', () => {
    const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures/frames', name))
    const written = fixture('plb2.jsonl').toString('utf8').trim().split('\n')
    expect(decodeFrame(fixture('plb2.frame')).records()).toEqual(written.map(line => JSON.parse(line) as unknown))
  })

  it('that says it unpacks to more than the limit is refused before it is unpacked', () => {
    const frame = encodeFrame(batchOf([{ kind: 'gpu', time: 1 }]))
    const schema = frame.readUInt32LE(4)
    frame.writeUInt32LE(MAX_ROWS + 1, 8 + schema)
    expect(() => decodeFrame(frame)).toThrow('over the limit')
  })

  it('skips kinds and columns that this version does not know', () => {
    const frame = encodeFrame(batchOf([{ kind: 'gpu', time: 1, index: 7 }]))
    const renamed = Buffer.from(frame.toString('latin1').replace('"index"', '"indey"'), 'latin1')
    expect(decodeFrame(renamed).records()).toEqual([{ kind: 'gpu', time: 1 }])
  })
})
