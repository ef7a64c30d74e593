import styles from './legend.module.css'

export interface LegendEntry {
  readonly name: string
  /** A CSS colour: a token of the style sheet. */
  readonly color: string
  readonly dashed?: boolean
}

export function Legend({ entries }: { entries: readonly LegendEntry[] }) {
  return (
    <ul className={styles.legend}>
      {entries.map(({ name, color, dashed }) => (
        <li key={name}>
          <span className={dashed === true ? styles.dashed : styles.swatch} style={{ color }} aria-hidden="true" />
          {name}
        </li>
      ))}
    </ul>
  )
}
