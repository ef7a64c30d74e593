import styles from './legend.module.css'

export interface LegendEntry {
  readonly name: string
  /** A CSS colour: a token of the style sheet. Absent: without a mark. */
  readonly color?: string
  readonly kind?: 'block' | 'band' | 'dashed'
  readonly value?: string
}

function Mark({ color, kind }: { color: string; kind: LegendEntry['kind'] }) {
  return (
    <svg width={kind === 'dashed' ? 14 : 9} height="9" aria-hidden="true">
      {kind === 'dashed' ? (
        <line x2="14" y1="5" y2="5" stroke={color} strokeWidth="2" strokeDasharray="5 3" />
      ) : (
        <rect width="9" height="9" rx="2" fill={color} opacity={kind === 'band' ? 0.35 : 1} />
      )}
    </svg>
  )
}

interface LegendProps {
  entries: readonly LegendEntry[]
  note?: string
  /** In several lines where one has no room for all; else what has no room is cut. */
  wraps?: boolean
}

/** Names of colours, with a value each where there is one. */
export function Legend({ entries, note, wraps = true }: LegendProps) {
  return (
    <ul className={wraps ? styles.legend : `${styles.legend} ${styles.line}`}>
      {entries.map(({ name, color, kind, value }) => (
        <li key={name} title={name}>
          {color !== undefined && <Mark color={color} kind={kind} />}
          <span className={kind === 'band' || kind === 'dashed' ? 'visually-hidden' : undefined}>{name}</span>
          {value !== undefined && <span className={styles.value}>{value}</span>}
        </li>
      ))}
      {note !== undefined && <li className={styles.note}>{note}</li>}
    </ul>
  )
}
