/** A figure with bars that lie under each other, each made of parts that add up. */
import { tickText, valueScale } from '../../app/chart/ticks'
import { format, type Unit } from '../../base/units'
import { box, legend, line, svg, text } from './drawing'

export interface Bars {
  readonly title: string
  readonly label: string
  readonly unit: Unit
  /** Names of the parts, in the order in which they are put together. */
  readonly parts: readonly string[]
  readonly bars: readonly { readonly name: string; readonly values: readonly number[] }[]
  readonly limit?: { readonly value: number; readonly name: string }
}

const WIDTH = 760
const [LEFT, RIGHT, TOP] = [150, WIDTH - 96, 92]
const [ROW, BAR] = [34, 22]

export function barsFigure({ title, label, unit, parts, bars, limit }: Bars): string {
  const totals = bars.map(({ values }) => values.reduce((sum, value) => sum + value, 0))
  const scale = valueScale({ low: 0, high: Math.max(...totals, limit?.value ?? 0) }, unit)
  const x = (value: number) => LEFT + ((RIGHT - LEFT) * value) / scale.high
  const bottom = TOP + bars.length * ROW
  const grid = scale.ticks.map(
    tick =>
      line(x(tick), TOP - 8, x(tick), bottom, tick === 0 ? 'axis' : 'grid') +
      text(x(tick), bottom + 18, tickText(tick, unit), 'small muted middle'),
  )
  const rows = bars.flatMap(({ name, values }, row) => {
    const y = TOP + row * ROW
    let from = 0
    const pieces = values.map((value, part) => {
      const piece = box(x(from), y, x(from + value) - x(from), BAR, `fill-${part}`)
      from += value
      return piece
    })
    const total = text(x(from) + 8, y + 16, format(from, unit), 'small')
    return [text(LEFT - 10, y + 16, name, 'small end'), ...pieces, total]
  })
  return svg(WIDTH, bottom + 34, title, [
    text(16, 26, label),
    legend(16, 50, parts),
    ...grid,
    ...rows,
    ...(limit === undefined
      ? []
      : [
          line(x(limit.value), TOP - 8, x(limit.value), bottom, 'limit'),
          text(x(limit.value), TOP - 12, limit.name, 'small middle'),
        ]),
  ])
}
