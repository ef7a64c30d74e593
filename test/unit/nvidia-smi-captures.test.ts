/** Output of real drivers, where the collection lies beside the checkout. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { failureOf, listedDevices } from '../../collectors/nvidia/failures'
import { chooseQuery, knownNames, wanted } from '../../collectors/nvidia/fields'
import { parseSaved } from '../../collectors/nvidia/saved'
import { asRecord, type RecordOf } from '../../wire/records'

const captures = join(import.meta.dirname, '../../../shared/captures')
const there = existsSync(captures)
if (!there) console.warn('captures of real drivers are not beside this checkout: their tests are skipped')
const read = (name: string) => readFileSync(join(captures, name), 'utf8')
const names = (folder: string, pattern: RegExp) =>
  there ? readdirSync(join(captures, folder)).filter(name => pattern.test(name)) : []
const absent = /^(\[.*\]|N\/A|ERR!|)$/

/** Cells by title, read the simple way. */
function cells(text: string): Map<string, string>[] {
  const [header = '', ...lines] = text.trim().split(/\r?\n/)
  const titles = header.split(',').map(title => title.trim().replace(/ \[.*\]$/, ''))
  return lines.map(line => new Map(line.split(',').map((cell, at) => [titles[at] ?? '', cell.trim()])))
}

const EXPECTED: Record<string, readonly [gpus: number, name: string, mebibytes: number]> = {
  'h100-590.idle-query-gpu.csv': [1, 'NVIDIA H100 80GB HBM3', 81559],
  'h100-590.load-query-gpu.csv': [1, 'NVIDIA H100 80GB HBM3', 81559],
  'h200-590.load-query-gpu.csv': [1, 'NVIDIA H200', 143771],
  'rtx4080s-595.load-query-gpu.csv': [1, 'NVIDIA GeForce RTX 4080 SUPER', 16376],
  'win-rtx2080s-591.load-query-gpu.csv': [1, 'NVIDIA GeForce RTX 2080 SUPER', 8192],
}

describe.skipIf(!there)('captures of nvidia-smi --query-gpu', () => {
  it.each(names('nvidia-smi-csv', /query-gpu\.csv$/))(
    '%s: every figure is the one printed, every absent one absent',
    name => {
      const text = read(`nvidia-smi-csv/${name}`)
      const reading = parseSaved(text)
      const rows = cells(text)
      expect(reading).toMatchObject({ linesUnread: 0, linesRead: rows.length + 1 })
      const records = (reading?.records ?? []) as RecordOf<'gpu'>[]
      expect(records).toHaveLength(rows.length)
      for (const [at, record] of records.entries()) {
        expect(asRecord(record)).toEqual(record)
        for (const { field, reading: how, names: candidates } of wanted) {
          const printed = candidates
            .map(candidate => rows[at]?.get(candidate))
            .find(cell => cell !== undefined && !absent.test(cell))
          const value = record[field]
          if (printed === undefined) expect(value, field).toBeUndefined()
          else if (how === 'text') expect(value).toBe(printed)
          else if (how === 'mask')
            expect(value, field).toHaveLength([...BigInt(printed).toString(2)].filter(bit => bit === '1').length)
          else {
            const factor = / MiB$/.test(printed)
              ? 1048576
              : / MHz$/.test(printed)
                ? 1e6
                : / %$/.test(printed)
                  ? 0.01
                  : 1
            expect(value, field).toBeCloseTo(Number.parseFloat(printed) * factor, 6)
          }
        }
      }
    },
  )

  it.each(Object.entries(EXPECTED))('%s holds the devices that were there', (name, [count, device, mebibytes]) => {
    const records = parseSaved(read(`nvidia-smi-csv/${name}`))?.records as RecordOf<'gpu'>[]
    expect(records).toHaveLength(count)
    expect(records[0]).toMatchObject({
      name: device,
      memoryTotalBytes: mebibytes * 1048576,
      index: 0,
      vendor: 'nvidia',
    })
  })

  it('reads the older and edited tables', () => {
    expect(parseSaved(read('nvidia-smi-csv/query-test.csv'))?.records).toMatchObject([
      { index: 0, memoryUsedBytes: 575 * 1048576 },
      { index: 1, memoryUsedBytes: 1234 * 1048576 },
    ])
    const gb10 = parseSaved(read('nvidia-smi-csv/gb10-index-name.csv'))?.records[0]
    expect(gb10).toEqual({ kind: 'gpu', index: 0, name: 'NVIDIA GB10', vendor: 'nvidia', source: 'nvidia-smi' })
    expect(parseSaved(read('nvidia-smi-csv/azhpc-nospaces.csv'))?.records.length).toBeGreaterThan(3)
    const [first] = (parseSaved(read('nvidia-smi-csv/ebay-gpubeat.csv'))?.records ?? []) as RecordOf<'gpu'>[]
    expect(first).toMatchObject({ utilizationRatio: 0.01, memoryUsedBytes: 0, temperatureCelsius: 29 })
  })

  it.each(names('nvidia-smi-csv', /compute-apps|retired-pages/))('does not guess at %s', name => {
    expect(parseSaved(read(`nvidia-smi-csv/${name}`))).toBeUndefined()
  })

  it.each(names('nvidia-smi-csv', /beszel/))('reads only what tells itself of %s', name => {
    const [first] = parseSaved(read(`nvidia-smi-csv/${name}`))?.records ?? []
    expect(Object.keys(first ?? {})).toEqual(['kind', 'index', 'name', 'vendor', 'source'])
  })
})

describe.skipIf(!there)('captures of its complaints', () => {
  const TYPES: Record<string, string> = {
    'cannot-communicate.txt': 'no-driver',
    'device-handle-nospace.txt': 'gpu-lost',
    'device-handle-unknown-error.txt': 'gpu-lost',
    'gpu-is-lost.txt': 'gpu-lost',
    'mismatch-one-line.txt': 'version-mismatch',
    'mismatch-two-lines.txt': 'version-mismatch',
    'no-devices.txt': 'no-devices',
    'nvml-unknown-error.txt': 'failed',
  }
  it.each(Object.entries(TYPES))('%s is told apart as %s', (name, type) => {
    const text = read(`nvidia-smi-errors/${name}`)
    expect(failureOf(text.split('\n')[0] ?? '')).toMatchObject({ type })
    expect(parseSaved(text)?.records).toMatchObject([{ kind: 'event', type }])
  })
})

describe.skipIf(!there)('captures of its help', () => {
  it('lists an older driver’s names, and the query is made of them alone', () => {
    const known = knownNames(read('nvidia-smi-other/help-query-gpu.txt'))
    expect(known?.has('clocks.sm')).toBe(true)
    const query = chooseQuery(known)
    expect(query.names.every(name => known?.has(name))).toBe(true)
    expect(query.names).toContain('clocks_throttle_reasons.active')
    expect(query.missing).toEqual([])
  })

  it.each(names('nvidia-smi-other', /list\.txt$/))('counts the devices of %s', name => {
    expect(listedDevices(read(`nvidia-smi-other/${name}`))).toHaveLength(1)
  })
})
