/** Files that hold the outputs of several tools, one after another or within a log. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseChunks } from '../../cli/parse'
import { isTextForm } from '../../collectors/form'
import { forms } from '../../collectors/forms'
import { formats } from '../../collectors/logs'
import { sectionsOf } from '../../collectors/sections'
import type { WireRecord } from '../../wire/records'

const root = join(import.meta.dirname, '../fixtures/forms')
const step = (number: number) =>
  ` iteration ${number}/ 10 | consumed samples: 16 | elapsed time per iteration (ms): 120.0 | learning rate: 1.0E-04 | lm loss: 2.5E+00 |\n`

async function parse(text: string, tells?: string, chunkBytes = Infinity) {
  const records: WireRecord[] = []
  async function* chunks() {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += chunkBytes)
      yield await Promise.resolve(bytes.subarray(at, at + chunkBytes))
  }
  const write = (more: readonly WireRecord[]) => Promise.resolve(void records.push(...more))
  return { records, ...(await parseChunks(chunks(), { forms: [...forms], formats: [...formats], write, tells })) }
}

/** Whole outputs: of each form that says how it begins, the first that begins so and is understood to the last line. */
const outputs = [...forms].filter(isTextForm).flatMap(form => {
  const { begins } = form
  if (begins === undefined) return []
  const texts = readdirSync(join(root, form.name))
    .filter(name => !name.endsWith('.golden.jsonl'))
    .map(name => readFileSync(join(root, form.name, name), 'utf8'))
    .map(text => (text.endsWith('\n') ? text : `${text}\n`))
  const text = texts.find(one => {
    const reading = form.parse(one)
    return reading?.linesUnread === 0 && reading.records.length > 0 && new RegExp(begins.source, 'y').test(one)
  })
  return [{ form, text }]
})

describe('a file of several outputs', () => {
  it.each(outputs.map(({ form, text }) => [form.name, form, text] as const))(
    'has that of %s between two lines of a log, and loses none of them',
    async (name, form, text) => {
      expect(text, `a fixture of ${name} that begins as the form says`).toBeDefined()
      const { records, linesUnread } = await parse(`${step(1)}${text}${step(2)}`)
      const own = form.parse(text ?? '')?.records ?? []
      expect(records.filter(({ kind }) => kind !== 'step')).toEqual(own)
      expect(records.filter(({ kind }) => kind === 'step')).toMatchObject([{ step: 1 }, { step: 2 }])
      expect(linesUnread).toBe(0)
    },
  )

  it('is parted where each begins', () => {
    const texts = outputs.map(({ text }) => text ?? '')
    const found = sectionsOf(texts.join(''), [...forms]).map(({ own }) => own?.form.name)
    expect(found).toEqual(outputs.map(({ form }) => form.name))
  })

  it('tells a tool’s lines as those of the log in which it was called', async () => {
    const table = outputs.find(({ form }) => form.name === 'nvidia-smi-topo')?.text ?? ''
    const { records } = await parse(`${step(1)}${table}${step(2)}`, 'job.out')
    const lines = records.filter(({ kind }) => kind === 'line')
    expect(lines).toHaveLength(2 + table.split('\n').filter(line => line.trim() !== '').length)
  })

  it('on every line of which an output could begin takes no longer than a few readings', () => {
    // As many again would take four times as long, were each line's beginning held against all that follow.
    for (const line of ['device,abc\n', '# HELP a\nx\n', 'GPU 0: a (UUID: b)\n\n', '\tGPU0\t\n', "CA '\n"])
      expect(sectionsOf(line.repeat(4_000), [...forms]).length, line).toBeGreaterThan(0)
  }, 120_000)

  it('of one tool alone is left to its form, and a log without any to the formats', async () => {
    const [one] = outputs
    expect((await parse(one?.text ?? '')).form).toBe(one?.form.name)
    expect(sectionsOf(step(1).repeat(50), [...forms])).toEqual([{ text: step(1).repeat(50) }])
    expect(sectionsOf('', [...forms])).toEqual([])
  })
})

describe('a long log in which tools were called', () => {
  // Beyond what is held of a file to look at it as a whole.
  const fill = (from: number) => Array.from({ length: 15_000 }, (_, at) => step(from + at)).join('')
  const titles = 'timestamp, index, name, utilization.gpu [%], memory.used [MiB]\n'
  const row = (at: number) =>
    `2026/11/23 17:35:${String(at % 60).padStart(2, '0')}.000, 0, NVIDIA H100 80GB HBM3, 97 %, 71234 MiB\n`
  const csv = (rows: number) => titles + Array.from({ length: rows }, (_, at) => row(at)).join('')
  const table = outputs.find(({ form }) => form.name === 'nvidia-smi-topo')?.text ?? ''
  const text = [fill(0), table, fill(15_000), csv(12_000), fill(30_000), table, csv(3), fill(45_000)].join('')

  it.each([
    ['at once', Infinity],
    ['by the piece', 1024 * 1024],
    ['by small pieces', 50_001],
  ])(
    'gives each its own, however long it is: %s',
    async (_, chunkBytes) => {
      const { records, linesUnread } = await parse(text, undefined, chunkBytes)
      const count = (kind: string) => records.filter(record => record.kind === kind).length
      const paths = outputs.find(({ form }) => form.name === 'nvidia-smi-topo')?.form.parse(table)?.records.length ?? 0
      expect(text.length).toBeGreaterThan(8 * 1024 * 1024)
      expect({ steps: count('step'), gpus: count('gpu'), paths: count('path') }).toEqual({
        steps: 60_000,
        gpus: 12_003,
        paths: 2 * paths,
      })
      expect(linesUnread).toBe(0)
    },
    60_000,
  )

  it('holds no line that never ends', async () => {
    const { linesRead, linesUnread } = await parse(
      `${step(1)}${'x'.repeat(12_000_000)}\n${step(2)}`,
      undefined,
      1 << 20,
    )
    expect({ linesRead, linesUnread }).toEqual({ linesRead: 2, linesUnread: 1 })
  })
})
