'use client'
/** What charts beside each other share: the stretch that they span, the pointer on it, and how it is changed. */
import { createContext, use, useSyncExternalStore } from 'react'
import type { Span } from '../data/time-window'

export interface Axis {
  readonly kind: 'time' | 'step'
  readonly span: Span
  readonly cursor: Cursor
  /** Shows another stretch. Absent: this axis is not brushed. */
  readonly brush?: (stretch: Span) => void
  /** Shows all there is. */
  readonly reset?: () => void
  /** What was written beside moments. */
  readonly marks?: readonly { readonly time: number; readonly text: string }[]
  /** Writes a note beside a moment. */
  readonly annotate?: (at: number) => void
  /** Beside the moment under the pointer: the step. */
  readonly noteAt?: (at: number) => string
}

/** Where the pointer is, in the unit of the axis; undefined where it is on none of the charts. */
export interface Cursor {
  readonly get: () => number | undefined
  readonly set: (at: number | undefined) => void
  readonly subscribe: (listener: () => void) => () => void
}

export function createCursor(): Cursor {
  let at: number | undefined
  const listeners = new Set<() => void>()
  return {
    get: () => at,
    set: next => {
      if (next === at) return
      at = next
      for (const listener of listeners) listener()
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

export const AxisContext = createContext<Axis | undefined>(undefined)
export const useAxis = () => use(AxisContext)

/** The pointer's place; those who read it are drawn anew with each of its moves, and nobody else. */
export function useCursor({ subscribe, get }: Cursor): number | undefined {
  return useSyncExternalStore(subscribe, get, () => undefined)
}
