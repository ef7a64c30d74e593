import type { ReactNode } from 'react'
import styles from './card.module.css'

interface CardProps {
  title: string
  /** Beside the title: marks, a legend, a choice. */
  aside?: ReactNode
  /** What one should know before reading on; one line. */
  note?: ReactNode
  id?: string
  children: ReactNode
}

/** The one box of the page: a section with a heading. */
export function Card({ title, aside, note, id, children }: CardProps) {
  return (
    <section className={styles.card} aria-label={title} id={id}>
      <header className={styles.head}>
        <h2>{title}</h2>
        {aside !== undefined && <div className={styles.aside}>{aside}</div>}
      </header>
      {note !== undefined && <p className={styles.note}>{note}</p>}
      {children}
    </section>
  )
}
