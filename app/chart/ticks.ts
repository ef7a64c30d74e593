/** Round values of an axis, by what is counted. Pure. */
import { format, type Unit } from '../../base/units'
import { partsOf, shortText, timeText, type Zone } from '../data/time-text'
import type { Range } from './path'

export interface Scale extends Range {
  readonly ticks: readonly number[]
}

const DECIMAL = [1, 2, 2.5, 5, 10]
/** Clocks have no round numbers in decimal. */
const SECONDS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800]
const FINE_SECONDS = [1, 2, 5, 10, 15, 30, ...SECONDS]

function decimalStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * (DECIMAL.find(factor => factor * power >= rough * 0.999) ?? 10)
}

/** The round distance of ticks that is not smaller than `rough`. */
export function stepOf(rough: number, unit: Unit): number {
  if (!(rough > 0) || !Number.isFinite(rough)) return 1
  if (unit === 'bytes') return 2 ** Math.ceil(Math.log2(rough))
  if (unit === 'seconds' && rough > 30) return SECONDS.find(step => step >= rough) ?? decimalStep(rough)
  if (unit === 'count') return Math.max(1, decimalStep(rough))
  return decimalStep(rough)
}

/** Without what is left of a sum of tenths: 0.30000000000000004. */
const tidy = (value: number) => Number(value.toPrecision(12))

/** The values from `low` to `high` with a round one at each end and some between. */
export function valueScale({ low, high }: Range, unit: Unit, count = 4): Scale {
  const span = high - low
  const step = stepOf((span > 0 ? span : Math.abs(high) || 1) / count, unit)
  const from = Math.floor(low / step + 1e-9) * step
  const to = Math.max(from + step, Math.ceil(high / step - 1e-9) * step)
  const ticks = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, index) => tidy(from + index * step))
  return { low: from, high: to, ticks }
}

/** A tick: short, without zeros that say nothing, and without a unit that the title already names. */
export function tickText(value: number, unit: Unit): string {
  return format(value, unit)
    .replace(/(\.\d*?)0+(?=\D|$)/, '$1')
    .replace(/\.(?=\D|$)/, '')
    .replace(/ ?(FLOP\/s|tok\/s)$/, '')
}

export interface Tick {
  readonly at: number
  readonly text: string
}

/** Round moments of the reader's clock; midnight is told by its day. */
export function timeTicks({ low, high }: Range, zone: Zone, count = 5): Tick[] {
  const step = FINE_SECONDS.find(seconds => seconds >= (high - low) / count) ?? stepOf((high - low) / count, 'none')
  const offset = zone === 'utc' ? 0 : -new Date(low * 1000).getTimezoneOffset() * 60
  const first = Math.ceil((low + offset) / step) * step - offset
  return Array.from({ length: Math.max(0, Math.floor((high - first) / step) + 1) }, (_, index) => {
    const at = first + index * step
    const { hour, minute } = partsOf(at, zone)
    const isMidnight = hour === 0 && minute === 0 && step >= 60
    const text =
      step < 60 ? timeText(at, zone) : isMidnight ? shortText(at, zone).slice(0, -6) : timeText(at, zone).slice(0, 5)
    return { at, text }
  })
}

/** Round numbers within the range. */
export function numberTicks({ low, high }: Range, count = 5): Tick[] {
  const step = Math.max(1, stepOf((high - low) / count, 'none'))
  const first = Math.ceil(low / step) * step
  return Array.from({ length: Math.max(0, Math.floor((high - first) / step) + 1) }, (_, index) => {
    const at = first + index * step
    return { at, text: at.toLocaleString('en-US') }
  })
}
