'use client'
/** Lists that this browser keeps, by name: told to all who show one, in other windows too. */
import { useCallback, useMemo, useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()

function read(key: string): string {
  try {
    return localStorage.getItem(key) ?? '[]'
  } catch {
    return '[]'
  }
}

/** What somebody else wrote under that name counts as nothing. */
function parsed(text: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && list.every(entry => typeof entry === 'string') ? list : []
  } catch {
    return []
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('storage', listener)
  }
}

export function useKept(name: string): [readonly string[], (list: readonly string[]) => void] {
  const key = `plumbline-${name}`
  const text = useSyncExternalStore(
    subscribe,
    () => read(key),
    () => '[]',
  )
  const keep = useCallback(
    (list: readonly string[]) => {
      try {
        localStorage.setItem(key, JSON.stringify(list))
      } catch {
        // A browser that keeps nothing: the address still holds what is open.
      }
      for (const listener of listeners) listener()
    },
    [key],
  )
  return [useMemo(() => parsed(text), [text]), keep]
}
