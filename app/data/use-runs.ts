'use client'
/** The list of runs, live. */
import { useEffect, useState } from 'react'
import type { RunSummary } from '../../wire/api'
import { door, doorError, type DoorError } from './door'
import { watch } from './live'

export interface RunsState {
  readonly runs: readonly RunSummary[] | undefined
  readonly error: DoorError | undefined
}

const RETRY_MS = 2000
const isRunning = (run: RunSummary) => run.state === 'live' || run.state === 'silent'

/** Running ones first, then the newest. */
export function sortRuns(runs: readonly RunSummary[]): RunSummary[] {
  return runs.toSorted((a, b) => Number(isRunning(b)) - Number(isRunning(a)) || b.startedAt - a.startedAt)
}

/** `first`: what the server knew when it made the page. */
export function useRuns(first: readonly RunSummary[] | undefined): RunsState {
  const [state, setState] = useState<RunsState>({ runs: first && sortRuns(first), error: undefined })
  useEffect(() => {
    let retry: ReturnType<typeof setTimeout> | undefined
    const closing = new AbortController()
    const show = (runs: readonly RunSummary[]) => setState({ runs: sortRuns(runs), error: undefined })
    const load = () => {
      clearTimeout(retry)
      door.runs(closing.signal).then(show, (error: unknown) => {
        if (closing.signal.aborted) return
        setState(last => ({ ...last, error: doorError(error) }))
        retry = setTimeout(load, RETRY_MS)
      })
    }
    // The list comes with each connection, too.
    if (first === undefined) load()
    const unwatch = watch(null, { runs: show })
    return () => {
      unwatch()
      closing.abort()
      clearTimeout(retry)
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `first` counts once
  }, [])
  return state
}
