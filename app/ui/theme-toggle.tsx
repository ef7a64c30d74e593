'use client'
import { useSyncExternalStore } from 'react'
import styles from './header.module.css'
import { THEME_KEY, THEMES, type Theme } from './theme-script'

const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function readTheme(): Theme {
  return THEMES.find(theme => theme === document.documentElement.dataset['theme']) ?? 'system'
}

function choose(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  try {
    if (theme === 'system') localStorage.removeItem(THEME_KEY)
    else localStorage.setItem(THEME_KEY, theme)
  } catch {
    // A browser that keeps nothing still shows the theme until the page is left.
  }
  for (const listener of listeners) listener()
}

const LABEL: Record<Theme, string> = { system: 'Auto', light: 'Light', dark: 'Dark' }

/** Auto, light, dark, auto … */
export function ThemeToggle() {
  const theme = useSyncExternalStore(subscribe, readTheme, () => 'system' as const)
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system'
  return (
    <button
      type="button"
      className={styles.theme}
      aria-label={`Theme: ${LABEL[theme]}. Change to ${LABEL[next]}`}
      title={`Theme: ${LABEL[theme]}`}
      onClick={() => choose(next)}
    >
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        <circle cx="7" cy="7" r="5.5" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M7 1.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />
      </svg>
      {LABEL[theme]}
    </button>
  )
}
