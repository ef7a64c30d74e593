import styles from './spark.module.css'

/** A line without axes. `values` share one scale; null is a gap. */
interface SparkProps {
  values: readonly (number | null)[]
  label: string
  /** Ends of the scale; those of the values where absent. */
  low?: number | undefined
  high?: number | undefined
  width?: number
  height?: number
}

function pathOf(values: readonly (number | null)[], low: number, high: number, width: number, height: number): string {
  const across = width / Math.max(1, values.length - 1)
  const span = high - low || 1
  let pen = 'M'
  return values
    .map((value, index) => {
      if (value === null) {
        pen = 'M'
        return ''
      }
      const y = height - 1 - ((value - low) / span) * (height - 2)
      const point = `${pen}${(index * across).toFixed(1)} ${y.toFixed(1)}`
      pen = 'L'
      return point
    })
    .join('')
}

export function Spark({ values, label, low, high, width = 96, height = 22 }: SparkProps) {
  const known = values.filter(value => value !== null)
  const path =
    known.length < 2 ? '' : pathOf(values, low ?? Math.min(...known), high ?? Math.max(...known), width, height)
  return (
    <svg
      role="img"
      aria-label={label}
      width="100%"
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      className={styles.spark}
    >
      <path d={path} fill="none" stroke="var(--series-1)" strokeWidth={1.25} vectorEffect="non-scaling-stroke" />
    </svg>
  )
}
