/** `plumbline parse`: what the collectors read from saved files, one JSON record a line. */
import { PlumblineError } from '../base/errors'
import type { Registry } from '../base/registry'
import type { Counts, Form, Head, Write } from '../collectors/form'
import { forms } from '../collectors/forms/index'
import type { LogFormat } from '../collectors/logs/format'
import { formats } from '../collectors/logs/index'
import { createLogReader } from '../collectors/logs/read'
import { formatsWith } from '../collectors/logs/user-pattern'
import { startsOf } from '../collectors/sections'
import type { WireRecord } from '../wire/records'
import { defineCommand } from './command'
import { LongLog, readSeveral, saysMoreInParts } from './parse-several'
import { inputsOf } from './run-folder'

/** Bytes of a file that are shown to the forms to find out whose output it is. */
const SNIFF_BYTES = 256 * 1024
/** A file that begins as a tool's output does is held up to here, to see whether others' follow: a smaller one whole. */
const MOST_SEVERAL_BYTES = 8 * 1024 * 1024

const HELP = `
Records go to standard output, one JSON object a line, with and without --json. How many lines were read and not
read goes to standard error, for each file: as text, with --json as one JSON object a line.
FILE is a training log, or what a tool printed; it may be gzip, or one file in a zip; - is standard input; a folder is the run of Weights & Biases,
TensorBoard or MLflow in it.
Exit code 1: nothing in the files was understood.`

export interface ParseOptions {
  /** Forms that may claim the file as a whole, in the order in which they are asked. */
  readonly forms: readonly Form[]
  /** Formats that its lines are offered to. */
  readonly formats: readonly LogFormat[]
  readonly write: Write
  /** Tells the lines of a log as well, as said by this file. */
  readonly tells?: string | undefined
}

/** Whose output `--as` says that it is. Throws a usage error that lists the names. */
export function readersNamed(
  name: string | undefined,
  all: Registry<Form> = forms,
  known: readonly LogFormat[] = [...formats],
): Pick<ParseOptions, 'forms' | 'formats'> {
  if (name === undefined) return { forms: [...all], formats: known }
  if (name === 'training-log') return { forms: [], formats: known }
  const format = known.find(entry => entry.name === name)
  if (format !== undefined) return { forms: [], formats: [format] }
  const named = [...all].filter(form => form.name === name || form.tool === name)
  if (named.length > 0) return { forms: named, formats: [] }
  const names = [
    ...new Set([...all].flatMap(form => [form.tool, form.name])),
    'training-log',
    ...known.map(format => format.name),
  ]
  throw new PlumblineError(`nothing reads "${name}"`, { fix: `use --as with one of: ${names.join(', ')}`, usage: true })
}

/** Whole lines only: a cut one could hide whose output it is. */
function headOf(chunks: readonly Buffer[]): Head {
  const bytes = Buffer.concat(chunks).subarray(0, SNIFF_BYTES)
  const text = bytes.toString('utf8')
  return { bytes, text: text.slice(0, text.lastIndexOf('\n') + 1 || text.length) }
}

/** The first form that claims the beginning of the file; one alone is taken at its word. */
function ownerOf({ forms, formats }: ParseOptions, held: readonly Buffer[]): Form | undefined {
  if (forms.length === 0) return undefined
  if (formats.length === 0 && forms.length === 1) return forms[0]
  const head = headOf(held)
  return forms.find(form => form.claims(head)) ?? (formats.length === 0 ? forms[0] : undefined)
}

async function parseLog(chunks: AsyncIterable<Buffer>, { formats, write, tells }: ParseOptions): Promise<Counts> {
  const reader = createLogReader({ formats, tells })
  for await (const chunk of chunks) await write(reader.push(chunk))
  await write(reader.end())
  return reader.counts
}

/** A log in which tools may have been called. */
async function parseLongLog(chunks: AsyncIterable<Buffer>, { write, ...options }: ParseOptions): Promise<Counts> {
  const reader = new LongLog(options)
  for await (const chunk of chunks) await write(reader.push(chunk))
  await write(reader.end())
  return reader.lines
}

/** Holds chunks until there are so many bytes; true when the file has ended before. */
async function hold(rest: AsyncIterator<Buffer>, held: Buffer[], most: number): Promise<boolean> {
  let bytes = held.reduce((sum, chunk) => sum + chunk.length, 0)
  while (bytes < most) {
    const next = await rest.next()
    if (next.done === true) return true
    held.push(next.value)
    bytes += next.value.length
  }
  return false
}

/** A small file: in parts, if several tools printed it. */
async function parseHeld(
  text: string,
  parse: (write: Write) => Promise<Counts & { form?: string }>,
  options: ParseOptions,
): Promise<Counts & { form?: string }> {
  const records: WireRecord[] = []
  const counts = await parse(more => {
    for (const record of more) records.push(record)
    return Promise.resolve()
  })
  const several = readSeveral(text, { ...counts, records }, options)
  await options.write(several?.records ?? records)
  return several === undefined ? counts : { linesRead: several.linesRead, linesUnread: several.linesUnread }
}

/** Parses one file from its chunks: as the form that claims it, else as a log; in parts, if several tools printed it. */
export async function parseChunks(
  chunks: AsyncIterable<Buffer>,
  options: ParseOptions,
): Promise<Counts & { form?: string }> {
  const rest = chunks[Symbol.asyncIterator]()
  const held: Buffer[] = []
  let ended = options.forms.length > 0 && (await hold(rest, held, SNIFF_BYTES))
  const owner = ownerOf(options, held)
  const both = options.forms.length > 1 && options.formats.length > 0
  const begins = both && startsOf(headOf(held).text, options.forms).length > 0
  if (begins && !ended) ended = await hold(rest, held, MOST_SEVERAL_BYTES)
  const text = begins ? Buffer.concat(held).toString('utf8') : ''
  // Of several tools, or a log, whose beginning one form claims.
  const isLong = both && !ended && (owner === undefined || (begins && saysMoreInParts(text, owner, options)))
  async function* whole() {
    // Let go of one by one: what was read need not be kept.
    for (let chunk = held.shift(); chunk !== undefined; chunk = held.shift()) yield chunk
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  }
  const parse = async (write: Write) => {
    if (isLong) return parseLongLog(whole(), { ...options, write })
    return owner === undefined
      ? parseLog(whole(), { ...options, write })
      : { ...(await owner.read(whole(), write)), form: owner.name }
  }
  return begins && ended ? parseHeld(text, parse, options) : parse(options.write)
}

/** Writes records as lines; waits where the reader of the pipe is slower. False: that reader is gone. */
function lineWriter(): { write: ParseOptions['write']; isOpen: () => boolean } {
  let open = true
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    open = false
  })
  const write = async (records: readonly WireRecord[]) => {
    if (!open || records.length === 0) return
    const text = records.map(record => `${JSON.stringify(record)}\n`).join('')
    await new Promise<void>(resolve => process.stdout.write(text, () => resolve()))
  }
  return { write, isOpen: () => open }
}

function report(file: string, counts: Counts, json: boolean, several: boolean): void {
  const { linesRead, linesUnread } = counts
  if (json) console.error(JSON.stringify({ file, linesRead, linesUnread }))
  else console.error(`${several ? `${file}: ` : ''}read ${linesRead} lines, ${linesUnread} not read`)
}

export const command = defineCommand({
  settings: ['logFormats'],
  configure: command => {
    command
      .argument('<file...>', 'files to read; - is standard input')
      .option('--as <name>', 'read it as this tool, form or log format, and as nothing else')
      .addHelpText('after', HELP)
  },
  async run({ arguments: files, options, settings }) {
    const name = options['as']
    const known = formatsWith(settings.logFormats)
    const readers = readersNamed(typeof name === 'string' ? name : undefined, forms, known)
    const { write, isOpen } = lineWriter()
    const total: Counts = { linesRead: 0, linesUnread: 0 }
    const inputs = []
    for (const file of files) inputs.push(...(await inputsOf(file, process.stdin)))
    for (const { name: file, chunks } of inputs) {
      const counts = await parseChunks(chunks(), { ...readers, write })
      if (!isOpen()) return 0
      report(file, counts, options['json'] === true, inputs.length > 1)
      total.linesRead += counts.linesRead
      total.linesUnread += counts.linesUnread
    }
    if (total.linesRead > 0) return 0
    const what =
      total.linesUnread === 0 ? 'there is no line to read' : `none of ${total.linesUnread} lines was understood`
    throw new PlumblineError(what, {
      fix: `name the source with --as; log formats: ${known.map(format => format.name).join(', ')}`,
    })
  },
})
