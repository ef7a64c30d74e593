import type { ReactNode } from 'react'
import styles from './notice.module.css'

/** A whole view that is empty, missing or broken: what happened, and what to do. */
export function Notice({ title, children, broken = false }: { title: string; children: ReactNode; broken?: boolean }) {
  return (
    <section className={`${styles.notice} ${broken ? styles.broken : ''}`} role={broken ? 'alert' : undefined}>
      <h1>{title}</h1>
      {children}
    </section>
  )
}
