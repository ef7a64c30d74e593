/**
 * The prefixes that tools put before a line of the kernel log: https://man7.org/linux/man-pages/man1/dmesg.1.html and, for
 * /dev/kmsg, https://docs.kernel.org/admin-guide/abi-testing.html. A time since boot is no time of day, and is left out.
 */
import { isoSeconds } from '../logs/values'

export interface KernelLine {
  readonly text: string
  /** Unix seconds, where the prefix says them. */
  readonly time: number | undefined
}

/** `kern  :warn  : ` of `dmesg --decode`, `<6>` of consoles. */
const LEVEL =
  /^(?:(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local\d) {0,8}:(?:emerg|alert|crit|err|warn|notice|info|debug) {0,8}: |<\d{1,3}>)/
const ISO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{6}[+-]\d\d:\d\d) /
const CTIME = /^\[(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})\] /
/** Since boot, since the line before, and the relative forms; a thread or processor may follow, then a journal's host. */
const SINCE_BOOT =
  /^\[(?: {0,8}\d{1,9}\.\d{6}(?: <? {0,8}[+-]?\d{1,9}\.\d{6}>?)?|<? {0,8}\+?\d{1,9}\.\d{6}>?|[A-Z][a-z]{2} {0,2}\d{1,2} \d\d:\d\d)\](?:\[ {0,8}[TC]\d{1,9}\])? (?:\S{1,256} kernel: )?/
/** Priority, sequence number, microseconds since boot, flags. */
const KMSG = /^\d{1,4},\d{1,20},\d{1,20},[-c+](?:,[\w=]{1,40}){0,4};/

/** Undefined where the line has no prefix of a kernel log. */
export function readKernelLine(text: string): KernelLine | undefined {
  const kmsg = KMSG.exec(text)
  if (kmsg !== null) return { text: text.slice(kmsg[0].length), time: undefined }
  const level = LEVEL.exec(text)
  const rest = text.slice(level?.[0].length ?? 0)
  const iso = ISO.exec(rest)
  if (iso !== null) return { text: rest.slice(iso[0].length), time: isoSeconds(iso[1] ?? '') }
  const ctime = CTIME.exec(rest)
  if (ctime !== null) {
    // Local time without a zone, as elsewhere in logs.
    const milliseconds = Date.parse(ctime[1] ?? '')
    return { text: rest.slice(ctime[0].length), time: Number.isFinite(milliseconds) ? milliseconds / 1000 : undefined }
  }
  const boot = SINCE_BOOT.exec(rest)
  if (boot !== null) return { text: rest.slice(boot[0].length), time: undefined }
  return level === null || level[0].startsWith('<') ? undefined : { text: rest, time: undefined }
}

export interface JournalEntry extends KernelLine {
  readonly host: string | undefined
  readonly program: string | undefined
  /** Where to go on behind this entry. */
  readonly cursor: string | undefined
}

/** A line of `journalctl -o json`: https://systemd.io/JOURNAL_EXPORT_FORMATS/ */
export function readJournalEntry(line: string): JournalEntry | undefined {
  if (!line.startsWith('{') || !line.includes('"__REALTIME_TIMESTAMP"')) return undefined
  try {
    const entry = JSON.parse(line) as Record<string, unknown>
    const textOf = (name: string) => (typeof entry[name] === 'string' ? entry[name] : undefined)
    const text = textOf('MESSAGE')
    const microseconds = Number(textOf('__REALTIME_TIMESTAMP'))
    if (text === undefined || !Number.isFinite(microseconds)) return undefined
    const program = textOf('_TRANSPORT') === 'kernel' ? 'kernel' : textOf('SYSLOG_IDENTIFIER')
    return { text, time: microseconds / 1e6, host: textOf('_HOSTNAME'), program, cursor: textOf('__CURSOR') }
  } catch {
    return undefined
  }
}
