import type { ReactNode } from 'react'
import type { Tone } from '../data/health'
import styles from './badge.module.css'

/** A state in one word; its colour never stands alone. */
export function Badge({ tone, title, children }: { tone: Tone; title?: string; children: ReactNode }) {
  return (
    <span className={`${styles.badge} ${styles[tone]}`} title={title}>
      <span className={styles.dot} aria-hidden="true" />
      {children}
    </span>
  )
}
