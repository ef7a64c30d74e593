import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseHeader, parseLine, readNumber, readTimestamp, reasonsOfMask } from '../../collectors/nvidia/csv'
import { parseSaved } from '../../collectors/nvidia/saved'
import { asRecord, type RecordOf } from '../../wire/records'
import { Table } from '../../wire/table'

const folder = join(import.meta.dirname, '../fixtures/forms/nvidia-smi-csv')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const gpus = (text: string) =>
  (parseSaved(text)?.records ?? []).filter((record): record is RecordOf<'gpu'> => record.kind === 'gpu')

describe('saved output of nvidia-smi', () => {
  it('holds the figures of the file in SI base units', () => {
    const [first, second] = gpus(read('two-loops.csv'))
    expect(first).toMatchObject({
      index: 0,
      utilizationRatio: 0.97,
      memoryUsedBytes: 61440 * 1048576,
      powerWatts: 612.5,
      smClockHertz: 1.965e9,
    })
    expect(second).toMatchObject({
      utilizationRatio: 0.07,
      throttleReasons: ['sw_power_cap', 'hw_thermal_slowdown'],
      pcieGeneration: 4,
      pcieWidth: 8,
    })
    expect(second).toMatchObject({ eccCorrectedErrors: 12, eccUncorrectedErrors: 1, migMode: 'Disabled' })
  })

  it('never turns an absent value into a number, and keeps a zero', () => {
    const [mig, old, broken, zero] = gpus(read('absent-values.csv'))
    expect(mig).not.toHaveProperty('utilizationRatio')
    expect(mig).toMatchObject({ migMode: 'Enabled', throttleReasons: ['sw_power_cap', 'hw_thermal_slowdown'] })
    for (const field of ['powerWatts', 'memoryTemperatureCelsius', 'smClockHertz', 'migMode'])
      expect(old).not.toHaveProperty(field)
    expect(old).toMatchObject({ memoryUsedBytes: 0, throttleReasons: [] })
    expect(broken).toEqual({ kind: 'gpu', index: 2, name: 'NVIDIA T4', vendor: 'nvidia', source: 'nvidia-smi' })
    expect(zero).toMatchObject({
      name: 'Board, Rev, B',
      utilizationRatio: 0,
      powerWatts: 0,
      temperatureCelsius: 0,
      smClockHertz: 0,
    })
  })

  it('says how many lines it could not read, and turns complaints into events', () => {
    expect(parseSaved(read('absent-values.csv'))).toMatchObject({ linesRead: 5, linesUnread: 1 })
    const events = parseSaved(read('two-loops.csv'))?.records.filter(record => record.kind === 'event')
    expect(events).toMatchObject([{ message: 'nvidia-smi says that GPU 1 is lost' }, { type: 'gpu-lost' }])
  })

  it('is the same with and without units and spaces', () => {
    expect(gpus(read('no-spaces.csv'))).toEqual(gpus(read('no-units.csv')))
    expect(gpus(read('no-units.csv'))).toMatchObject([
      { memoryUsedBytes: 1234 * 1048576, powerWatts: 58.98, smClockHertz: 1.41e9, utilizationRatio: 0.07 },
    ])
  })

  it('is not found in other tables, in logs, or without a header that tells the columns', () => {
    for (const text of [
      read('../nvidia-smi-apps/processes.csv'),
      'index,name,value\n0,a,1\n',
      'step 1 loss 2.0\nFailed to initialize NVML: Unknown Error\n',
      '',
      '\u0000\u0001binary',
    ]) {
      expect(parseSaved(text)).toBeUndefined()
    }
  })

  it('reads without a header what tells itself, and guesses at no figure', () => {
    expect(parseSaved('1, NVIDIA A10, 45, 19676, 23028, 0, 58.98\n')?.records).toEqual([
      { kind: 'gpu', index: 1, name: 'NVIDIA A10', vendor: 'nvidia', source: 'nvidia-smi' },
    ])
  })

  it('takes a header that comes again as a header', () => {
    const text = read('no-units.csv')
    expect(parseSaved(text + text)).toMatchObject({ linesRead: 4, linesUnread: 0 })
  })
})

describe('a line of nvidia-smi', () => {
  const layout = parseHeader('index, name, memory.used [MiB], power.draw [W]')
  const stamp = { time: 1, node: 'n', source: 'nvidia-smi' }

  it('is refused whole, whatever it is, when it is not a sample', () => {
    expect(layout).toBeDefined()
    if (layout === undefined) return
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123, N/A[]%.MiBW!\t\u00e9') }), line => {
        const table = new Table('gpu')
        const understood = parseLine(layout, line, table, stamp)
        expect(table.rows).toBe(understood ? 1 : 0)
        if (understood) expect(asRecord(table.record(0))).toBeDefined()
      }),
      { numRuns: 2000 },
    )
  })

  it('is refused when it was cut anywhere before its last cell', () => {
    if (layout === undefined) return
    const line = '3, NVIDIA T4, 100 MiB, 25.50 W'
    for (let end = 0; end < line.lastIndexOf(','); end += 1) {
      const table = new Table('gpu')
      expect(parseLine(layout, line.slice(0, end), table, stamp)).toBe(false)
      expect(table.rows).toBe(0)
    }
  })

  it('reads numbers as JavaScript reads them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -999_999_999, max: 999_999_999 }),
        fc.integer({ min: 0, max: 4 }),
        (integer, decimals) => {
          const text = (integer / 10 ** decimals).toFixed(decimals)
          expect(readNumber(text, 0, text.length, 1) + 0).toBe(Number(text) + 0)
        },
      ),
    )
  })

  it('knows units, and takes a number with an unknown one for absent', () => {
    const number = (text: string) => readNumber(text, 0, text.length, 1)
    expect([number('2 GiB'), number('7 %'), number('1.5 GHz'), number('250 mW')]).toEqual([
      2 * 1024 ** 3,
      0.07,
      1.5e9,
      0.25,
    ])
    expect([number('5 parsecs'), number('[N/A]'), number('ERR!'), number('.'), number('')]).toEqual([
      NaN,
      NaN,
      NaN,
      NaN,
      NaN,
    ])
  })

  it('names a throttle bit that nobody knows yet', () => {
    expect(reasonsOfMask('0x0000000000000a04')).toBe('["sw_power_cap","0x200","0x800"]')
    expect(reasonsOfMask('[N/A]')).toBeUndefined()
  })

  it('reads a timestamp as local time', () => {
    expect(readTimestamp('2026/07/14 08:12:38.696')).toBe(new Date(2026, 6, 14, 8, 12, 38, 696).getTime() / 1000)
    expect(readTimestamp('2026-07-14')).toBeNaN()
  })
})
