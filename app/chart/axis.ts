/** Axes, grid and tooltip that all charts share. */
import { format, type Unit } from '../../base/units'
import type { Palette } from './palette'

export type AxisKind = 'step' | 'time'

/** A tick: short, without zeros that say nothing, and without a unit that the title already names. */
export function tickText(value: number, unit: Unit): string {
  return format(value, unit)
    .replace(/(\.\d*?)0+(?=\D|$)/, '$1')
    .replace(/\.(?=\D|$)/, '')
    .replace(/ ?(FLOP\/s|tok\/s)$/, '')
}

const two = (value: number) => String(value).padStart(2, '0')

/** Time of day on this machine; `time` in milliseconds. */
export function clockText(time: number): string {
  const date = new Date(time)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

export const stepText = (step: number) => step.toLocaleString('en-US')

export function xAxis(kind: AxisKind, palette: Palette) {
  const axisLabel = { color: palette.muted, fontSize: 11, hideOverlap: true, showMinLabel: true }
  const common = {
    axisLine: { lineStyle: { color: palette.lineStrong } },
    axisTick: { show: false },
    splitLine: { show: false },
    splitNumber: 4,
  }
  return kind === 'time'
    ? {
        ...common,
        type: 'time',
        axisLabel: { ...axisLabel, showMinLabel: false, showMaxLabel: false, formatter: clockText },
      }
    : {
        ...common,
        type: 'value',
        min: 'dataMin',
        max: 'dataMax',
        minInterval: 1,
        axisLabel: { ...axisLabel, showMinLabel: false, showMaxLabel: false, formatter: stepText },
      }
}

/** Steps of 1, 2, 4 … KiB, MiB, GiB: bytes have no round numbers in decimal. Undefined for what is not in bytes. */
export function byteTicks(unit: Unit, most: number): { interval: number; max: number } | undefined {
  if (unit !== 'bytes' || most <= 0) return undefined
  const interval = 2 ** Math.ceil(Math.log2(most / 4))
  return { interval, max: Math.ceil(most / interval) * interval }
}

interface YAxis {
  fromZero: boolean
  /** Where the axis is cut off; undefined where it is not. */
  max: number | undefined
  /** The highest value on it. */
  most: number
}

export function yAxis(unit: Unit, palette: Palette, { fromZero, max, most }: YAxis) {
  return {
    type: 'value',
    scale: !fromZero,
    ...(max === undefined ? { max: null } : { max }),
    ...(max === undefined ? byteTicks(unit, most) : undefined),
    // A share that comes near the whole is shown against the whole, and never beyond.
    ...(unit === 'ratio' && most > 0.75 && most <= 1 ? { max: 1, interval: 0.25 } : undefined),
    splitNumber: 3,
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: {
      color: palette.muted,
      fontSize: 11,
      showMaxLabel: max === undefined,
      formatter: (value: number) => tickText(value, unit),
    },
    splitLine: { lineStyle: { color: palette.line } },
  }
}

/** Room for the ticks is fixed: a chart that measures its labels jumps when they change. */
export const GRID = { left: 58, right: 12, top: 10, bottom: 22, outerBoundsMode: 'none' }

export function tooltipFrame(palette: Palette) {
  return {
    backgroundColor: palette.raised,
    borderColor: palette.lineStrong,
    borderWidth: 1,
    padding: [6, 10],
    confine: true,
    transitionDuration: 0,
    textStyle: { color: palette.text, fontSize: 12 },
  }
}
