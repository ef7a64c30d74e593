/** A figure with curves: values over something, the names at the ends of their curves' colours above. */
import { tickText, valueScale } from '../../app/chart/ticks'
import type { Unit } from '../../base/units'
import { legend, line, px, svg, text } from './drawing'

export interface Curves {
  readonly title: string
  readonly across: { readonly label: string; readonly values: readonly number[]; readonly unit: Unit }
  readonly up: { readonly label: string; readonly unit: Unit }
  /** Of each curve the values at the places of `across`. */
  readonly curves: Readonly<Record<string, readonly number[]>>
  /** What is not to be gone above, and its name. */
  readonly limit?: { readonly value: number; readonly name: string }
}

const [WIDTH, HEIGHT] = [760, 340]
const PLOT = { left: 76, right: WIDTH - 24, top: 64, bottom: HEIGHT - 56 }

/** Values double from one to the next: the places across are even. */
export function curvesFigure({ title, across, up, curves, limit }: Curves): string {
  const all = [...Object.values(curves).flat(), ...(limit === undefined ? [] : [limit.value])]
  const scale = valueScale({ low: 0, high: Math.max(...all) }, up.unit)
  const x = (index: number) => PLOT.left + ((PLOT.right - PLOT.left) * index) / (across.values.length - 1)
  const y = (value: number) => PLOT.bottom - ((PLOT.bottom - PLOT.top) * (value - scale.low)) / (scale.high - scale.low)
  const grid = scale.ticks.map(
    tick =>
      line(PLOT.left, y(tick), PLOT.right, y(tick), tick === scale.low ? 'axis' : 'grid') +
      text(PLOT.left - 8, y(tick) + 4, tickText(tick, up.unit), 'small muted end'),
  )
  const places = across.values.map((value, index) =>
    text(x(index), PLOT.bottom + 20, tickText(value, across.unit), 'small muted middle'),
  )
  const drawn = Object.values(curves).map((values, index) => {
    const points = values.map((value, place) => `${px(x(place))},${px(y(value))}`).join(' ')
    return `<polyline points="${points}" class="curve stroke-${index}"/>`
  })
  return svg(WIDTH, HEIGHT, title, [
    text(16, 26, up.label),
    legend(16, 48, Object.keys(curves)),
    ...grid,
    ...places,
    text((PLOT.left + PLOT.right) / 2, HEIGHT - 14, across.label, 'small muted middle'),
    ...drawn,
    ...(limit === undefined
      ? []
      : [
          line(PLOT.left, y(limit.value), PLOT.right, y(limit.value), 'limit'),
          text(PLOT.right, y(limit.value) - 6, limit.name, 'small end'),
        ]),
  ])
}
