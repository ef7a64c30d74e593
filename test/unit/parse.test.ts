import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registry } from '../../base/registry'
import { parseChunks, readersNamed } from '../../cli/parse'
import { readChunks } from '../../cli/parse-input'
import { textForm, type Counts, type Form } from '../../collectors/form'
import { formats } from '../../collectors/logs'
import type { WireRecord } from '../../wire/records'

const LINE = 'iter 1: loss 2.5000, time 10.00ms, mfu 1.00%\n'
const root = join(import.meta.dirname, '../..')
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-parse-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Of a tool that prints lines that begin with `T`. */
const tool = textForm({
  name: 'tool-lines',
  tool: 'tool',
  help: 'lines that begin with T',
  origin: 'https://example.org',
  parse(text) {
    const lines = text.split('\n').filter(Boolean)
    const own = lines.filter(line => line.startsWith('T'))
    if (own.length === 0) return undefined
    const records = own.map((_, index): WireRecord => ({ kind: 'gpu', index }))
    return { records, linesRead: own.length, linesUnread: lines.length - own.length }
  },
})

async function parse(
  chunks: AsyncIterable<Buffer>,
  readers: Pick<Parameters<typeof parseChunks>[1], 'forms' | 'formats'>,
): Promise<{ records: WireRecord[]; counts: Counts }> {
  const records: WireRecord[] = []
  const write = (more: readonly WireRecord[]) => {
    records.push(...more)
    return Promise.resolve()
  }
  return { counts: await parseChunks(chunks, { ...readers, write }), records }
}
const stream = (...parts: string[]): AsyncIterable<Buffer> => Readable.from(parts.map(part => Buffer.from(part)))

describe('parsing a file', () => {
  const both = { forms: [tool], formats: [...formats] }

  it('gives it to the form that claims it', async () => {
    const { records, counts } = await parse(stream('Ta\nT', 'b\nx\n'), both)
    expect(records).toEqual([
      { kind: 'gpu', index: 0 },
      { kind: 'gpu', index: 1 },
    ])
    expect(counts).toEqual({ form: 'tool-lines', linesRead: 2, linesUnread: 1 })
  })

  it('reads it as a log where no form claims it', async () => {
    const { records, counts } = await parse(stream(LINE.slice(0, 9), `${LINE.slice(9)}noise\n`), both)
    expect(records).toMatchObject([{ kind: 'step', step: 1 }])
    expect(counts).toEqual({ linesRead: 1, linesUnread: 1 })
  })

  it('takes the named source at its word', async () => {
    const named = await parse(stream(LINE), { forms: [tool], formats: [] })
    expect(named).toEqual({ records: [], counts: { form: 'tool-lines', linesRead: 0, linesUnread: 1 } })
  })

  it('knows collectors and formats by name, and lists them for a wrong one', () => {
    const all = registry<Form>('form', [tool])
    expect(readersNamed('tool', all)).toEqual({ forms: [tool], formats: [] })
    expect(readersNamed('megatron', all).formats.map(format => format.name)).toEqual(['megatron'])
    expect(readersNamed('training-log', all).formats).toHaveLength(formats.names.length)
    expect(readersNamed(undefined, all)).toEqual({ forms: [tool], formats: [...formats] })
    expect(() => readersNamed('nonsense', all)).toThrow('nothing reads "nonsense"')
    try {
      readersNamed('nonsense', all)
    } catch (error) {
      expect(error).toMatchObject({
        usage: true,
        fix: expect.stringContaining('tool-lines, training-log, hook') as string,
      })
    }
  })
})

describe('the bytes of a file', () => {
  const all = async (file: string, stdin = Readable.from([])): Promise<string> => {
    const parts: Buffer[] = []
    for await (const chunk of readChunks(file, stdin)) parts.push(chunk)
    return Buffer.concat(parts).toString()
  }

  /** By Python's, which marks and lays out a zip as others do. */
  const zip = (name: string, ...files: string[]) =>
    spawnSync('/usr/bin/python3', ['-m', 'zipfile', '-c', name, ...files], { cwd: folder })

  it('are read plain, unpacked, from standard input, and from an empty file', async () => {
    const text = LINE.repeat(100_000)
    await writeFile(join(folder, 'plain.log'), text)
    await writeFile(join(folder, 'packed.log.gz'), gzipSync(text))
    await writeFile(join(folder, 'empty.log'), '')
    zip('packed.zip', 'plain.log')
    expect(await all(join(folder, 'plain.log'))).toBe(text)
    expect(await all(join(folder, 'packed.log.gz'))).toBe(text)
    expect(await all(join(folder, 'packed.zip'))).toBe(text)
    expect(await all(join(folder, 'empty.log'))).toBe('')
    expect(await all('-', Readable.from([gzipSync(LINE)]))).toBe(LINE)
  })

  it('that cannot be had are an error with a fix', async () => {
    const packed = gzipSync(LINE.repeat(10_000))
    await writeFile(join(folder, 'cut.gz'), packed.subarray(0, packed.length - 20))
    await expect(all(join(folder, 'cut.gz'))).rejects.toThrow('is damaged')
    zip('two.zip', 'plain.log', 'empty.log')
    await expect(all(join(folder, 'two.zip'))).rejects.toThrow('2 files are in it')
    const whole = await readFile(join(folder, 'packed.zip'))
    await writeFile(join(folder, 'cut.zip'), whole.subarray(0, whole.length / 2))
    await expect(all(join(folder, 'cut.zip'))).rejects.toThrow('its end is missing')
    await expect(all(join(folder, 'none.log'))).rejects.toMatchObject({ fix: 'check the path' })
    await expect(all(folder)).rejects.toThrow('is a folder')
  })
})

describe('the command', () => {
  const run = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise(resolve => {
      const options = { cwd: root, env: { ...process.env, TZ: 'UTC' } }
      const tsx = ['--import', 'tsx', 'cli/entry.ts', 'parse', ...args]
      const child = execFile(process.execPath, tsx, options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
      child.stdin?.end(LINE)
    })

  it('prints one record a line and the counts apart from them', async () => {
    const { code, stdout, stderr } = await run('test/fixtures/logs/megatron/old.log', '--json')
    expect(code).toBe(0)
    const records = stdout
      .trimEnd()
      .split('\n')
      .map(text => JSON.parse(text) as WireRecord)
    expect(records.filter(record => record.kind === 'step').length).toBeGreaterThan(3)
    const counts = { file: 'test/fixtures/logs/megatron/old.log', linesRead: 6, linesUnread: 0 }
    expect(JSON.parse(stderr)).toEqual(counts)
  })

  it('reads standard input, and counts in words without --json', async () => {
    const { code, stdout, stderr } = await run('-')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'step', step: 1, loss: 2.5 })
    expect(stderr).toBe('read 1 lines, 0 not read\n')
  })

  it('ends with 1 where nothing was understood and with 2 for a wrong name', async () => {
    const unknown = await run('package.json')
    expect(unknown.code).toBe(1)
    expect(unknown.stderr).toMatch(/error: none of \d+ lines was understood\nfix: /)
    const wrong = await run('-', '--as', 'nonsense')
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toMatch(/error: nothing reads "nonsense"\nfix: use --as with one of: /)
  })
})
