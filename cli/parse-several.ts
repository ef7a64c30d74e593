/** A file in which several tools printed one after another, or a log in which one was called: each part by who knows it. */
import { StringDecoder } from 'node:string_decoder'
import { isTextForm, type Counts, type Form } from '../collectors/form'
import type { LogFormat } from '../collectors/logs/format'
import { cleanLines } from '../collectors/logs/line'
import { createLogReader, type LogReader } from '../collectors/logs/read'
import { Teller } from '../collectors/logs/tell'
import { sectionsOf, startsOf, type Section } from '../collectors/sections'
import type { WireRecord } from '../wire/records'

export interface Reading extends Counts {
  readonly records: WireRecord[]
}

export interface SeveralOptions {
  readonly forms: readonly Form[]
  readonly formats: readonly LogFormat[]
  readonly tells?: string | undefined
}

/** What a log tells line by line it tells of a tool's output as well. */
function told(text: string, source: string): WireRecord[] {
  const teller = new Teller(source)
  return text
    .split('\n')
    .flatMap(raw => cleanLines(raw))
    .filter(line => line.text !== '')
    .flatMap(line => teller.tell(line, undefined))
}

function* readSections(sections: readonly Section[], log: LogReader, tells: string | undefined, counts: Counts) {
  for (const { text, own } of sections) {
    if (own === undefined) {
      yield* log.push(Buffer.from(text))
      continue
    }
    yield* own.reading.records
    if (tells !== undefined) yield* told(text, tells)
    counts.linesRead += own.reading.linesRead
    counts.linesUnread += own.reading.linesUnread
  }
}

function read(sections: readonly Section[], { formats, tells }: SeveralOptions): Reading {
  const log = createLogReader({ formats, tells })
  const counts = { linesRead: 0, linesUnread: 0 }
  const records = [...readSections(sections, log, tells, counts), ...log.end()]
  return { records, ...sum(counts, log.counts) }
}

const sum = (one: Counts, other: Counts): Counts => ({
  linesRead: one.linesRead + other.linesRead,
  linesUnread: one.linesUnread + other.linesUnread,
})

const saying = ({ records }: Reading) => records.filter(({ kind }) => kind !== 'line').length

/**
 * The file in parts, where that says more than `whole`, its reading by the one form that claims it or as a log; else undefined.
 */
export function readSeveral(text: string, whole: Reading, options: SeveralOptions): Reading | undefined {
  const sections = sectionsOf(text, options.forms)
  if (!sections.some(({ own }) => own !== undefined)) return undefined
  const several = read(sections, options)
  return saying(several) > saying(whole) && several.linesUnread <= whole.linesUnread ? several : undefined
}

/** Whether what follows the beginning of a long file, which a form claims, is others' output. */
export function saysMoreInParts(text: string, owner: Form, options: SeveralOptions): boolean {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1)
  const whole = isTextForm(owner) ? owner.parse(lines) : undefined
  return whole !== undefined && readSeveral(lines, whole, options) !== undefined
}

/** Text that is looked at in one go, at least. */
const LEAST_TEXT = 1024 * 1024
/** An output of a tool that is longer than this within a log is read as far as this. */
const MOST_OUTPUT = 64 * 1024 * 1024
/** What may be the beginning of an output, its first lines. */
const MOST_BEGINNING = 64 * 1024
/** Lines that one output's beginning goes over. */
const BEGINNING_LINES = 4

/**
 * A log of any length in which tools were called: read piece by piece, whatever the cuts. What is held is the output that may
 * not have ended yet.
 */
export class LongLog {
  private readonly counts = { linesRead: 0, linesUnread: 0 }
  private readonly log: LogReader
  private readonly decoder = new StringDecoder('utf8')
  private held = ''
  private least = LEAST_TEXT

  constructor(private readonly options: SeveralOptions) {
    this.log = createLogReader(options)
  }

  push(chunk: Buffer): WireRecord[] {
    this.held += this.decoder.write(chunk)
    if (this.held.length < this.least) return []
    const end = this.held.lastIndexOf('\n') + 1
    // A line without an end is left to who knows how much of one is kept.
    const isEndless = this.held.length - end > LEAST_TEXT
    const text = isEndless ? this.held : this.held.slice(0, end)
    const rest = this.held.slice(text.length)
    const { records, open } = this.take(text, !isEndless)
    this.held = open + rest
    // What is open is not looked at again for each byte more.
    this.least = Math.max(LEAST_TEXT, 2 * this.held.length)
    return records
  }

  end(): WireRecord[] {
    const { records } = this.take(this.held + this.decoder.end(), false)
    return [...records, ...this.log.end()]
  }

  /** Of what was read and ended. */
  get lines(): Counts {
    return sum(this.counts, this.log.counts)
  }

  /** Reads a text of whole lines, up to what may go on behind it. */
  private take(text: string, goesOn: boolean): { records: WireRecord[]; open: string } {
    const { forms, tells } = this.options
    const starts = startsOf(text, forms)
    const sections = starts.length === 0 ? [{ text }] : sectionsOf(text, forms)
    const open = goesOn ? openOf(text, sections, starts) : ''
    const ended = open === '' ? sections : withoutEnd(sections, open)
    const kept = ended.map(section => (this.isSaid(section) ? section : { text: section.text }))
    return { records: [...readSections(kept, this.log, tells, this.counts)], open }
  }

  /** Whether a form says more of its section than the log's formats do: a line of a log may begin as a tool's output does. */
  private isSaid({ text, own }: Section): boolean {
    if (own === undefined) return false
    const log = createLogReader({ formats: this.options.formats, state: this.log.state() })
    const records = [...log.push(Buffer.from(text)), ...log.end()]
    return saying(own.reading) > saying({ records, ...log.counts }) && own.reading.linesUnread <= log.counts.linesUnread
  }
}

/** The end of a text that may go on behind it: the last output, or what may be the beginning of one. */
function openOf(text: string, sections: readonly Section[], starts: readonly number[]): string {
  const last = sections.at(-1)
  if (last?.own !== undefined) return last.text.length <= MOST_OUTPUT ? last.text : ''
  const log = last?.text.length ?? 0
  const begins = starts.find(at => at >= text.length - Math.min(log, MOST_BEGINNING))
  if (begins !== undefined) return text.slice(begins)
  let at = text.length
  for (let lines = 0; lines < BEGINNING_LINES && at > 0; lines += 1) at = text.lastIndexOf('\n', at - 2) + 1
  return text.length - at <= Math.min(log, MOST_BEGINNING) ? text.slice(at) : ''
}

/** Sections without so much of their end: the whole last one, or a part of a log. */
function withoutEnd(sections: readonly Section[], end: string): Section[] {
  const last = sections.at(-1)
  const rest = last?.text.slice(0, last.text.length - end.length) ?? ''
  return [...sections.slice(0, -1), ...(rest === '' ? [] : [{ text: rest }])]
}
