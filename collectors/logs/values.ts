/** Numbers, times and sizes as logs print them. */

/** A number such as `1,234.5`, `1.0E-04` or `8_192`; undefined for anything else, `nan` and `inf` included. */
export function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const trimmed = text.trim()
  const plain = trimmed.includes(',') || trimmed.includes('_') ? trimmed.replaceAll(/[,_]/g, '') : trimmed
  if (plain === '' || plain.length > 64) return undefined
  const value = Number(plain)
  return Number.isFinite(value) ? value : undefined
}

/** Whether a log printed a number that is none: `nan`, `inf`, `-inf`. */
export function isNotFinite(text: string | undefined): boolean {
  return text !== undefined && /^[+-]?(?:nan|inf(?:inity)?)$/i.test(text.trim())
}

export function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : tidy(value * factor)
}

/** Takes off the digits that only binary multiplication put there: 0.18024000000000001 is 0.18024. */
export function tidy(value: number): number {
  return Number(value.toPrecision(14))
}

const LOCAL_TIME = /(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?/

/**
 * Unix seconds of the first `2026-11-23 17:35:45[.123]` in the text. Logs print local time without a zone: it is read
 * in the zone of this machine, which is the job's where the agent runs on its node.
 */
export function localTime(text: string): number | undefined {
  const match = LOCAL_TIME.exec(text)
  if (match === null) return undefined
  const milliseconds = Date.parse(`${match[1]}T${match[2]}.${(match[3] ?? '0').padEnd(3, '0').slice(0, 3)}`)
  return Number.isFinite(milliseconds) ? milliseconds / 1000 : undefined
}

const POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5 }

/** Bytes of `2.00 GiB`, `512 MB`, `0 bytes`: binary where the unit says so, decimal where it does not. */
export function bytesOf(text: string | undefined): number | undefined {
  const match = /^([\d.,]{1,32}) ?([kmgtp]?)(i?)(?:b|bytes?)$/i.exec(text ?? '')
  const value = numberOf(match?.[1])
  if (match === null || value === undefined) return undefined
  const power = POWERS[(match[2] ?? '').toLowerCase()] ?? 0
  return Math.round(value * (match[3] === '' ? 1000 : 1024) ** power)
}

const PREFIX_POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5, e: 6 }

/** FLOPs, or FLOP/s, of `112.9TFLOPS`, `13.36 TFLOPS`, `1.2PFLOPS`. */
export function flopsOf(text: string | undefined): number | undefined {
  const match = /^([\d.,]{1,32}) ?([kmgtpe]?)flops$/i.exec(text ?? '')
  return match === null
    ? undefined
    : scaled(numberOf(match[1]), 1000 ** (PREFIX_POWERS[(match[2] ?? '').toLowerCase()] ?? 0))
}

/** A count such as `429.51 M`, `1.2B`, `12 k`: decimal, as counts are. */
export function countOf(text: string | undefined): number | undefined {
  const match = /^([\d.,]{1,32}) ?([kmgbt]?)$/i.exec(text ?? '')
  const power = { '': 0, k: 1, m: 2, g: 3, b: 3, t: 4 }[(match?.[2] ?? '').toLowerCase()] ?? 0
  return match === null ? undefined : scaled(numberOf(match[1]), 1000 ** power)
}

/** Unix seconds of `2026-01-07T10:00:00,123456-0600`, with a zone; to the microsecond. */
export function isoSeconds(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)$/.exec(text)
  if (match === null) return undefined
  const [, second = '', fraction = '', zone = ''] = match
  const milliseconds = Date.parse(`${second}${zone.replace(/(\d\d)(\d\d)$/, '$1:$2')}`)
  return Number.isFinite(milliseconds) ? Number(`${milliseconds / 1000}.${fraction || '0'}`) : undefined
}
