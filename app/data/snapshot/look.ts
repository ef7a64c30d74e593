/** Which part of a trace one looks at, and how it is moved and scaled. Pure. */

/** Entries from left to right, and from bottom to top shares of what is held at most. */
export interface Look {
  readonly from: number
  readonly to: number
  readonly low: number
  readonly high: number
}

/** No closer than this. */
const LEAST_ENTRIES = 8
const LEAST_SHARE = 1 / 4096

export const wholeOf = (entries: number): Look => ({ from: 0, to: Math.max(1, entries - 1), low: 0, high: 1 })

/** A stretch of a length, moved so that it lies within another. */
function within(from: number, length: number, least: number, low: number, high: number): [number, number] {
  const size = Math.min(high - low, Math.max(Math.min(least, high - low), length))
  const begin = Math.min(high - size, Math.max(low, from))
  return [begin, begin + size]
}

export function bounded({ from, to, low, high }: Look, entries: number): Look {
  const whole = wholeOf(entries)
  const [left, right] = within(from, to - from, LEAST_ENTRIES, whole.from, whole.to)
  const [bottom, top] = within(low, high - low, LEAST_SHARE, 0, 1)
  return { from: left, to: right, low: bottom, high: top }
}

/** Closer where the factor is below 1; the entry at `x`, a share of the width, stays where it is. */
export function zoomed(look: Look, factor: number, x: number, entries: number): Look {
  const span = look.to - look.from
  const from = look.from + span * x * (1 - factor)
  return bounded({ ...look, from, to: from + span * factor }, entries)
}

/** The same of bytes; `y` is the share of the height from below. */
export function zoomedUp(look: Look, factor: number, y: number, entries: number): Look {
  const span = look.high - look.low
  const low = look.low + span * y * (1 - factor)
  return bounded({ ...look, low, high: low + span * factor }, entries)
}

/** By shares of what is in sight: to the right, and up. */
export function moved(look: Look, right: number, up: number, entries: number): Look {
  const [x, y] = [(look.to - look.from) * right, (look.high - look.low) * up]
  return bounded({ from: look.from + x, to: look.to + x, low: look.low + y, high: look.high + y }, entries)
}

export const isWhole = (look: Look, entries: number): boolean =>
  look.to - look.from >= Math.max(1, entries - 1) && look.high - look.low >= 1

/** What to ask of the hub: a bit more to both sides, so that it can be moved at once. */
export function asked({ from, to }: Look, entries: number): { from: number; to: number } {
  const margin = (to - from) / 2
  return {
    from: Math.max(0, Math.floor(from - margin)),
    to: Math.min(Math.max(0, entries - 1), Math.ceil(to + margin)),
  }
}

/** As it stands in the address. */
export const lookText = ({ from, to, low, high }: Look): string => {
  const stretch = `${Math.round(from)}-${Math.round(to)}`
  return low <= 0 && high >= 1 ? stretch : `${stretch}-${low.toFixed(4)}-${high.toFixed(4)}`
}
export function lookOf(text: string | null, entries: number): Look | undefined {
  const [from = NaN, to = NaN, low = 0, high = 1] = (text ?? '').split('-').map(Number)
  const isLook = [from, to, low, high].every(Number.isFinite) && to > from && high > low
  return isLook ? bounded({ from, to, low, high }, entries) : undefined
}
