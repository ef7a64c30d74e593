'use client'
import { useZone } from '../ui/clock'
import { percent, type Range } from './path'
import type { Axis } from './shared-axis'
import { numberTicks, timeTicks } from './ticks'
import styles from './ticks-across.module.css'

/** Round moments, or steps, below a chart; those at its ends would be cut. */
export function Across({ axis, across }: { axis: Axis; across: Range }) {
  const zone = useZone()
  const ticks = axis.kind === 'time' ? timeTicks(across, zone) : numberTicks(across)
  const span = across.high - across.low
  const inside = ticks.filter(({ at }) => at - across.low > span * 0.03 && across.high - at > span * 0.05)
  return (
    <svg className={styles.across} width="100%" height="16" aria-hidden="true">
      {inside.map(({ at, text }) => (
        <text key={at} x={percent(at, across)} y="12" textAnchor="middle">
          {text}
        </text>
      ))}
    </svg>
  )
}
