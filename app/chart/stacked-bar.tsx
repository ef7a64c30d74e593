import { useId } from 'react'
import { percent } from './path'
import styles from './stacked-bar.module.css'

export interface StackedPart {
  readonly name: string
  readonly value: number
  /** A CSS colour; absent: hatched, for what is not there. */
  readonly color?: string | undefined
  /** What the pointer is told. */
  readonly title: string
}

interface StackedBarProps {
  /** All of it in words. */
  label: string
  parts: readonly StackedPart[]
  /** What the whole width stands for. */
  whole: number
  height: number
  /** A line across, such as a capacity. */
  mark?: { readonly at: number; readonly title: string } | undefined
  isFaded?: boolean
}

/** Parts beside each other, on a scale that several bars may share. */
export function StackedBar({ label, parts, whole, height, mark, isFaded = false }: StackedBarProps) {
  const hatch = useId()
  const range = { low: 0, high: whole }
  const starts = parts.map((_, place) => parts.slice(0, place).reduce((sum, { value }) => sum + value, 0))
  return (
    <svg className={styles.bar} width="100%" height={height} role="img" aria-label={label} data-faded={isFaded}>
      <pattern id={hatch} width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line className={styles.hatch} y2="7" />
      </pattern>
      <rect className={styles.ground} width="100%" height="100%" rx="2" />
      {parts.map(({ name, value, color, title }, place) => (
        <rect
          key={name}
          className={styles.part}
          x={percent(starts[place] ?? 0, range)}
          width={percent(value, range)}
          height="100%"
          fill={color ?? `url(#${hatch})`}
        >
          <title>{title}</title>
        </rect>
      ))}
      {mark !== undefined && (
        <line
          className={styles.mark}
          x1={percent(Math.min(mark.at, whole), range)}
          x2={percent(Math.min(mark.at, whole), range)}
          y2="100%"
        >
          <title>{mark.title}</title>
        </line>
      )}
    </svg>
  )
}
