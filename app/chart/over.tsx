'use client'
/** What lies over a chart of any kind: the pointer of all charts, the stretch being dragged, notes. */
import type { Span } from '../data/time-window'
import styles from './over.module.css'
import { percent, type Range } from './path'
import { useCursor, type Axis } from './shared-axis'

interface OverProps {
  axis: Axis
  across: Range
}

const isIn = (at: number, { low, high }: Range) => at >= low && at <= high

export function Crosshair({ axis, across }: OverProps) {
  const at = useCursor(axis.cursor)
  if (at === undefined || !isIn(at, across)) return null
  return <line className={styles.crosshair} x1={percent(at, across)} x2={percent(at, across)} y1="0" y2="100%" />
}

export function Dragged({ dragged, across }: { dragged: Span | undefined; across: Range }) {
  if (dragged === undefined) return null
  const from = Math.min(dragged.from, dragged.to)
  const width = (Math.abs(dragged.to - dragged.from) / (across.high - across.low)) * 100
  return <rect className={styles.dragged} x={percent(from, across)} width={`${width}%`} y="0" height="100%" />
}

/** A line where somebody wrote a note; the note under the pointer. */
export function Marks({ axis, across }: OverProps) {
  const seen = axis.marks?.filter(({ time }) => isIn(time, across)) ?? []
  return seen.map(({ time, text }) => (
    <g key={`${time} ${text}`} className={styles.mark}>
      <title>{text}</title>
      <line x1={percent(time, across)} x2={percent(time, across)} y1="0" y2="100%" />
      <circle cx={percent(time, across)} cy="4" r="4" />
    </g>
  ))
}
