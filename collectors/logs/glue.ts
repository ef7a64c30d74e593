/**
 * Lines that came onto one: ranks that print at the same time lose the line feed between them, and what is printed while a
 * bar is drawn stands behind it. Read as one, the figures of one step would be those of another.
 */

/** What launchers put in front of a rank's lines, behind something else than another such prefix. */
const RANK = /(?<=[^\s\]:>]\s{0,8})\[(?:default|rank|worker|trainer)\d{1,6}\]: ?/g
/** A drawn bar to its end; what it is called stands before it. */
const BAR = /%\|[^|]{0,400}\|\s{0,8}\d{1,12}\/\d{1,12}\s?\[[^\]]{1,1200}\]/g
/** Megatron's timers behind its line of figures. */
const TIMERS = /(?<=\| {1,4})time \(ms\) \|/g
/** PyTorch's failure of memory. */
const FAILURE = /(?:(?:torch\.)?(?:cuda\.)?OutOfMemoryError|RuntimeError): \w{2,4} out of memory\. Tried/g
/** How a line begins, until it has this many letters and a number: it comes again only where another line begins. */
const LETTERS = 7
const MOST_HEAD = 80
const MOST_CHARACTERS = 65_536
const MOST_HEADS = 500

const isLetter = (code: number) => (code >= 97 && code <= 122) || (code >= 65 && code <= 90)
const isDigit = (code: number) => code >= 48 && code <= 57

/** Where the beginning of a line ends; undefined where it has too few letters, or no number, to be known again. */
function headEnd(text: string): number | undefined {
  let [letters, digits] = [0, 0]
  const most = Math.min(text.length, MOST_HEAD)
  for (let at = 0; at < most; at += 1) {
    const code = text.charCodeAt(at)
    if (isLetter(code)) letters += 1
    else if (isDigit(code)) digits += 1
    if (letters >= LETTERS && digits > 0) return at + 1
  }
  return undefined
}

/** The longest stretch of a beginning without digits and blanks: it must come again, if the beginning does. */
function wordOf(text: string, end: number): string {
  let [best, from] = ['', 0]
  for (let at = 0; at <= end; at += 1) {
    const code = text.charCodeAt(at)
    if (at < end && !isDigit(code) && code !== 32) continue
    if (at - from > best.length) best = text.slice(from, at)
    from = at + 1
  }
  return best
}

const heads = new Map<string, RegExp>()

/** A beginning with any numbers in place of its own, and any blanks. */
function headPattern(head: string): RegExp {
  const source = head
    .trimStart()
    .replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
    .replaceAll(/\d{1,20}/g, String.raw`\d{1,20}`)
    .replaceAll(/\s{1,20}/g, String.raw`\s{1,20}`)
  const known = heads.get(source)
  if (known !== undefined) return known
  // A name may end as another does: `total_batch_size=` is no `batch_size=`.
  const pattern = new RegExp(`(?<!_)${source}`, 'g')
  if (heads.size < MOST_HEADS) heads.set(source, pattern)
  return pattern
}

/** Where the beginning of the line comes again. An object within another may begin as the whole does. */
function again(text: string): number[] {
  const end = headEnd(text)
  if (end === undefined) return []
  const word = wordOf(text, end)
  if (word.length < 3 || text.indexOf(word, end) === -1) return []
  const places = [...text.matchAll(headPattern(text.slice(0, end)))].map(match => match.index).filter(at => at >= end)
  return text.startsWith('{') ? places.filter(at => text.slice(0, at).trimEnd().endsWith('}')) : places
}

function cutAt(text: string, places: readonly number[]): string[] {
  const bounds = [0, ...places, text.length]
  return bounds.slice(1).flatMap((end, index) => {
    const part = text.slice(bounds[index], end)
    return part.trim() === '' ? [] : [part]
  })
}

const placesOf = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(({ index }) => index)

/** Where another line begins. */
function placesIn(line: string): number[] {
  if (line.includes('%|')) return [...line.matchAll(BAR)].map(match => match.index + match[0].length)
  if (line.includes('| time (ms) |')) return placesOf(line, TIMERS)
  // Within an object a failure is a part of its message.
  if (line.includes('out of memory. Tried') && !line.startsWith('{')) return placesOf(line, FAILURE).slice(1)
  return again(line)
}

/** The lines that a line without colours is made of: mostly itself. */
export function unglued(text: string): string[] {
  if (text.length > MOST_CHARACTERS) return [text]
  const byRank =
    text.lastIndexOf(']:') > 0 && /\[(?:default|rank|worker|trainer)\d/.test(text.slice(1))
      ? cutAt(text, placesOf(text, RANK))
      : [text]
  return byRank.flatMap(line => {
    const places = placesIn(line)
    return places.length === 0 ? [line] : cutAt(line, places)
  })
}
