import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFrame, encodeFrame } from '../../wire/frame'
import { PHASES } from '../../wire/metrics'
import { Batch } from '../../wire/table'
import { ownStore } from './own-store'

const store = ownStore()

let sequence = 0
/** Stores one step a text, of a run of its own, and gives what the store has of each. */
async function stored(texts: readonly (string | undefined)[]) {
  const run = `run-${(sequence += 1)}`
  const batch = new Batch()
  for (const [step, text] of texts.entries())
    batch.table('step').begin().text('run', run).number('step', step).text('phases', text)
  await store().insert(decodeFrame(encodeFrame(batch)), { agent: 'a', sequence, receivedAt: store().arrival() })
  const seconds = PHASES.map(phase => `${phase}Seconds`)
  const columns = await store().query(
    `SELECT phases, ${seconds.join(', ')} FROM step WHERE run = {run:String} ORDER BY step.step`,
    { run },
  )
  return texts.map((_, row) => ({
    rest: columns['phases']?.[row],
    seconds: Object.fromEntries(
      PHASES.flatMap((phase, at) => {
        const value = columns[seconds[at] ?? '']?.[row]
        return value === null ? [] : [[phase, value]]
      }),
    ),
  }))
}

const json = (value: unknown) => JSON.stringify(value)
/** What a clock tells in a run of up to 11 days, to the tenth of a microsecond. */
const told = fc.integer({ min: 0, max: 10 ** 13 }).map(ticks => ticks / 1e7)

describe('phases of a step in the store', () => {
  it('come back as they were told, the standard ones as numbers and the others in the text', async () => {
    const name = fc.oneof(fc.constantFrom(...PHASES), fc.string({ unit: 'grapheme', maxLength: 8 }))
    const phase = fc.oneof(fc.record({ seconds: told }), fc.record({ minSeconds: told, maxSeconds: told }))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.dictionary(name, phase), { minLength: 1, maxLength: 20 }), async steps => {
        const back = await stored(steps.map(json))
        for (const [row, { rest, seconds }] of back.entries()) {
          const others = rest === '' ? {} : (JSON.parse(String(rest)) as Record<string, unknown>)
          const known = Object.entries(seconds).map(([phase, value]) => [phase, { seconds: value }])
          expect({ ...others, ...Object.fromEntries(known) }).toEqual({ ...steps[row] })
          expect(Object.keys(others).filter(name => Object.hasOwn(seconds, name))).toEqual([])
        }
      }),
      { numRuns: 60 },
    )
  })

  it('stay in the text where more is told than seconds, or more seconds than are counted', async () => {
    const texts = [
      '{"forward":{"seconds":1e+300}}',
      '{"backward":{"minSeconds":1}}',
      '{"__proto__":{"seconds":1}}',
      '{"toString":{"seconds":1}}',
    ]
    expect(await stored(texts)).toEqual(texts.map(rest => ({ rest, seconds: {} })))
    expect(await stored(['{"forward":{"seconds":0.5,"maxSeconds":2},"data":{"seconds":0}}', undefined, '{}'])).toEqual([
      { rest: '{"forward":{"seconds":0.5,"maxSeconds":2}}', seconds: { forward: 0.5, data: 0 } },
      { rest: '', seconds: {} },
      { rest: '', seconds: {} },
    ])
  })

  it('are read from a text that a hub of before wrote', async () => {
    await store().command(
      `INSERT INTO step (time, run, step, phases, agent, sequence, receivedAt) VALUES
       (1, 'before', 1, '{"forward":{"seconds":0.3},"backward":{"seconds":1e308}}', 'b', 1, 1790000000), (2, 'before', 2, '', 'b', 1, 1790000000)`,
    )
    const columns = await store().query(
      "SELECT forwardSeconds, backwardSeconds, dataSeconds FROM step WHERE run = 'before' ORDER BY step.step",
    )
    expect(columns).toEqual({ forwardSeconds: [0.3, null], backwardSeconds: [null, null], dataSeconds: [null, null] })
  })
})
