/** What holds for every form, tested over its own fixtures (`test/fixtures/forms/NAME/`) before anyone writes a test. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Counts, Form } from '../../collectors/form'
import { forms } from '../../collectors/forms'
import { asRecord, type WireRecord } from '../../wire/records'

const root = join(import.meta.dirname, '../fixtures/forms')

// Some tools print local time; the golden files were read in UTC.
beforeAll(() => {
  process.env['TZ'] = 'UTC'
})

const fixtures = [...forms].flatMap(form => {
  const folder = join(root, form.name)
  const names = existsSync(folder) ? readdirSync(folder).filter(name => !name.endsWith('.golden.jsonl')) : []
  return names.map(name => ({ form, name: `${form.name}/${name}`, path: join(folder, name) }))
})

const headOf = (bytes: Buffer) => ({ bytes, text: bytes.toString('utf8') })

async function readAll(form: Form, ...chunks: Buffer[]): Promise<{ records: WireRecord[]; counts: Counts }> {
  const records: WireRecord[] = []
  async function* stream() {
    for (const chunk of chunks) yield await Promise.resolve(chunk)
  }
  const counts = await form.read(stream(), more => Promise.resolve(void records.push(...more)))
  return { records, counts }
}

describe.each([...forms].map(form => [form.name, form] as const))('the form %s', (_, form) => {
  it('says what it is, whose, and where it is defined', () => {
    expect(form.name.startsWith(form.tool)).toBe(true)
    expect(form.help.length).toBeGreaterThan(20)
    expect(form.origin).toMatch(/^https:\/\/|^agent\//)
  })

  it('has a fixture with a golden file', () => {
    const own = fixtures.filter(fixture => fixture.form === form)
    expect(own.length).toBeGreaterThan(0)
    for (const { path } of own) expect(existsSync(`${path}.golden.jsonl`), `${path}.golden.jsonl`).toBe(true)
  })

  it('claims nothing that is not its own', () => {
    for (const text of [
      '',
      '\n\n',
      'hello world',
      '{}',
      '[]',
      'a,b,c\n1,2,3',
      '\u0000\u0001\u0002',
      'x'.repeat(100_000),
    ])
      expect(form.claims(headOf(Buffer.from(text))), JSON.stringify(text.slice(0, 20))).toBe(false)
  })
})

describe.each(fixtures)('the fixture $name', ({ form, path }) => {
  const bytes = readFileSync(path)

  it('is claimed by its own form and by no other', () => {
    const claims = [...forms].filter(other => other.claims(headOf(bytes)))
    expect(claims.map(other => other.name)).toEqual([form.name])
  })

  it('gives the records of its golden file, each one of the catalogue, however it is cut', async () => {
    const { records, counts } = await readAll(form, bytes)
    const lines = records.map(record => `${JSON.stringify(record)}\n`).join('')
    await expect(lines).toMatchFileSnapshot(`${path}.golden.jsonl`)
    for (const record of records) expect(asRecord(JSON.parse(JSON.stringify(record)))).toBeDefined()
    const cut = Math.floor(bytes.length / 3)
    const pieces = [bytes.subarray(0, cut), bytes.subarray(cut, cut + 1), bytes.subarray(cut + 1)]
    expect(await readAll(form, ...pieces)).toEqual({ records, counts })
  })

  it('survives being cut off and overwritten: a record or an error for people, never NaN', async () => {
    const change = fc.record({ at: fc.nat(bytes.length), length: fc.nat(40), by: fc.uint8Array({ maxLength: 40 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 6 }), fc.nat(bytes.length), async (changes, end) => {
        let text = bytes.subarray(0, end)
        for (const { at, length, by } of changes)
          text = Buffer.concat([text.subarray(0, at), Buffer.from(by), text.subarray(at + length)])
        form.claims(headOf(text))
        try {
          const { records } = await readAll(form, text)
          for (const record of records) expect(asRecord(JSON.parse(JSON.stringify(record)))).toBeDefined()
        } catch (error) {
          expect(error).toMatchObject({ name: 'PlumblineError' })
        }
      }),
      { numRuns: 60 },
    )
  })
})
