/** The option of a line chart: lines, a band between least and most, and what was predicted. Pure. */
import { format, type Unit } from '../../base/units'
import { clockText, GRID, stepText, tooltipFrame, xAxis, yAxis, type AxisKind } from './axis'
import type { ChartOption } from './echarts'
import type { Palette } from './palette'
import { tooltipElement } from './tooltip'

export interface Line {
  readonly name: string
  readonly color: string
  readonly x: readonly number[]
  readonly y: readonly (number | null)[]
}

export interface Band {
  readonly x: readonly number[]
  readonly low: readonly (number | null)[]
  readonly high: readonly (number | null)[]
}

export interface LineInput {
  readonly lines: readonly Line[]
  readonly band?: Band | undefined
  readonly unit: Unit
  readonly axis: AxisKind
  readonly predicted?: number | undefined
  readonly fromZero?: boolean
  /** Keeps the tops of a few far outliers (a first step that compiles) from flattening all else. */
  readonly cutOutliers?: boolean
}

/** A prediction this many times above or below what is seen is named in words: drawn, it would flatten the line. */
const FAR = 12
const OUTLIER = 4
const PREDICTED = 'predicted'
const HIDDEN = ['band-low', 'band-high']

type Point = [number, number]

function points(x: readonly number[], y: readonly (number | null)[], scale: number): Point[] {
  const result: Point[] = []
  for (let index = 0; index < x.length; index += 1) {
    const at = x[index]
    const value = y[index]
    if (at !== undefined && value !== null && value !== undefined) result.push([at * scale, value])
  }
  return result
}

/** The top of the axis where a few points stand far above the rest; undefined where none does. */
export function outlierCut(values: readonly number[]): number | undefined {
  if (values.length < 8) return undefined
  const sorted = values.toSorted((a, b) => a - b)
  const usual = sorted[Math.floor(sorted.length * 0.95)] ?? 0
  const most = sorted.at(-1) ?? 0
  const highest = sorted.findLast(value => value <= usual * OUTLIER) ?? usual
  return usual > 0 && most > usual * OUTLIER ? highest * 1.25 : undefined
}

/** Whether the predicted value can stand on the scale of what was measured. */
export function predictedFits(values: readonly number[], predicted: number | undefined): predicted is number {
  if (predicted === undefined) return false
  if (values.length === 0) return true
  const usual = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  return usual > 0 && predicted < usual * FAR && predicted > usual / FAR
}

const quiet = { type: 'line', animation: false, showSymbol: false, silent: true }

function bandSeries(band: Band | undefined, scale: number, color: string) {
  if (band === undefined) return []
  const low = points(band.x, band.low, scale)
  const high = points(band.x, band.high, scale)
  if (low.length !== high.length) return []
  const height = high.map(([x, y], index): Point => [x, y - (low[index]?.[1] ?? y)])
  const shared = { ...quiet, stack: 'band', lineStyle: { opacity: 0 }, tooltip: { show: false } }
  return [
    { ...shared, id: HIDDEN[0], name: HIDDEN[0], data: low, color },
    { ...shared, id: HIDDEN[1], name: HIDDEN[1], data: height, color, areaStyle: { color, opacity: 0.18 } },
  ]
}

function lineSeries(line: Line, scale: number) {
  const data = points(line.x, line.y, scale)
  return {
    ...quiet,
    id: line.name,
    name: line.name,
    data,
    color: line.color,
    lineStyle: { width: 1.5, color: line.color },
    showSymbol: data.length < 2,
    symbolSize: 5,
    sampling: 'lttb',
  }
}

function predictedSeries(lines: readonly Line[], scale: number, predicted: number, palette: Palette) {
  const ends = lines.flatMap(({ x }) => [x[0], x.at(-1)]).filter(value => value !== undefined)
  const from = Math.min(...ends) * scale
  const to = Math.max(...ends) * scale
  return {
    ...quiet,
    id: PREDICTED,
    name: PREDICTED,
    data: ends.length === 0 ? [] : [[from, predicted] as Point, [to, predicted] as Point],
    color: palette.predicted,
    lineStyle: { width: 1.5, type: 'dashed', color: palette.predicted },
  }
}

interface Hovered {
  seriesName: string
  color: string
  value: Point
}

function tooltipOf(input: LineInput, predicted: number | undefined) {
  return (hovered: readonly Hovered[]) => {
    const seen = hovered.filter(({ seriesName }) => !HIDDEN.includes(seriesName) && seriesName !== PREDICTED)
    const x = seen[0]?.value[0] ?? hovered[0]?.value[0] ?? 0
    const rows = seen.map(({ seriesName, color, value }) => ({
      color,
      name: seriesName,
      value: format(value[1], input.unit),
    }))
    if (predicted !== undefined) rows.push({ color: '', name: PREDICTED, value: format(predicted, input.unit) })
    return tooltipElement(input.axis === 'time' ? clockText(x) : `step ${stepText(x)}`, rows)
  }
}

export function lineOption(input: LineInput, palette: Palette): ChartOption {
  const scale = input.axis === 'time' ? 1000 : 1
  const values = input.lines.flatMap(line => line.y.filter(value => value !== null))
  const fits = predictedFits(values, input.predicted)
  const cut = input.cutOutliers === true ? outlierCut(values) : undefined
  const max = cut !== undefined && fits ? Math.max(cut, input.predicted * 1.15) : cut
  return {
    animation: false,
    grid: GRID,
    xAxis: xAxis(input.axis, palette),
    yAxis: yAxis(input.unit, palette, {
      fromZero: input.fromZero ?? true,
      max,
      most: values.reduce((most, value) => Math.max(most, value), fits ? input.predicted : 0),
    }),
    tooltip: {
      ...tooltipFrame(palette),
      trigger: 'axis',
      axisPointer: { lineStyle: { color: palette.muted }, label: { show: false }, animation: false },
      formatter: tooltipOf(input, input.predicted),
    },
    series: [
      ...bandSeries(input.band, scale, input.lines[0]?.color ?? palette.text),
      ...input.lines.map(line => lineSeries(line, scale)),
      ...(fits ? [predictedSeries(input.lines, scale, input.predicted, palette)] : []),
    ],
  }
}
