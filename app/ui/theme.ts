'use client'
/** Which theme was chosen: kept by the browser, told to all who show it. */
import { useSyncExternalStore } from 'react'
import { THEME_KEY, THEMES, type Theme } from './theme-script'

const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function readTheme(): Theme {
  return THEMES.find(theme => theme === document.documentElement.dataset['theme']) ?? 'system'
}

export function chooseTheme(theme: Theme): void {
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

export const useTheme = () => useSyncExternalStore(subscribe, readTheme, () => 'system' as const)
