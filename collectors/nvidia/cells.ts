/** Single values as nvidia-smi prints them outside of its CSV: a quantity with its unit, a text, a moment. */
import { readNumber } from './csv'

/** Ways to say that there is no value, besides brackets. */
const NONE =
  /^(?:|-|N\/A|None|ERR!|Err|Not Supported|Unknown Error|GPU is lost|Insufficient Permissions|Not Found|Requested functionality has been deprecated|\[.*)$/i

/** `16925 MiB`, `36C`, `16x` → SI units; undefined where no number stands, or one of an unknown unit. */
export function quantity(cell: string | undefined): number | undefined {
  if (cell === undefined || cell.length > 40) return undefined
  const text = cell.trim().replace(/(\d)x$/, '$1')
  const value = readNumber(text, 0, text.length, 1)
  return Number.isNaN(value) ? undefined : value
}

/** The text of a cell, where it is one. */
export function word(cell: string | undefined): string | undefined {
  const text = cell?.trim()
  return text === undefined || text.length > 1000 || NONE.test(text) ? undefined : text
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Fri Jul  3 22:22:26 2026`, local time of the machine that reads it, in Unix seconds. */
export function moment(cell: string | undefined): number | undefined {
  const match = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})$/.exec(cell?.trim() ?? '')
  if (match === null) return undefined
  const month = MONTHS.indexOf(match[1] ?? '')
  const [day, hour, minute, second, year] = match.slice(2).map(Number) as [number, number, number, number, number]
  return month < 0 ? undefined : new Date(year, month, day, hour, minute, second).getTime() / 1000
}

/** A MIG instance by its numbers on the device: instances of computing share the memory of their GPU instance. */
export const instanceName = (group: number | undefined, compute: number | undefined) =>
  compute === undefined ? `MIG ${group}` : `MIG ${group}/${compute}`
