import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { columnsOf, commandOf, packedOf } from '../../hub/store/columns'
import { withParameters } from '../../hub/store/embedded-connection'
import { openEngine } from '../../hub/store/engine'

const data = mkdtempSync(join(tmpdir(), 'plumbline-embedded-'))
const engine = await openEngine({ data, store: '' })
const SLOW = 'numbers({slow:UInt32}) WHERE sleepEachRow(1) = 0'

afterAll(async () => {
  await engine.close()
  rmSync(data, { recursive: true })
})

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        "'",
        '\\',
        '\0',
        '\n',
        '\t',
        '\r',
        ';',
        '{text:String}',
        '--',
        '/*',
        '\\N',
        'NULL',
        '[',
        ',',
        ']',
      ),
    )
    .map(parts => parts.join('')),
)

describe('the embedded store', () => {
  it('reads a text as it was given, alone and in an array, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, fc.array(hostile), async (text, texts) => {
        const answer = await columnsOf(
          engine,
          'SELECT {text:String} AS text, {texts:Array(String)} AS texts, {text:String} IN {texts:Array(String)} AS isIn',
          { text, texts },
        )
        expect(answer).toEqual({ text: [text], texts: [texts], isIn: [texts.includes(text) ? 1 : 0] })
      }),
      { numRuns: 300 },
    )
  })

  it('reads a number as it was given', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ noDefaultInfinity: true, noNaN: true }), async number => {
        expect((await columnsOf(engine, 'SELECT {number:Float64} AS number', { number }))['number']).toEqual([
          number + 0,
        ])
      }),
    )
    const { is } = await columnsOf(
      engine,
      'SELECT [isNaN({nan:Float64}), {most:Float64} = inf, {least:Float64} = -inf] AS is',
      { nan: NaN, most: Infinity, least: -Infinity },
    )
    expect(is).toEqual([[1, 1, 1]])
  })

  it('never answers with a parameter of another statement', async () => {
    await expect(columnsOf(engine, 'SELECT {number:Float64} AS number')).rejects.toThrow(
      'the parameter number is missing',
    )
    expect(() => withParameters('SELECT {a:String}, {b:Array(String)}', { a: '' })).toThrow(
      'the parameter b is missing',
    )
    const asked = Array.from({ length: 200 }, (_, text) => `${text}`)
    const answers = await Promise.all(asked.map(text => columnsOf(engine, 'SELECT {text:String} AS text', { text })))
    expect(answers).toEqual(asked.map(text => ({ text: [text] })))
  })

  it('never answers with what a statement had answered before it failed', async () => {
    const failing = 'SELECT throwIf(number = 100000) AS failed FROM numbers(200000)'
    for (const ask of [columnsOf, packedOf] as const) {
      await expect(ask(engine, failing)).rejects.toThrow('throwIf')
      const asked = Array.from({ length: 8 }, (_, number) => number)
      const answers = await Promise.all(asked.map(number => columnsOf(engine, `SELECT ${number} AS number`)))
      expect(answers).toEqual(asked.map(number => ({ number: [number] })))
    }
    await expect(packedOf(engine, failing)).rejects.toThrow('throwIf')
    const packed = await packedOf(engine, 'SELECT toFloat64(1) AS failed')
    expect([packed.rows, ...packed.numbers('failed')]).toEqual([1, 1])
  })

  it('answers and stores while a roll-up goes on, and answers while a long query does', async () => {
    await commandOf(engine, 'CREATE TABLE some (number UInt64) ENGINE = MergeTree ORDER BY number')
    const order: string[] = []
    const does = async (what: string, work: Promise<unknown>) => void (await work.then(() => order.push(what)))
    await Promise.all([
      does('roll-up', commandOf(engine, `INSERT INTO some SELECT number FROM ${SLOW}`, { slow: 3 })),
      does('long query', columnsOf(engine, `SELECT count() AS rows FROM ${SLOW}`, { slow: 2 })),
      does('commit', commandOf(engine, 'INSERT INTO some VALUES ({number:UInt64})', { number: 7 })).then(() =>
        does(
          'query',
          columnsOf(engine, 'SELECT count() AS rows FROM some WHERE number = {number:UInt64}', { number: 7 }),
        ),
      ),
    ])
    expect(order).toEqual(['commit', 'query', 'long query', 'roll-up'])
  })
})
