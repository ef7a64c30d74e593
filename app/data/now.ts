'use client'
/** The time, for ages that count up. All that show one share a timer. */
import { createContext, use, useSyncExternalStore } from 'react'
import { unixSeconds } from '../../base/clock'

/** When the server made this page: until its first script has run it is that time. */
export const ServedAt = createContext(0)

const PERIOD_MS = 1000
const listeners = new Set<() => void>()
let now = unixSeconds()
let timer: ReturnType<typeof setInterval> | undefined

function tick(): void {
  now = unixSeconds()
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) timer = setInterval(tick, PERIOD_MS)
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) clearInterval(timer)
  }
}

/** Unix seconds, renewed every second; on the server the time at which the page is made. */
export function useNow(): number {
  const servedAt = use(ServedAt)
  return useSyncExternalStore(
    subscribe,
    () => now,
    () => servedAt,
  )
}
