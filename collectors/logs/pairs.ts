/** `name: value` and `name=value` of a line, under the names that it has; a rate in front of its unit under that of its unit. */
import { isHeldOut, meaningOf } from './common-names'

/** A comma within `1,497,600` separates nothing. */
const BETWEEN =
  /\s{0,8}[|;]\s{0,8}|\]\s?\[|\]\s{1,4}(?=[A-Za-z])|\t|,(?!\d{3}(?!\d))\s{0,8}|(?<=\d):\s|\s{2,80}|\s-\s|\s\(?(?=[A-Za-z][\w./()%-]{0,60}\s?[=:]\s?\S)/
const NAME = String.raw`([A-Za-z][\w ./()%@-]{0,60}?)`
const NUMBER = String.raw`([-+]?(?:\d[\d,_]{0,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,4})?|[-+]?(?:nan|inf))`
const UNIT = String.raw`(?: ?(?:%|[KMBG]|ms|s|sec|secs|seconds|s\/it|[KMGT]i?B|TFLOPs?(?:\/s)?|tok(?:en)?s?\/s(?:ec)?|samples\/s(?:ec)?))?`
const PAIR = new RegExp(`^${NAME}\\s{0,4}[=:]\\s{0,8}\\[?${NUMBER}(${UNIT})\\]?(?: ?\\(.{0,60}\\))?$`, 'i')
const SPACED = new RegExp(`^${NAME} {1,8}${NUMBER}(${UNIT})(?: ?\\(.{0,60}\\))?$`, 'i')
/** What is said once more in brackets: `tps 6574.51(821.81/gpu)`, `loss = 79.35 (57.126 sec/step)`. */
const BRACKETED = new RegExp(`\\(${NUMBER} ?(\\/gpu|s(?:ec(?:onds?)?)?\\/(?:step|it|iter|batch))\\)$`, 'i')
/** `loss   17.64` of a table: the name stands before it. */
const BARE = new RegExp(`^${NUMBER}(${UNIT})(?: ?\\(.{0,60}\\))?$`, 'i')
const SEPARATED = /[=:]/
/** Words in front of a name, which may be its beginning: `step` of `step time: 0.5`, `Val` of `Val Loss: 2.1`. */
const WORDS = /^[A-Za-z][A-Za-z ]{0,30}$/
const TRAILING = /^(.{1,100}[\d%]\w{0,8}) ([A-Za-z]{2,20})(?:\(\d{0,12})?$/
/** `step 10/1000`, `Iter [10/1000]`, `step: 10 / 1000 (1 %)`, `step 10 of 1000`. */
const OF =
  /^(?:.{0,160}\W)?(step|iter|iteration|it|update)s?(?:\(train\))?[ :=[(]{1,8}(\d{1,12}) {0,4}(?:\/|of) {0,8}(\d{1,12})\b/i
/** A rate in front of its unit: `91886 tok/s`. */
const RATE = new RegExp(
  `^${NUMBER}(?:([KM])(?= ?tok))? ?(ms|tok(?:en)?s?\\/s(?:ec)?(?:\\/(?:gpu|device))?|samples\\/s(?:ec)?|s\\/it|s\\/step|ms\\/(?:it|iter|step))$`,
  'i',
)
const RATE_NAMES: Readonly<Record<string, string>> = {
  ms: 'dt',
  's/it': 'dt',
  's/step': 'dt',
  'ms/step': 'dt_ms',
  'ms/it': 'dt_ms',
  'ms/iter': 'dt_ms',
}

/** Without a bracket that another part opened or closes. */
function bare(part: string): string {
  const trimmed = part.trim().replace(/^[[({]/, '')
  return /[\])}]$/.test(trimmed) && /[[({]/.test(trimmed) ? trimmed : trimmed.replace(/[\])},:]$/, '')
}

/** Whether a name means something only with the words before it, or is then that of what is held out. */
const belongs = (words: string, name: string) =>
  words !== '' && (isHeldOut(words) || meaningOf(`${words} ${name}`) !== undefined)
/** What is of something else with a word before it: `GRU norm`. */
const OF_WHAT = /^norm$/i

/** A word and its number, of a line that is nothing else: `step 1 loss 2.31 step_time 0.52 s`. */
const PLAIN_PAIR = new RegExp(
  String.raw`\s*([A-Za-z][\w./%-]{0,60}) {1,8}${NUMBER}(${UNIT})(?=\s{0,8}$|\s{1,8}[A-Za-z])`,
  'iy',
)
const STEP_FIRST = /^\s*(?:step|iter|iteration|update)s? {1,8}(\d{1,12})(?:\/(\d{1,12}))?\s/i

/** Undefined where anything else stands in the line: prose has numbers too. */
function plainPairs(text: string): Map<string, string> | undefined {
  const [first = '', step = '', total] = STEP_FIRST.exec(text) ?? []
  if (first === '') return undefined
  const line = text.trimEnd()
  const figures = new Map([['step', step], ...(total === undefined ? [] : [['total_steps', total] as const])])
  PLAIN_PAIR.lastIndex = first.length - 1
  while (PLAIN_PAIR.lastIndex < line.length) {
    const [, name, value, unit = ''] = PLAIN_PAIR.exec(line) ?? []
    if (name === undefined || value === undefined || figures.has(name)) return undefined
    figures.set(name, `${value}${unit}`)
  }
  return figures
}

/** Figures by name; of a name that comes twice the first counts. */
export function pairsIn(text: string): Map<string, string> {
  const plain = plainPairs(text)
  if (plain !== undefined) return plain
  const figures = new Map<string, string>()
  const put = (name: string, value: string) => {
    if (!figures.has(name)) figures.set(name, value)
  }
  const of = OF.exec(text.slice(0, 400))
  if (of !== null) {
    put('step', of[2] ?? '')
    put('total_steps', of[3] ?? '')
  }
  /** Behind words that it does without: where it comes once so, and not alone. */
  const behindWords = new Map<string, string | null>()
  let words = ''
  for (const part of text.split(BETWEEN)) {
    const before = words
    words = ''
    const trimmed = bare(part)
    if (trimmed.length > 120 || trimmed === '') continue
    if (WORDS.test(trimmed)) {
      words = trimmed
      continue
    }
    if (before !== '' && BARE.test(trimmed)) {
      put(before, trimmed)
      continue
    }
    const bracketed = trimmed.endsWith(')') ? BRACKETED.exec(trimmed) : null
    if (bracketed !== null) put(bracketed[2] === '/gpu' ? 'tps_per_gpu' : 'step_time', bracketed[1] ?? '')
    const shape = SEPARATED.test(trimmed) ? PAIR : SPACED
    let pair = shape.exec(trimmed)
    // Behind a value may stand the beginning of the next name.
    const trailing = pair === null ? TRAILING.exec(trimmed) : null
    if (trailing !== null) {
      pair = shape.exec(trailing[1] ?? '')
      words = pair === null ? '' : (trailing[2] ?? '')
    }
    if (pair !== null) {
      const own = (pair[1] ?? '').trim()
      const name = belongs(before, own) ? `${before} ${own}` : own
      // nanoGPT's heirs: a time in milliseconds is a step's; one in seconds may be that of the whole run.
      const unit = pair[3]?.trim() ?? ''
      const value = `${pair[2] ?? ''}${pair[3] ?? ''}`
      if (/^time$/i.test(name) && unit === 'ms') put('step_time', value)
      else if (/^(?:throughput|speed)$/i.test(name) && /^tok/i.test(unit)) put(unit, pair[2] ?? '')
      else if (before === '' || name !== own) put(name, value)
      else if (!OF_WHAT.test(own)) behindWords.set(own, behindWords.has(own) ? null : value)
      continue
    }
    const rate = RATE.exec(trimmed)
    if (rate !== null) {
      const [, number = '', thousands = '', unit = ''] = rate
      put(RATE_NAMES[unit.toLowerCase()] ?? unit, /ms$/i.test(unit) ? `${number}ms` : `${number}${thousands}`)
    }
  }
  for (const [name, value] of behindWords) if (value !== null) put(name, value)
  return figures
}
