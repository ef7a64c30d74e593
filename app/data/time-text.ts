/** Moments as people read them. Times are Unix seconds. Pure. */
import { format } from '../../base/units'

export type Zone = 'local' | 'utc'

const two = (value: number) => String(value).padStart(2, '0')
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

interface Parts {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

export function partsOf(time: number, zone: Zone): Parts {
  const date = new Date(time * 1000)
  // Shifted so that the UTC fields read as those of the zone.
  const shifted = zone === 'utc' ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth(),
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    second: shifted.getUTCSeconds(),
  }
}

/** `14:03:27` */
export function timeText(time: number, zone: Zone): string {
  const { hour, minute, second } = partsOf(time, zone)
  return `${two(hour)}:${two(minute)}:${two(second)}`
}

/** `26 Nov 2026` */
export function dateText(time: number, zone: Zone): string {
  const { year, month, day } = partsOf(time, zone)
  return `${day} ${MONTHS[month] ?? ''} ${year}`
}

/** `26 Nov 14:03` */
export function shortText(time: number, zone: Zone): string {
  const { month, day, hour, minute } = partsOf(time, zone)
  return `${day} ${MONTHS[month] ?? ''} ${two(hour)}:${two(minute)}`
}

/** `14:03:27 – 14:09:01`, with the days where they differ. */
export function stretchText({ from, to }: { from: number; to: number }, zone: Zone): string {
  const text = dateText(from, zone) === dateText(to, zone) ? timeText : shortText
  return `${text(from, zone)} – ${text(to, zone)}`
}

/** `34 s`, `5 min 34 s`: a length of time to the second. */
export function durationText(seconds: number): string {
  return format(Math.round(seconds), 'seconds').replace(/\.0+ s$/, ' s')
}
