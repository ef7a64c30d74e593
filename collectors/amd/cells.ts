/** Single values as AMD's tools and driver print them: a number with its unit, or one of their ways to say that there is none. */

/** Multiples of memory are powers of 1024 in all of these tools, whatever they call them: an MI300X has 196592 "MB". */
const KIBI = 1024
const UNITS: Readonly<Record<string, number>> = {
  '%': 1 / 100,
  w: 1,
  mw: 1 / 1000,
  uw: 1 / 1e6,
  hz: 1,
  khz: 1e3,
  mhz: 1e6,
  ghz: 1e9,
  c: 1,
  '°c': 1,
  b: 1,
  kb: KIBI,
  mb: KIBI ** 2,
  gb: KIBI ** 3,
  tb: KIBI ** 4,
  pb: KIBI ** 5,
  kib: KIBI,
  mib: KIBI ** 2,
  gib: KIBI ** 3,
  tib: KIBI ** 4,
  'kb/s': 1e3,
  'mb/s': 1e6,
  'gb/s': 1e9,
  'gt/s': 1,
}

const NONE =
  /^(?:|-|n\/a\b.*|none|null|nan|err!?|error|unknown|unsupported|not supported\b.*|not applicable|<redacted>)$/i

/** The text of a cell, where it is one. */
export function word(cell: string | undefined): string | undefined {
  const text = cell?.trim()
  return text === undefined || text.length > 1000 || NONE.test(text) ? undefined : text
}

/**
 * `45.0°C`, `(1600Mhz)`, `10.1 GB`, `7 %` → SI units. A number without a unit is in `unit`. Undefined where no number stands,
 * or one of a unit that is not known. The bits of `Gb/s` stay bits.
 */
export function quantity(cell: string | undefined, unit = ''): number | undefined {
  const match = /^\(?\s{0,4}(-?\d{1,20}(?:\.\d{1,20})?)\s{0,8}([^\d\s)]{0,8})\)?$/.exec(cell?.trim().slice(0, 80) ?? '')
  if (match === null) return undefined
  const name = (match[2] === '' ? unit : (match[2] ?? '')).toLowerCase().replace('℃', '°c')
  const factor = name === '' ? 1 : Object.hasOwn(UNITS, name) ? UNITS[name] : undefined
  if (factor === undefined) return undefined
  const value = Number(match[1])
  if (name.endsWith('b')) return Math.round(value * factor)
  // Percent are divided: 7 × 0.01 is not 0.07.
  return factor < 1 ? value / Math.round(1 / factor) : value * factor
}

/** GT/s of a lane by generation of PCIe. */
const LANE_SPEEDS: readonly number[] = [2.5, 5, 8, 16, 32, 64]

/** `16.0 GT/s PCIe`, `8.0GT/s, x16` → the generation. */
export function generationOf(cell: string | undefined): number | undefined {
  const speed = /^(\d{1,3}(?:\.\d{1,2})?)\s{0,2}(?:GT\/s|$)/i.exec(cell?.trim().slice(0, 60) ?? '')?.[1]
  const generation = speed === undefined ? 0 : LANE_SPEEDS.indexOf(Number(speed)) + 1
  return generation > 0 ? generation : undefined
}
