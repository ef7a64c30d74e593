/** The option of the rank × step map. Pure. */
import { format, type Unit } from '../../base/units'
import type { RankMap } from '../../wire/api'
import { clockText, stepText, tooltipFrame } from './axis'
import type { ChartOption } from './echarts'
import type { Palette } from './palette'
import { tooltipElement } from './tooltip'

const LEFT = 58
const BOTTOM = 22
const MOST_HEIGHT = 440
const LABELS = 10

/** Height of the map in pixels: rows as tall as can be read, many ranks within a bound. */
export function heatHeight(ranks: number): number {
  const row = ranks <= 8 ? 24 : ranks <= 32 ? 14 : 8
  return Math.max(120, Math.min(MOST_HEIGHT, ranks * row + BOTTOM + 8))
}

/** Ends of the colour scale: a few extreme cells do not bleach the others. Undefined where nothing was measured. */
export function heatRange(map: RankMap): { low: number; high: number } | undefined {
  const values = map.values.flatMap(row => row.filter(value => value !== null)).sort((a, b) => a - b)
  const at = (share: number) => values[Math.min(values.length - 1, Math.floor(values.length * share))]
  const low = at(0.01)
  const high = at(0.99)
  return low === undefined || high === undefined ? undefined : { low, high }
}

function cells(map: RankMap): [number, number, number][] {
  const result: [number, number, number][] = []
  map.values.forEach((row, rank) =>
    row.forEach((value, step) => {
      if (value !== null) result.push([step, rank, value])
    }),
  )
  return result
}

function tooltipOf(map: RankMap, unit: Unit, nodeOf: (rank: number) => string | null) {
  return ({ value, color }: { value: [number, number, number]; color: string }) => {
    const [column, row, measured] = value
    const rank = map.ranks[row] ?? 0
    const time = map.time[column]
    return tooltipElement(`rank ${rank} · step ${stepText(map.step[column] ?? 0)}`, [
      {
        color,
        name: map.bucketSteps > 1 ? `mean of ${map.bucketSteps} steps` : 'this step',
        value: format(measured, unit),
      },
      { name: 'node', value: nodeOf(rank) ?? '–' },
      { name: 'time', value: time === undefined ? '–' : clockText(time * 1000) },
    ])
  }
}

export function heatOption(
  map: RankMap,
  unit: Unit,
  palette: Palette,
  nodeOf: (rank: number) => string | null,
): ChartOption {
  const range = heatRange(map) ?? { low: 0, high: 1 }
  const axis = {
    type: 'category',
    axisTick: { show: false },
    axisLine: { show: false },
    splitArea: { show: false },
    axisLabel: { color: palette.muted, fontSize: 11, hideOverlap: true },
  }
  return {
    animation: false,
    grid: { left: LEFT, right: 12, top: 4, bottom: BOTTOM, outerBoundsMode: 'none' },
    xAxis: {
      ...axis,
      axisLabel: { ...axis.axisLabel, interval: Math.max(0, Math.ceil(map.step.length / LABELS) - 1) },
      data: map.step.map(stepText),
    },
    yAxis: { ...axis, inverse: true, data: map.ranks.map(rank => `rank ${rank}`) },
    visualMap: {
      show: false,
      min: range.low,
      max: range.high > range.low ? range.high : range.low + 1,
      inRange: { color: palette.heat },
    },
    tooltip: { ...tooltipFrame(palette), trigger: 'item', formatter: tooltipOf(map, unit, nodeOf) },
    series: [
      {
        id: 'heat',
        type: 'heatmap',
        data: cells(map),
        animation: false,
        progressive: 0,
        emphasis: { itemStyle: { borderColor: palette.text, borderWidth: 1 } },
      },
    ],
  }
}
