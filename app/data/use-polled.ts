'use client'
/**
 * What the hub does not push is asked for again and again, while somebody looks: never two questions at once, slow answers
 * less often, nothing while the page is hidden. What one has stays when an answer fails.
 */
import { useEffect, useRef, useState } from 'react'
import type { NodeInfo } from '../../wire/api'
import { door, doorError, type DoorError } from './door'

export interface Polled<T> {
  readonly value: T | undefined
  readonly error: DoorError | undefined
}

/** After an answer that took a second, rest three: the hub has other things to do. */
const REST_RATIO = 3

type Ask<T> = (signal: AbortSignal) => Promise<T>

interface Poll<T> {
  readonly ask: Ask<T>
  readonly everyMs: number
  /** What one has is new: it is asked for after a rest. */
  readonly rested: boolean
  readonly changed: (change: Partial<Polled<T>>) => void
}

function poll<T>({ ask, everyMs, rested, changed }: Poll<T>): () => void {
  const closing = new AbortController()
  let next: ReturnType<typeof setTimeout> | undefined
  const rest = (tookMs: number) => {
    if (closing.signal.aborted || !Number.isFinite(everyMs)) return
    next = setTimeout(turn, Math.max(everyMs, tookMs * REST_RATIO))
  }
  const turn = () => {
    if (document.hidden) return rest(0)
    const began = performance.now()
    ask(closing.signal)
      .then(value => changed({ value, error: undefined }))
      .catch((error: unknown) => {
        if (!closing.signal.aborted) changed({ error: doorError(error) })
      })
      .finally(() => rest(performance.now() - began))
  }
  if (rested) rest(0)
  else turn()
  return () => {
    closing.abort()
    clearTimeout(next)
  }
}

/**
 * `key` names what is asked for: another key asks anew at once. Infinity for `everyMs` asks once. `first`: what the server
 * knew of the first key when it made the page.
 */
export function usePolled<T>(key: string, ask: Ask<T>, everyMs: number, first?: T): Polled<T> {
  const [state, setState] = useState<Polled<T>>({ value: first, error: undefined })
  const current = useRef(ask)
  const rested = useRef(first !== undefined)
  useEffect(() => {
    current.current = ask
  })
  useEffect(() => {
    const stop = poll<T>({
      ask: signal => current.current(signal),
      everyMs,
      rested: rested.current,
      changed: change => setState(last => ({ ...last, ...change })),
    })
    rested.current = false
    return stop
  }, [key, everyMs])
  return state
}

/** Agents and the health of their collectors. */
export function useNodes(everyMs = 2000, first?: readonly NodeInfo[]): Polled<readonly NodeInfo[]> {
  return usePolled('nodes', door.nodes, everyMs, first)
}
