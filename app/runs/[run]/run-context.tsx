'use client'
/** What all pages of a run share: the run, the stretch of time one looks at, and where the pointer is on it. */
import { createContext, use } from 'react'
import type { RunView } from '../../data/run-view'
import type { Span, TimeWindow } from '../../data/time-window'

export interface RunPageState {
  readonly run: string
  readonly view: RunView
  /** All of the run. */
  readonly whole: Span
  /** What the charts span. */
  readonly span: Span
  readonly setWindow: (window: TimeWindow) => void
}

export const RunContext = createContext<RunPageState | undefined>(undefined)

/** For components below `app/runs/[run]/layout.tsx`. */
export function useRunPage(): RunPageState {
  const state = use(RunContext)
  if (state === undefined) throw new Error('useRunPage is for the pages of a run')
  return state
}
