/** What scripts put before their message, whatever logger they have or have not: times, levels, who speaks, `[train]`. */
import type { LogLine } from './format'
import { headOf } from './logger-head'
import { isoSeconds, localTime, numberOf } from './values'

const FIRST = /^\s{0,8}[[\w./<]/
const STEP = /^(?:step|iter|update|epoch)/i
const DATE = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]{0,10}Z?`
const CLOCK = String.raw`\d\d:\d\d:\d\d[\d.,]{0,8}`
/** `module:function:33` of loguru, and a name before a colon. */
const WHO = String.raw`[\w./<>]{1,80}:[\w.<>]{1,60}:\d{1,6}|[A-Za-z][\w./]{0,60}(?=: {1,4}[A-Za-z[])`
const PART = `(?:\\[[^[\\]]{1,60}\\]|${DATE}|${CLOCK}|DEBUG|INFO|${WHO})(?: ?[:|>-]{1,2})? {1,4}`
const FRONT = new RegExp(
  `^\\s{0,8}(?:${PART}){1,6}(?=(?:\\w{1,20}[ /_])?(?:step|iter|iteration|update|epoch)s?\\b)`,
  'i',
)
/** logfmt says when by a name. */
const SAID_TIME =
  /(?:^|[\s,])(?:time|ts|timestamp)=["']?(\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:?\d\d)|\d{9,10}(?:\.\d{1,9})?)["']?(?=[\s,]|$)/
const HELD_OUT = /\b(?:val|valid|validation|eval|evaluation|test|dev)\b/i

export interface Message {
  readonly text: string
  /** Unix seconds, where one stands before the message or is said by a name. */
  readonly time: number | undefined
  /** Before the message stands that it is of what is held out. */
  readonly ofHeldOut: boolean
}

function timeIn(text: string): number | undefined {
  const said = text.includes('=') ? SAID_TIME.exec(text.slice(0, 400))?.[1] : undefined
  return said === undefined ? undefined : (isoSeconds(said) ?? numberOf(said))
}

/** The message behind a logger's head, or behind whatever else stands in front of a step. */
export function messageOf(line: LogLine): Message {
  const { text, time, found } = headOf(line)
  const front = STEP.test(text) || !FIRST.test(text) ? '' : (FRONT.exec(text.slice(0, 500))?.[0] ?? '')
  return {
    text: text.slice(front.length),
    time: time ?? localTime(front) ?? (found ? undefined : timeIn(text)),
    ofHeldOut: front !== '' && HELD_OUT.test(front),
  }
}
