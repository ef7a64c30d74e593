'use client'
/** The time, for ages that count up. All that show one share a timer for each period. */
import { createContext, use, useSyncExternalStore } from 'react'
import { unixSeconds } from '../../base/clock'

/** When the server made this page: until its first script has run it is that time. */
export const ServedAt = createContext(0)

interface Ticker {
  subscribe: (listener: () => void) => () => void
  read: () => number
}
const tickers = new Map<number, Ticker>()

function createTicker(periodMs: number): Ticker {
  const listeners = new Set<() => void>()
  let now = unixSeconds()
  let timer: ReturnType<typeof setInterval> | undefined
  const tick = () => {
    now = unixSeconds()
    for (const listener of listeners) listener()
  }
  return {
    read: () => now,
    subscribe: listener => {
      if (listeners.size === 0) timer = setInterval(tick, periodMs)
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) clearInterval(timer)
      }
    },
  }
}

function tickerOf(periodMs: number): Ticker {
  const known = tickers.get(periodMs)
  if (known !== undefined) return known
  const ticker = createTicker(periodMs)
  tickers.set(periodMs, ticker)
  return ticker
}

/** Unix seconds, renewed every `periodMs`; on the server the time at which the page is made. */
export function useNow(periodMs = 500): number {
  const { subscribe, read } = tickerOf(periodMs)
  const servedAt = use(ServedAt)
  return useSyncExternalStore(subscribe, read, () => servedAt)
}
