/** `plumbline parse`: what the collectors read from saved files, one JSON record a line. */
import { PlumblineError } from '../base/errors'
import type { Registry } from '../base/registry'
import type { Collector, FileReading } from '../collectors/collector'
import { collectors } from '../collectors/index'
import type { LogFormat } from '../collectors/logs/format'
import { formats } from '../collectors/logs/index'
import { createLogReader } from '../collectors/logs/read'
import type { WireRecord } from '../wire/records'
import { defineCommand } from './command'
import { readChunks } from './parse-input'

/** Bytes of a file that are shown to collectors to find out whose output it is. */
const SNIFF_BYTES = 256 * 1024
/** A collector's file is parsed as a whole: JavaScript's longest string is a little over this. */
const MOST_WHOLE_BYTES = 400 * 1024 * 1024

const HELP = `
Records go to standard output, one JSON object a line, with and without --json. How many lines were read and not
read goes to standard error, for each file: as text, with --json as one JSON object a line.
FILE is a training log, or what a collector's tool printed; it may be gzip; - is standard input.
Exit code 1: nothing in the files was understood.`

export interface Counts {
  linesRead: number
  linesUnread: number
}
export interface ParseOptions {
  /** Collectors that may know the file as a whole, in the order in which they are asked. */
  readonly collectors: readonly Collector[]
  /** Formats that its lines are offered to. */
  readonly formats: readonly LogFormat[]
  /** Takes records; resolves when more may come. */
  readonly write: (records: readonly WireRecord[]) => Promise<void>
}

/** Whose output `--as` says that it is. Throws a usage error that lists the names. */
export function readersNamed(
  name: string | undefined,
  all: Registry<Collector> = collectors,
): Pick<ParseOptions, 'collectors' | 'formats'> {
  const able = [...all].filter(collector => collector.parse !== undefined)
  if (name === undefined) return { collectors: able, formats: [...formats] }
  if (name === 'training-log') return { collectors: [], formats: [...formats] }
  const format = formats.get(name)
  if (format !== undefined) return { collectors: [], formats: [format] }
  const collector = able.find(candidate => candidate.name === name)
  if (collector !== undefined) return { collectors: [collector], formats: [] }
  const names = [...able.map(candidate => candidate.name), 'training-log', ...formats.names]
  throw new PlumblineError(`nothing reads "${name}"`, { fix: `use --as with one of: ${names.join(', ')}`, usage: true })
}

/** Whole lines only: a cut one could hide whose output it is. */
function beginning(chunks: readonly Buffer[]): string {
  const text = Buffer.concat(chunks).toString('utf8', 0, SNIFF_BYTES)
  return text.slice(0, text.lastIndexOf('\n') + 1 || text.length)
}

/** The first collector to which the beginning of the file means something; one alone is taken at its word. */
function ownerOf(options: ParseOptions, held: readonly Buffer[]): Collector | undefined {
  const [only] = options.collectors
  if (options.formats.length === 0) return only
  const text = beginning(held)
  return options.collectors.find(collector => {
    const reading = collector.parse?.(text)
    return reading !== undefined && reading.records.length > 0
  })
}

async function parseWhole(
  collector: Collector,
  held: Buffer[],
  rest: AsyncIterator<Buffer>,
  write: ParseOptions['write'],
): Promise<Counts> {
  let bytes = held.reduce((sum, chunk) => sum + chunk.length, 0)
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    held.push(next.value)
    bytes += next.value.length
    if (bytes > MOST_WHOLE_BYTES)
      throw new PlumblineError(`more than ${MOST_WHOLE_BYTES} bytes for ${collector.name}`, {
        fix: 'cut the file into parts, each with its heading, and parse them one by one',
      })
  }
  const nothing: FileReading = { records: [], linesRead: 0, linesUnread: 0 }
  const text = Buffer.concat(held).toString('utf8')
  const reading = collector.parse?.(text) ?? { ...nothing, linesUnread: text.split('\n').filter(Boolean).length }
  await write(reading.records)
  return { linesRead: reading.linesRead, linesUnread: reading.linesUnread }
}

async function parseLog(options: ParseOptions, held: readonly Buffer[], rest: AsyncIterator<Buffer>): Promise<Counts> {
  const reader = createLogReader({ formats: options.formats })
  for (const chunk of held) await options.write(reader.push(chunk))
  for (let next = await rest.next(); next.done !== true; next = await rest.next())
    await options.write(reader.push(next.value))
  await options.write(reader.end())
  return reader.counts
}

/** Parses one file from its chunks. A log is streamed; what a collector's tool printed is held whole. */
export async function parseChunks(chunks: AsyncIterable<Buffer>, options: ParseOptions): Promise<Counts> {
  const rest = chunks[Symbol.asyncIterator]()
  const held: Buffer[] = []
  if (options.collectors.length > 0) {
    for (let bytes = 0; bytes < SNIFF_BYTES;) {
      const next = await rest.next()
      if (next.done === true) break
      held.push(next.value)
      bytes += next.value.length
    }
  }
  const owner = options.collectors.length > 0 ? ownerOf(options, held) : undefined
  return owner === undefined ? parseLog(options, held, rest) : parseWhole(owner, held, rest, options.write)
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
  settings: [],
  configure: command => {
    command
      .argument('<file...>', 'files to read; - is standard input')
      .option('--as <name>', 'read it as this collector or log format, and as nothing else')
      .addHelpText('after', HELP)
  },
  async run({ arguments: files, options }) {
    const name = options['as']
    const readers = readersNamed(typeof name === 'string' ? name : undefined)
    const { write, isOpen } = lineWriter()
    const total: Counts = { linesRead: 0, linesUnread: 0 }
    for (const file of files) {
      const counts = await parseChunks(readChunks(file, process.stdin), { ...readers, write })
      if (!isOpen()) return 0
      report(file, counts, options['json'] === true, files.length > 1)
      total.linesRead += counts.linesRead
      total.linesUnread += counts.linesUnread
    }
    if (total.linesRead > 0) return 0
    const what =
      total.linesUnread === 0 ? 'there is no line to read' : `none of ${total.linesUnread} lines was understood`
    throw new PlumblineError(what, { fix: `name the source with --as; log formats: ${formats.names.join(', ')}` })
  },
})
