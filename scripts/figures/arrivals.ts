/** A figure of steps as ranks live them: each works, comes to the collective, waits for the last, and transfers with all. */
import { syncWait } from '../../analysis/sync-wait'
import { format } from '../../base/units'
import { box, legend, svg, text } from './drawing'

export interface Step {
  readonly name: string
  /** Seconds of work of each rank, and of the transfer once all are there. */
  readonly work: readonly number[]
  readonly transfer: number
}

const WIDTH = 760
const [LEFT, TOP, ROW, BAR, GAP] = [80, 72, 24, 16, 46]
/** Right of the longest bar stand the figures. */
const RIGHT = WIDTH - 190

/** What is drawn as waiting and transfer is what the detectors make of the times inside the collective, not what was put in. */
export function arrivalsFigure(title: string, steps: readonly Step[]): string {
  const longest = Math.max(...steps.map(({ work, transfer }) => Math.max(...work) + transfer))
  const x = (seconds: number) => LEFT + ((RIGHT - LEFT) * seconds) / longest
  let y = TOP
  const drawn = steps.flatMap(({ name, work, transfer }) => {
    const end = Math.max(...work) + transfer
    const inside = work.map(seconds => end - seconds)
    const found = syncWait(inside)
    const heading = text(16, y, name)
    const rows = work.map((seconds, rank) => {
      const top = y + 12 + rank * ROW
      const wait = found.waitSeconds[rank] ?? NaN
      return [
        text(LEFT - 10, top + 13, `rank ${rank}`, 'small muted end'),
        box(x(0), top, x(seconds) - x(0), BAR, 'fill-0'),
        box(x(seconds), top, x(seconds + wait) - x(seconds), BAR, 'fill-1'),
        box(x(seconds + wait), top, x(end) - x(seconds + wait), BAR, 'fill-2'),
        text(
          x(longest) + 12,
          top + 13,
          `d = ${format(inside[rank], 'seconds')}, wait ${format(wait, 'seconds')}`,
          'small',
        ),
      ].join('')
    })
    y += work.length * ROW + GAP
    return [heading, ...rows]
  })
  return svg(WIDTH, y - GAP + 24, title, [
    text(16, 26, 'One step of four ranks'),
    legend(16, 48, ['work', 'wait for the last', 'transfer']),
    ...drawn,
  ])
}
