/**
 * JSON documents in a text that holds other lines as well: warnings of the tool, a command line, several documents glued
 * together by a loop or by watch mode, commas before a closing bracket as amd-smi has printed them.
 */
const MAX_DEPTH = 64
const MAX_DOCUMENTS = 1_000_000
/** Lines that begin with a bracket and are no document: a log, not this. Each costs a look ahead. */
const MAX_MISTAKES = 100

/** Where the document that begins at `from` ends, behind its last bracket; -1 where it does not. */
function endOf(text: string, from: number): number {
  let depth = 0
  let quoted = false
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (quoted) {
      if (code === 92) at += 1
      else if (code === 34) quoted = false
    } else if (code === 34) quoted = true
    else if (code === 91 || code === 123) {
      depth += 1
      if (depth > MAX_DEPTH) return -1
    } else if (code === 93 || code === 125) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return -1
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A comma before a closing bracket, outside of any string.
    try {
      return JSON.parse(text.replace(/("(?:[^"\\]|\\.)*")|,(?=\s{0,200}[\]}])/g, (_, string?: string) => string ?? ''))
    } catch {
      return undefined
    }
  }
}

export interface Documents {
  readonly values: readonly unknown[]
  /** Lines between the documents. */
  readonly others: readonly string[]
  readonly linesRead: number
  readonly linesUnread: number
}

const lineCount = (text: string) => text.split('\n').filter(line => line.trim() !== '').length

/** A document begins where a line begins with a bracket; what is neither document nor blank is an other line. */
export function documentsIn(text: string): Documents {
  const values: unknown[] = []
  const others: string[] = []
  let linesRead = 0
  let linesUnread = 0
  let place = 0
  let mistakes = 0
  while (place < text.length && values.length < MAX_DOCUMENTS && mistakes < MAX_MISTAKES) {
    const line = text.indexOf('\n', place)
    const lineEnd = line < 0 ? text.length : line
    const first = place + text.slice(place, lineEnd).search(/[^\s,]/)
    const begins = first >= place && (text[first] === '{' || text[first] === '[')
    const end = begins ? endOf(text, first) : -1
    const value = end < 0 ? undefined : parse(text.slice(first, end))
    if (value !== undefined) {
      values.push(value)
      linesRead += lineCount(text.slice(first, end))
      place = end
    } else {
      const other = text.slice(place, lineEnd).trim()
      if (begins && end < 0) {
        // Cut off: nothing behind the bracket can be told apart from its inside.
        linesUnread += lineCount(text.slice(first))
        break
      }
      if (begins) mistakes += 1
      if (other !== '' && other !== ',') others.push(other)
      place = lineEnd + 1
    }
  }
  return { values, others, linesRead, linesUnread }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
