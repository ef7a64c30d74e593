/** What Python's loggers put before a message: time, level, and who logged it. */
import type { LogLine } from './format'
import { localTime } from './values'

export interface Headed {
  /** The message without its head; the whole line where there is none. */
  readonly text: string
  /** Name of the logger, or the file that logged; absent where the head has none. */
  readonly name: string | undefined
  /** Unix seconds of a time with a date; absent where it has none. */
  readonly time: number | undefined
  readonly found: boolean
  /** It is no warning and no error: nobody but its own format can have anything to say of it. */
  readonly calm: boolean
}

const DATE = String.raw`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?`
const LEVEL = '(?:DEBUG|INFO|NOTICE|SUCCESS|WARNING|WARN|ERROR|CRITICAL)'
/** By the character that they begin with, so that a line is held against few of them. */
const HEADS: readonly { readonly first: RegExp; readonly patterns: readonly RegExp[] }[] = [
  {
    first: /^\d/,
    patterns: [
      // fairseq, metaseq and many others: DATE | LEVEL | NAME | message
      new RegExp(
        `^(?<date>${DATE}) {0,4}\\| {0,4}${LEVEL} {0,8}\\| {0,4}(?:(?<name>[\\w./:<>-]{1,160}) {0,4}[|-] {0,4})?`,
      ),
      // OLMo: DATE HOST:RANK NAME:LINE LEVEL message, with tabs
      new RegExp(
        `^(?<date>${DATE})\\s{1,8}[\\w.-]{1,200}:\\d{1,6}\\s{1,8}(?<name>[\\w.]{1,160}):\\d{1,6}\\s{1,8}${LEVEL}\\s{1,8}`,
      ),
      // InternEvo: DATE LEVEL FILE:LINE in FUNCTION -- message
      new RegExp(`^(?<date>${DATE})\\s{1,8}${LEVEL} (?<name>[\\w./-]{1,160}):\\d{1,6} in [\\w<>]{1,100} -- `),
      // Levanter: DATE - RANK - NAME - FILE:LINE - LEVEL :: message
      new RegExp(`^(?<date>${DATE}) - \\d{1,6} - (?<name>[\\w.]{1,160}) - [\\w.]{1,100}:\\d{1,6} - ${LEVEL} :: `),
      // logging's own examples: DATE - NAME - LEVEL - message, and DATE - LEVEL - message
      new RegExp(`^(?<date>${DATE}) - (?:(?<name>[\\w.]{1,160}) - )?${LEVEL} - (?:[\\w.]{1,100}:\\d{1,6} - )?`),
      new RegExp(`^(?<date>${DATE}) {1,4}\\[?${LEVEL}\\]?:? {1,4}(?:(?<name>[\\w.]{1,160}):(?:\\d{1,6})? {1,2})?`),
      // LLM Foundry: DATE: rank0[PID][MainThread]: LEVEL: NAME: message
      new RegExp(`^(?<date>${DATE}): rank\\d{1,6}\\[\\d{1,10}\\]\\[\\w{1,40}\\]: ${LEVEL}: (?<name>[\\w.]{1,160}): `),
      // DATE L [FILE:LINE] message
      new RegExp(`^(?<date>${DATE}) [DIWEFC] \\[(?<name>[\\w./-]{1,160}):\\d{1,6}\\] `),
      // nanotron: MM/DD/YYYY TIME [LEVEL|DP=0|PP=0|TP=0|HOST]:
      /^(?<american>\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d) \[[A-Z]{4,8}(?<name>\|DP=\d{1,6}\|PP=\d{1,6}\|TP=\d{1,6})[^\]]{0,200}\]: ?/,
      // Accelerate and Hugging Face's examples
      new RegExp(`^(?<american>\\d\\d/\\d\\d/\\d{4} \\d\\d:\\d\\d:\\d\\d) - ${LEVEL} - (?<name>[\\w.]{1,160}) - `),
      // loguru as prime-rl has it: a time of day alone
      new RegExp(
        `^\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,6})? {1,8}\\[?${LEVEL}\\]? {1,4}(?:\\[\\w{1,40}\\] {1,4})?(?:\\[Rank \\d{1,6}\\] )?`,
      ),
    ],
  },
  {
    first: /^[A-Z]/,
    patterns: [
      // absl: LMMDD TIME THREAD FILE:LINE]
      /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} {1,8}\d{1,20} (?<name>[\w.]{1,100}):\d{1,6}\] ?/,
      // logging.basicConfig without a format: LEVEL:NAME:message
      new RegExp(`^${LEVEL}:(?<name>[\\w.]{1,160}):`),
      // XLM and its heirs: LEVEL - MM/DD/YY TIME - H:MM:SS since the start - message
      new RegExp(
        `^${LEVEL} - (?<short>\\d\\d\\/\\d\\d\\/\\d\\d \\d\\d:\\d\\d:\\d\\d) - (?:\\d{1,4} days?, )?\\d{1,3}:\\d\\d:\\d\\d - `,
      ),
      // vLLM's, which OpenRLHF took over: LEVEL MM-DD TIME FILE:LINE]
      new RegExp(`^${LEVEL} \\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d (?:\\[)?(?<name>[\\w./]{1,160}):\\d{1,6}\\] `),
    ],
  },
  {
    first: /^\[/,
    patterns: [
      // NeMo: [NeMo L DATE FILE:LINE]
      new RegExp(`^\\[(?<name>NeMo) [A-Z] (?<date>${DATE}) [\\w./-]{1,160}:\\d{1,6}\\](?:\\[rank\\d{1,6}\\])? {0,4}`),
      // [DATE][LEVEL] and [DATE] [LEVEL] [NAME] message
      new RegExp(`^\\[(?<date>${DATE})\\] ?\\[${LEVEL}\\] ?(?:\\[(?<name>[\\w./:-]{1,160})\\] ?)?(?:- |: )?`),
      new RegExp(`^\\[(?<date>${DATE})\\]\\[(?<name>[\\w.]{1,160})\\]\\[${LEVEL}\\] - `),
      // slime and SGLang: [DATE WHO] FILE:LINE - message
      new RegExp(`^\\[(?<date>${DATE})(?: [^\\[\\]]{1,40})?\\] (?<name>[\\w.-]{1,100}\\.py):\\d{1,6} - `),
      // HugeCTR and others: [TIME][NAME][LEVEL]: message
      new RegExp(
        `^(?:\\[[^\\[\\]]{1,60}\\] ?){0,4}\\[${LEVEL}\\](?: ?\\[[A-Z]{2,12}\\]| ?\\[Rank \\d{1,6}\\]){0,2}:? {1,4}`,
      ),
      // Primus: [YYYYMMDD TIME][rank-7/8][LEVEL] [FILE:LINE] :
      new RegExp(
        `^\\[\\d{8} \\d\\d:\\d\\d:\\d\\d\\](?:\\[[^\\]]{1,60}\\]){0,4}\\[(?:node|rank|ip)-[^\\]]{1,80}\\](?:\\[rank-[^\\]]{1,40}\\])?\\[${LEVEL} {0,8}\\] ?\\[?-{0,40}(?<name>[\\w./-]{1,160}):\\d{1,6}\\]? {0,4}:? ?`,
      ),
    ],
  },
]

const TROUBLE = /\b(?:WARNING|WARN|ERROR|CRITICAL)\b|^[WEF]\d{4} |^\[NeMo [WE] /
const MOST_HEAD = 500

/** `01/17/2024 13:47:27` in the order that localTime reads. */
function americanTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  return localTime(`${text.slice(6, 10)}-${text.slice(0, 2)}-${text.slice(3, 5)}${text.slice(10)}`)
}

function read(text: string): Headed {
  const head = text.slice(0, MOST_HEAD)
  for (const { first, patterns } of HEADS) {
    if (!first.test(head)) continue
    for (const pattern of patterns) {
      const match = pattern.exec(head)
      if (match === null) continue
      const { date, american, short, name } = match.groups ?? {}
      // Of the year the two last digits: no trainer logged before 2000.
      const written = american ?? short?.replace(/\/(?=\d\d )/, '/20')
      const time = date === undefined ? americanTime(written) : localTime(date)
      return { text: text.slice(match[0].length), name, time, found: true, calm: !TROUBLE.test(match[0]) }
    }
  }
  return { text, name: undefined, time: undefined, found: false, calm: false }
}

let last: { readonly text: string; readonly headed: Headed } | undefined

/** The head of a line. Several formats ask the same of the same line: the last answer is kept. */
export function headOf({ text }: Pick<LogLine, 'text'>): Headed {
  if (last?.text !== text) last = { text, headed: read(text) }
  return last.headed
}
