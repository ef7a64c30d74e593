/**
 * JSON documents in a text that holds other lines as well: warnings of the tool, a command line, several documents glued
 * together by a loop or by watch mode, commas before a closing bracket as amd-smi has printed
 * them, and an end that is cut off.
 */
const MAX_DEPTH = 64
const MAX_DOCUMENTS = 1_000_000
/** Lines that begin with a bracket and are no document: a log, not this. Each costs a look ahead. */
const MAX_MISTAKES = 100

interface Extent {
  readonly whole: boolean
  /** Behind its last bracket; where the document is cut off, behind the last value that is whole. */
  readonly end: number
  /** The document, with brackets that are missing. */
  readonly text: string
}

/** How far the document goes that begins at `from`; undefined where it is none. */
function extentOf(text: string, from: number): Extent | undefined {
  const open: string[] = []
  // Behind the last whole value brackets only open: the first `depth` of them are those that were open there.
  let end = -1
  let depth = 0
  let quoted = false
  for (let at = from; at < text.length; at += 1) {
    const letter = text[at]
    if (quoted) {
      if (letter === '\\') at += 1
      else if (letter === '"') quoted = false
    } else if (letter === '"') quoted = true
    else if (letter === '[' || letter === '{') {
      if (open.length === MAX_DEPTH) return undefined
      open.push(letter === '[' ? ']' : '}')
    } else if (letter === ',') {
      end = at
      depth = open.length
    } else if (letter === ']' || letter === '}') {
      if (open.pop() !== letter) return undefined
      end = at + 1
      depth = open.length
      if (depth === 0) return { whole: true, end, text: text.slice(from, end) }
    }
  }
  if (end < 0) return undefined
  return { whole: false, end, text: `${text.slice(from, end)}${open.slice(0, depth).reverse().join('')}` }
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
    const extent = begins ? extentOf(text, first) : undefined
    const value = extent === undefined ? undefined : parse(extent.text)
    if (extent !== undefined && value !== undefined) {
      values.push(value)
      linesRead += lineCount(text.slice(first, extent.end))
      place = extent.end
      if (extent.whole) continue
      linesUnread += lineCount(text.slice(place))
      break
    }
    if (extent?.whole === false) {
      // A bracket that nothing closes, and no document: to look behind it again and again would take for ever.
      linesUnread += lineCount(text.slice(place))
      break
    }
    const other = text.slice(place, lineEnd).trim()
    if (begins) mistakes += 1
    if (other !== '' && other !== ',') others.push(other)
    place = lineEnd + 1
  }
  return { values, others, linesRead, linesUnread }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
