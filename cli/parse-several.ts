/** A file in which several tools printed one after another, or a log in which one was called: each part by who knows it. */
import type { Counts, Form } from '../collectors/form'
import type { LogFormat } from '../collectors/logs/format'
import { cleanLines } from '../collectors/logs/line'
import { createLogReader } from '../collectors/logs/read'
import { Teller } from '../collectors/logs/tell'
import { sectionsOf, type Section } from '../collectors/sections'
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

function read(sections: readonly Section[], { formats, tells }: SeveralOptions): Reading {
  const log = createLogReader({ formats, tells })
  const records: WireRecord[] = []
  const counts = { linesRead: 0, linesUnread: 0 }
  for (const { text, own } of sections) {
    if (own === undefined) {
      for (const record of log.push(Buffer.from(text))) records.push(record)
      continue
    }
    for (const record of own.reading.records) records.push(record)
    if (tells !== undefined) for (const record of told(text, tells)) records.push(record)
    counts.linesRead += own.reading.linesRead
    counts.linesUnread += own.reading.linesUnread
  }
  for (const record of log.end()) records.push(record)
  return {
    records,
    linesRead: counts.linesRead + log.counts.linesRead,
    linesUnread: counts.linesUnread + log.counts.linesUnread,
  }
}

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
