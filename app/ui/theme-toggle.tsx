'use client'
import styles from './header.module.css'
import { chooseTheme, useTheme } from './theme'
import { THEMES, type Theme } from './theme-script'

const LABEL: Record<Theme, string> = { system: 'Auto', light: 'Light', dark: 'Dark' }

/** Auto, light, dark, auto … */
export function ThemeToggle() {
  const theme = useTheme()
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system'
  return (
    <button
      type="button"
      className={styles.theme}
      aria-label={`Theme: ${LABEL[theme]}. Change to ${LABEL[next]}`}
      title={`Theme: ${LABEL[theme]}`}
      onClick={() => chooseTheme(next)}
    >
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        <circle cx="7" cy="7" r="5.5" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M7 1.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />
      </svg>
      <span>{LABEL[theme]}</span>
    </button>
  )
}
