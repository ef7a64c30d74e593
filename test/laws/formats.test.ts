/** Laws of log formats: each holds for every entry of the registry and every fixture beside it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Json } from '../../collectors/collector'
import { formats } from '../../collectors/logs'
import type { LogFormat } from '../../collectors/logs/format'
import { cleanLines, LineSplitter } from '../../collectors/logs/line'
import { createLogReader } from '../../collectors/logs/read'
import { asRecord, type WireRecord } from '../../wire/records'

const root = join(import.meta.dirname, '../fixtures/logs')

// Logs print local time; the golden files were read in UTC.
beforeAll(() => {
  process.env['TZ'] = 'UTC'
})

const fixtures = formats.names.flatMap(format => {
  const folder = join(root, format)
  const names = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.log')) : []
  return names.map(name => ({ format, name: `${format}/${name}`, path: join(folder, name) }))
})

function golden(path: string): unknown[] {
  const lines = readFileSync(path.replace(/\.log$/, '.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
  return lines.map(line => JSON.parse(line) as unknown)
}

const plain = (records: readonly WireRecord[]): unknown => JSON.parse(JSON.stringify(records))

function readWhole(bytes: Buffer): WireRecord[] {
  const reader = createLogReader()
  return [...reader.push(bytes), ...reader.end()]
}

/** Lines that hold something: a rule of dashes between two blocks belongs to nobody. */
function linesOf(bytes: Buffer): string[] {
  const splitter = new LineSplitter()
  return [...splitter.push(bytes), ...splitter.end()].filter(raw =>
    cleanLines(raw).some(({ text }) => /[A-Za-z0-9]/.test(text)),
  )
}

describe('a log format', () => {
  it.each([...formats.names])('%s has a fixture with a golden file', format => {
    const own = fixtures.filter(fixture => fixture.format === format)
    expect(own.length).toBeGreaterThan(0)
    for (const { path } of own) expect(golden(path).length).toBeGreaterThan(0)
  })

  it.each([...formats])('$name says what it is and where it is defined', ({ help, origin }) => {
    expect(help.length).toBeGreaterThan(20)
    expect(origin).toMatch(/^https:\/\/github\.com\/|^hook\//)
  })

  it.each([...formats])('$name has a state that survives JSON', format => {
    expect(JSON.parse(JSON.stringify(format.begin()))).toEqual(format.begin())
  })
})

describe.each(fixtures)('the fixture $name', ({ format, path }) => {
  const bytes = readFileSync(path)

  it('gives the records of its golden file, and each is a record of the catalogue', () => {
    const records = readWhole(bytes)
    expect(plain(records)).toEqual(golden(path))
    for (const record of records) expect(asRecord(record), JSON.stringify(record)).toEqual(record)
  })

  // What any script could print is everybody's: a general format is asked last, and may know the line as well.
  it('is claimed by its own format line by line, and by no other', () => {
    const asked = [...formats].filter(({ name, general }) => general !== true || name === format)
    const entries = asked.map(entry => ({ entry, state: entry.begin() }))
    for (const line of linesOf(bytes).flatMap(raw => cleanLines(raw))) {
      if (!/[A-Za-z0-9]/.test(line.text)) continue
      const claims = entries.filter(({ entry, state }) => entry.parse(line, state) !== undefined)
      expect(
        claims.map(({ entry }) => entry.name),
        line.text,
      ).toEqual([format])
    }
  })

  it('gives the same records for any cut of its bytes into chunks', () => {
    const whole = plain(readWhole(bytes))
    const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 40 })
    fc.assert(
      fc.property(cuts, places => {
        const reader = createLogReader()
        const bounds = [0, ...places.sort((a, b) => a - b), bytes.length]
        const records = bounds.slice(1).flatMap((end, index) => reader.push(bytes.subarray(bounds[index], end)))
        expect(plain([...records, ...reader.end()])).toEqual(whole)
      }),
      { numRuns: 40 },
    )
  })

  it('resumes anywhere from its saved state with the same result', () => {
    const whole = plain(readWhole(bytes))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length }), place => {
        const before = createLogReader()
        const first = before.push(bytes.subarray(0, place))
        const state = JSON.parse(JSON.stringify(before.state())) as Json
        const after = createLogReader({ state })
        const second = [...after.push(bytes.subarray(before.consumed)), ...after.end()]
        expect(plain([...first, ...second])).toEqual(whole)
      }),
      { numRuns: 60 },
    )
  })

  it('survives garbage between its bytes and lines of others between its own', () => {
    const lines = linesOf(bytes)
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array)),
      fc.constantFrom(...fixtures).map(other => readFileSync(other.path).subarray(0, 3000)),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(lines.length), garbage), { maxLength: 8 }),
        fc.boolean(),
        (inserts, whole) => {
          const reader = createLogReader()
          const end = Buffer.from(whole ? '\n' : '')
          const records = lines.flatMap((line, index) => [
            ...inserts
              .filter(([place]) => place === index)
              .flatMap(([, noise]) => reader.push(Buffer.concat([noise, end]))),
            ...reader.push(Buffer.from(`${line}\n`)),
          ])
          for (const record of [...records, ...reader.end()]) expect(asRecord(record)).toEqual(record)
          // Garbage on lines of its own spoils none of the log's.
          if (whole) expect(reader.counts.linesRead).toBeGreaterThan(0)
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('any reader of lines', () => {
  const hostile: readonly (readonly [what: string, text: string])[] = [
    ['digits', '1'.repeat(60_000)],
    ['blanks', ' '.repeat(60_000) + 'x'],
    ['pipes', 'iteration 1/ 2 ' + '| '.repeat(30_000)],
    ['percentages', '5%|'.repeat(20_000)],
    ['braces', "{'loss': " + "{'".repeat(25_000) + '}'],
    ['figures', 'step: 1  loss: ' + 'loss: '.repeat(9_000)],
    ['dots', '  name ' + '.'.repeat(60_000)],
    ['dashes', '-'.repeat(60_000)],
    ['words', 'a.'.repeat(30_000)],
    ['memory', 'out of memory allocate ' + '9 GiB '.repeat(9_000)],
    ['logger', '[titan] 2026-11-19 17:00:00,000 - root - INFO - Building a b with XArgs(' + 'a=1,'.repeat(9_000)],
  ]

  /** Inside blocks other patterns are tried than outside: every state that a format's own fixtures lead to. */
  function statesOf(format: LogFormat): Json[] {
    const states = [format.begin()]
    for (const { path } of fixtures.filter(fixture => fixture.format === format.name)) {
      const state = format.begin()
      for (const raw of linesOf(readFileSync(path))) {
        for (const line of cleanLines(raw)) format.parse(line, state)
        states.push(structuredClone(state))
      }
    }
    return states
  }

  it.each([...formats])('$name takes a hostile long line in well under a second, in any state', format => {
    const states = statesOf(format)
    for (const [what, text] of hostile) {
      const began = performance.now()
      for (const state of states) format.parse({ text }, structuredClone(state))
      expect((performance.now() - began) / states.length, what).toBeLessThan(100)
    }
  })
})
