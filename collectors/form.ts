/** The contract of a form: one way in which one tool prints, read from what was saved of it. One line in `forms/index.ts`. */
import { PlumblineError } from '../base/errors'
import type { WireRecord } from '../wire/records'
import { LineSplitter } from './logs/line'

export interface Counts {
  linesRead: number
  linesUnread: number
}
/** What a saved text held. */
export interface FileReading extends Counts {
  records: WireRecord[]
}
/** The beginning of a file: enough to tell whose output it is. `text` ends with a whole line where there is one. */
export interface Head {
  readonly bytes: Buffer
  readonly text: string
}
/** Takes records; resolves when more may come. */
export type Write = (records: readonly WireRecord[]) => Promise<void>

export interface Form {
  /** What `--as` calls it: the tool and its mode, `nvidia-smi-dmon`. */
  readonly name: string
  /** The program that prints it; `--as TOOL` means all of its forms. */
  readonly tool: string
  readonly help: string
  /** Where the form is defined or described. */
  readonly origin: string
  /** Is this the beginning of such output? Exact rather than generous: no other form may claim the same. Never throws. */
  claims(head: Head): boolean
  /** Reads a whole file. Memory stays bounded. Throws a PlumblineError where the file cannot be read to its end. */
  read(chunks: AsyncIterable<Buffer>, write: Write): Promise<Counts>
}

/** It is held as bytes and as text while it is read: beyond this it is no small file. */
const MOST_WHOLE_BYTES = 128 * 1024 * 1024

/** A small file as a whole. */
export async function wholeBytes(chunks: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const held: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    held.push(chunk)
    bytes += chunk.length
    if (bytes > MOST_WHOLE_BYTES)
      throw new PlumblineError(`more than ${MOST_WHOLE_BYTES} bytes for ${name}`, {
        fix: 'cut the file into parts, each with its heading, and parse them one by one',
      })
  }
  return Buffer.concat(held)
}

export interface TextForm extends Form {
  /**
   * What stands where its output begins behind another tool's, from the beginning of a line, possibly over several: so that a
   * file of several outputs can be parted (`sections.ts`). Absent where it only comes as a file of its own.
   */
  readonly begins?: RegExp
  /** What a text of this form says; undefined when it is none. Pure; never throws. */
  parse(text: string): FileReading | undefined
}

export const isTextForm = (form: Form): form is TextForm => 'parse' in form

/** A form that is small enough to be parsed as one text. It claims what gives it records, unless it says otherwise. */
export function textForm(form: Omit<TextForm, 'claims' | 'read'> & Partial<Pick<Form, 'claims'>>): TextForm {
  return {
    claims: ({ text }) => (form.parse(text)?.records.length ?? 0) > 0,
    async read(chunks, write) {
      const text = (await wholeBytes(chunks, form.name)).toString('utf8')
      const reading = form.parse(text)
      if (reading === undefined) return { linesRead: 0, linesUnread: text.split('\n').filter(Boolean).length }
      await write(reading.records)
      return { linesRead: reading.linesRead, linesUnread: reading.linesUnread }
    },
    ...form,
  }
}

export interface LinesForm extends Omit<Form, 'claims' | 'read'> {
  /** A reader of one file's lines: records of a line, [] where it says nothing, undefined where it is none of this form. */
  begin(): (line: string) => WireRecord[] | undefined
}

/** A form with one record a line, of any length. It claims a file whose first line it reads. */
export function linesForm({ begin, ...form }: LinesForm): Form {
  return {
    ...form,
    claims: ({ text }) => begin()(text.trimStart().split('\n', 1)[0] ?? '') !== undefined,
    async read(chunks, write) {
      const splitter = new LineSplitter()
      const counts = { linesRead: 0, linesUnread: 0 }
      const parse = begin()
      const take = (lines: readonly string[]) =>
        lines.flatMap(line => {
          const records = parse(line)
          if (records !== undefined) counts.linesRead += 1
          else counts.linesUnread += 1
          return records ?? []
        })
      for await (const chunk of chunks) await write(take(splitter.push(chunk)))
      await write(take(splitter.end()))
      return counts
    },
  }
}
