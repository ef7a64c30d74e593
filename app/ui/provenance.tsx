import type { ReactNode } from 'react'
import type { Figure, Provenance as Kind } from '../../wire/findings'
import styles from './provenance.module.css'

/** Where a number comes from, by shape and word: a full dot was counted, an empty one is an estimate. */
export const PROVENANCE_HELP: Readonly<Record<Kind, string>> = {
  measured: 'A counter or a timer said so.',
  derived: 'Computed from what was measured.',
  estimated: 'A proxy: a hint, not a measurement.',
  predicted: 'What the arithmetic says it should be.',
}

/** The one mark of provenance. */
export function Provenance({ kind, short = false }: { kind: Kind; short?: boolean }) {
  return (
    <span className={styles.provenance} title={PROVENANCE_HELP[kind]}>
      <span className={`${styles.mark} ${styles[kind]}`} aria-hidden="true" />
      <span className={short ? 'visually-hidden' : undefined} data-word="">
        {kind}
      </span>
    </span>
  )
}

interface OriginProps {
  /** What it is. */
  title: ReactNode
  of: Pick<Figure, 'provenance' | 'source'>
}

/** In full: what a number is, how it is known, and from what. */
export function Origin({ title, of: { provenance, source } }: OriginProps) {
  return (
    <>
      <strong>{title}</strong>
      <br />
      <Provenance kind={provenance} /> {PROVENANCE_HELP[provenance]}
      <br />
      {source}
    </>
  )
}
