/** A page of an exporter, as text, into records. One reading for a saved page and a scraped one. */
import { ExporterReader, type Place } from '../../wire/exporters/reader'
import type { Counts } from '../form'
import { parsePageLine, type PageLine } from './line'

export interface PageCounts extends Counts {
  /** Samples that went into a record. */
  taken: number
}

/** Lines that are not empty, one after the other, without a copy of the whole text. */
export function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from)
    const line = text.slice(from, end < 0 ? text.length : end)
    if (line.trim() !== '') yield line
    from = end < 0 ? text.length : end + 1
  }
}

const metricOf = (line: PageLine) =>
  line.what === 'sample' ? line.sample.name : line.what === 'comment' ? undefined : line.metric

/** node_exporter names its node once for all of the page. */
function nodeOf(text: string): string | undefined {
  const at = text.search(/^node_uname_info\{/m)
  const parsed = at < 0 ? undefined : parsePageLine(text.slice(at, at + 4096).split('\n', 1)[0] ?? '')
  return parsed?.what === 'sample' ? parsed.sample.labels['nodename'] : undefined
}

/**
 * Gives the samples of a page to the reader. Read are the lines of exporters that are known, whether a field wants them or
 * not, and comments; unread those of others (the exporter's own runtime, vLLM, …) and what is no line of a page.
 */
export function readPage(text: string, reader: ExporterReader, place: Place = {}): PageCounts {
  const counts: PageCounts = { linesRead: 0, linesUnread: 0, taken: 0 }
  const named = { ...place, node: place.node ?? nodeOf(text) }
  for (const raw of linesOf(text)) {
    const line = parsePageLine(raw)
    const metric = line === undefined ? undefined : metricOf(line)
    const known = line !== undefined && (metric === undefined || ExporterReader.knows(metric))
    if (known) counts.linesRead += 1
    else counts.linesUnread += 1
    if (line?.what === 'sample' && reader.take(line.sample, named)) counts.taken += 1
  }
  return counts
}

/** Whether a text is such a page: its lines parse, and one of them says a metric's type or is a metric that is known. */
export function isPage(text: string): boolean {
  let lines = 0
  let strange = 0
  let sure = false
  for (const raw of linesOf(text)) {
    const line = parsePageLine(raw)
    lines += 1
    if (line === undefined) strange += 1
    if (line?.what === 'type') sure = true
    if (line?.what === 'sample') sure ||= ExporterReader.knows(line.sample.name)
    if (lines >= 2000) break
  }
  return sure && strange * 10 <= lines
}
