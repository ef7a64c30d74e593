'use client'
import { usePathname } from 'next/navigation'
import { useConnection, type Connection } from '../data/live'
import { pages } from '../nav'
import { OPEN_PALETTE } from '../palette/shortcuts'
import styles from './header.module.css'
import { Link } from './link'
import { ThemeToggle } from './theme-toggle'

const CONNECTION: Record<Connection['state'], string> = {
  connecting: 'connecting',
  connected: 'connected',
  lost: 'hub lost',
}

function HubState() {
  const { state } = useConnection()
  return (
    <span className={styles.hub} data-state={state} role="status">
      <span className={styles.dot} aria-hidden="true" />
      {CONNECTION[state]}
    </span>
  )
}

export function Header() {
  const path = usePathname()
  const isHere = (href: string) => (href === '/' ? path === '/' || path.startsWith('/runs') : path.startsWith(href))
  return (
    <header className={styles.header} data-screen="">
      <Link href="/" className={styles.brand} aria-label="Plumbline">
        <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
          <path d="M9 1v6" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" />
          <path d="M5.400 7h7.200l-.9 5L9 17l-2.700-5z" fill="var(--series-5)" />
        </svg>
        <span>Plumbline</span>
      </Link>
      <nav aria-label="Pages" className={styles.nav}>
        {[...pages].map(page => (
          <Link
            key={page.name}
            href={page.href}
            title={`${page.help} (g ${page.key})`}
            aria-current={isHere(page.href) ? 'page' : undefined}
          >
            {page.title}
          </Link>
        ))}
      </nav>
      <div className={styles.right}>
        <button type="button" className={styles.search} onClick={() => dispatchEvent(new Event(OPEN_PALETTE))}>
          Go to … <kbd>/</kbd>
        </button>
        <HubState />
        <ThemeToggle />
      </div>
    </header>
  )
}
