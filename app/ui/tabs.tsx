'use client'
import { usePathname } from 'next/navigation'
import { Link } from './link'
import styles from './tabs.module.css'

export interface Tab {
  readonly name: string
  readonly title: string
  readonly help: string
  readonly href: string
}

const pathOf = (href: string) => href.split('?')[0]

/** Pages beside each other, all in sight; the one that is open is marked. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  const path = usePathname()
  return (
    <nav aria-label={label} className={styles.tabs}>
      {tabs.map(({ name, title, help, href }) => (
        <Link key={name} href={href} title={help} aria-current={pathOf(href) === path ? 'page' : undefined}>
          {title}
        </Link>
      ))}
    </nav>
  )
}
