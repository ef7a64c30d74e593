/** Units by value. Numbers come in SI base units and leave as a short text with a unit a person would choose. */

export type Unit =
  | 'seconds'
  | 'bytes'
  | 'bytesPerSecond'
  | 'bitsPerSecond'
  | 'flopsPerSecond'
  | 'flops'
  | 'hertz'
  | 'watts'
  | 'celsius'
  | 'ratio'
  | 'tokens'
  | 'tokensPerSecond'
  | 'samplesPerSecond'
  | 'count'
  | 'none'

const SI = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y']
const IEC = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

function scaled(value: number, base: number, prefixes: readonly string[], unit: string): string {
  let size = Math.abs(value)
  let step = 0
  // 999.95 would print as "1000": move up before rounding does.
  while (size >= base * 0.9995 && step < prefixes.length - 1) {
    size /= base
    step += 1
  }
  const suffix = `${prefixes[step] ?? ''}${unit}`
  return `${value < 0 ? '-' : ''}${significant(size)}${suffix === '' ? '' : ` ${suffix}`}`
}

/** Three significant digits, never in exponent form for what people meet. */
export function significant(value: number, digits = 3): string {
  if (value === 0) return '0'
  // Of the rounded value: 0.9999 is printed as 1.00, not as 1.000.
  const magnitude = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))))
  if (magnitude < -6 || magnitude > 15) return value.toExponential(digits - 1)
  return value.toFixed(Math.max(0, digits - 1 - magnitude))
}

function duration(seconds: number): string {
  const size = Math.abs(seconds)
  if (size === 0) return '0 s'
  if (size < 1e-3) return `${significant(seconds * 1e6)} µs`
  if (size < 1) return `${significant(seconds * 1e3)} ms`
  if (size < 120) return `${significant(seconds)} s`
  if (size < 7200) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
  if (size < 172_800) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`
  return `${significant(seconds / 86_400)} d`
}

/** `format(12e9, 'bytes')` is `11.2 GiB`. Not a number gives an en dash: absent is not zero. */
export function format(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–'
  switch (unit) {
    case 'seconds':
      return duration(value)
    case 'bytes':
      return scaled(value, 1024, IEC, 'B')
    case 'bytesPerSecond':
      return scaled(value, 1000, SI, 'B/s')
    case 'bitsPerSecond':
      return scaled(value, 1000, SI, 'bit/s')
    case 'flopsPerSecond':
      return scaled(value, 1000, SI, 'FLOP/s')
    case 'flops':
      return scaled(value, 1000, SI, 'FLOP')
    case 'hertz':
      return scaled(value, 1000, SI, 'Hz')
    case 'watts':
      return scaled(value, 1000, SI, 'W')
    case 'celsius':
      return `${Math.round(value)} °C`
    case 'ratio':
      return `${significant(value * 100)} %`
    case 'tokens':
      return scaled(value, 1000, SI, '')
    case 'tokensPerSecond':
      return scaled(value, 1000, SI, 'tok/s')
    case 'samplesPerSecond':
      return scaled(value, 1000, SI, 'samples/s')
    case 'count':
      return Math.abs(value) < 100_000 ? String(Math.round(value)) : scaled(value, 1000, SI, '')
    case 'none':
      return significant(value, 4)
  }
}
