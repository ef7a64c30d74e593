/** The soak as a figure: memory, open files and disk over the time, one panel below the other. */
import { tickText, valueScale } from '../../app/chart/ticks'
import type { Unit } from '../../base/units'
import { legend, line, px, svg, text } from '../../scripts/figures/drawing'
import type { Look } from './measure'

interface Panel {
  readonly label: string
  readonly unit: Unit
  readonly curves: Readonly<Record<string, keyof Look>>
}
const PANELS: readonly Panel[] = [
  { label: 'Resident memory', unit: 'bytes', curves: { hub: 'hubBytes', agent: 'agentBytes' } },
  { label: 'Open files and sockets', unit: 'count', curves: { hub: 'hubFiles', agent: 'agentFiles' } },
  { label: 'On disk', unit: 'bytes', curves: { 'store of the hub': 'storeBytes', 'spool of the agent': 'spoolBytes' } },
]
const WIDTH = 760
const [LEFT, RIGHT] = [76, WIDTH - 24]
const [HEAD, PLOT, STRIDE] = [56, 130, 226]
const TICKS = 6

function panel({ label, unit, curves }: Panel, looks: readonly Look[], top: number): string[] {
  const names = Object.values(curves)
  const until = top + HEAD + PLOT
  const scale = valueScale({ low: 0, high: Math.max(...looks.flatMap(look => names.map(name => look[name]))) }, unit)
  const minutes = looks.at(-1)?.minutes ?? 1
  const x = (at: number) => LEFT + ((RIGHT - LEFT) * at) / minutes
  const y = (value: number) => until - (PLOT * value) / scale.high
  const grid = scale.ticks.map(
    tick =>
      line(LEFT, y(tick), RIGHT, y(tick), tick === 0 ? 'axis' : 'grid') +
      text(LEFT - 8, y(tick) + 4, tickText(tick, unit), 'small muted end'),
  )
  const times = Array.from({ length: TICKS + 1 }, (_, tick) => (minutes * tick) / TICKS)
  const drawn = names.map((name, index) => {
    const points = looks.map(look => `${px(x(look.minutes))},${px(y(look[name]))}`).join(' ')
    return `<polyline points="${points}" class="curve stroke-${index}"/>`
  })
  return [
    text(16, top + 26, label),
    legend(LEFT + 180, top + 26, Object.keys(curves)),
    ...grid,
    ...times.map(at => text(x(at), until + 20, `${Math.round(at)} min`, 'small muted middle')),
    ...drawn,
  ]
}

export function soakFigure(looks: readonly Look[], gpus: number): string {
  const title = `Memory, open files and disk of a hub and an agent at ${gpus.toLocaleString('en')} GPUs`
  const panels = PANELS.flatMap((one, index) => panel(one, looks, index * STRIDE))
  return svg(WIDTH, PANELS.length * STRIDE, title, panels)
}
