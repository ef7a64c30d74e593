/**
 * Files that hold what several tools printed, one after another, or a log in which a tool was called: cut where the output of
 * one begins, as its form says, and where its lines end. What is left between is of no tool.
 */
import { isTextForm, type FileReading, type Form, type TextForm } from './form'

export interface Section {
  readonly text: string
  /** Whose output it is, with what it says; absent for lines of a log. */
  readonly own?: { readonly form: TextForm; readonly reading: FileReading }
}

interface Start {
  readonly at: number
  readonly forms: readonly TextForm[]
}

/** A form that knows nothing of so many lines knows nothing of more. */
const MOST_SILENT_LINES = 64
/** Forms are given each character this often at most: a hostile text begins outputs on every line. */
const MOST_READINGS = 12
const LEAST_WORK = 1024 * 1024

const LINE_FEED = 0x0a

/** The beginnings of lines, and the end of the text. */
function linesIn(text: string): number[] {
  const lines = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.push(at + 1)
  if (lines.at(-1) !== text.length) lines.push(text.length)
  return lines
}

/** Where an output may begin. One pattern asks for all forms: most lines are nobody's beginning. */
function startsIn(text: string, lines: readonly number[], forms: readonly Form[]): Start[] {
  const beginning = [...forms].filter(isTextForm).flatMap(form => {
    const { begins } = form
    return begins === undefined ? [] : [{ form, pattern: new RegExp(begins.source, 'y') }]
  })
  if (beginning.length === 0) return []
  const any = new RegExp(beginning.map(({ pattern }) => `(?:${pattern.source})`).join('|'), 'y')
  const matches = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at
    return pattern.test(text)
  }
  return lines
    .filter(at => text.charCodeAt(at) !== LINE_FEED && matches(any, at))
    .map(at => ({ at, forms: beginning.filter(({ pattern }) => matches(pattern, at)).map(({ form }) => form) }))
}

/** Where output of a tool may begin in a text: cheap beside reading it. */
export const startsOf = (text: string, forms: readonly Form[]): number[] =>
  startsIn(text, linesIn(text), forms).map(({ at }) => at)

interface Found {
  readonly form: TextForm
  readonly reading: FileReading
  /** How many lines. */
  readonly length: number
}

/**
 * The longest stretch of whole lines that a form understands to the last one. Too few lines are none of its output (a heading
 * alone); the length is doubled until one is not its own, and then halved down to that.
 */
function longest(form: TextForm, count: number, textOf: (length: number) => string): Found | undefined {
  let best: Found | undefined
  const isWhole = (length: number): boolean | undefined => {
    const reading = form.parse(textOf(length))
    if (reading === undefined) return best === undefined && length <= MOST_SILENT_LINES ? undefined : false
    if (reading.linesUnread > 0) return false
    best = { form, reading, length }
    return true
  }
  let [least, most] = [0, count + 1]
  for (let length = Math.min(4, count); length <= count; length = Math.min(length * 2, count)) {
    if (isWhole(length) === false) {
      most = length
      break
    }
    least = length
    if (length === count) break
  }
  while (most - least > 1) {
    const middle = (least + most) >> 1
    if (isWhole(middle) === false) most = middle
    else least = middle
  }
  return best !== undefined && best.reading.records.length > 0 ? best : undefined
}

/** The sections of a text in their order; one without a form where no tool's output is in it. */
export function sectionsOf(text: string, forms: readonly Form[]): Section[] {
  const lines = linesIn(text)
  const numbers = new Map(lines.map((at, number) => [at, number]))
  const starts = startsIn(text, lines, forms)
  const sections: Section[] = []
  let from = 0
  let work = Math.max(LEAST_WORK, MOST_READINGS * text.length)
  for (const [place, start] of starts.entries()) {
    if (start.at < from || work <= 0) continue
    const number = numbers.get(start.at) ?? 0
    const found = start.forms
      .map(form => {
        // At the beginning of another's output its own has ended.
        let other = place + 1
        while (starts[other]?.forms.includes(form) === true) other += 1
        work -= other - place
        const count = (numbers.get(starts[other]?.at ?? text.length) ?? lines.length - 1) - number
        return longest(form, count, length => {
          const part = text.slice(start.at, lines[number + length])
          work -= part.length
          return part
        })
      })
      .filter(one => one !== undefined)
      .sort((a, b) => b.length - a.length)[0]
    if (found === undefined) continue
    if (start.at > from) sections.push({ text: text.slice(from, start.at) })
    const end = lines[number + found.length] ?? text.length
    sections.push({ text: text.slice(start.at, end), own: { form: found.form, reading: found.reading } })
    from = end
  }
  if (from < text.length) sections.push({ text: text.slice(from) })
  return sections
}
