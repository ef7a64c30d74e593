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

function poll<T>(ask: Ask<T>, everyMs: number, changed: (change: Partial<Polled<T>>) => void): () => void {
  const closing = new AbortController()
  let next: ReturnType<typeof setTimeout> | undefined
  const turn = () => {
    const began = performance.now()
    const rest = () => {
      if (closing.signal.aborted || !Number.isFinite(everyMs)) return
      next = setTimeout(turn, Math.max(everyMs, (performance.now() - began) * REST_RATIO))
    }
    if (document.hidden) return rest()
    ask(closing.signal)
      .then(value => changed({ value, error: undefined }))
      .catch((error: unknown) => {
        if (!closing.signal.aborted) changed({ error: doorError(error) })
      })
      .finally(rest)
  }
  turn()
  return () => {
    closing.abort()
    clearTimeout(next)
  }
}

/** `key` names what is asked for: another key asks anew at once. Infinity for `everyMs` asks once. */
export function usePolled<T>(key: string, ask: Ask<T>, everyMs: number, first?: T): Polled<T> {
  const [state, setState] = useState<Polled<T>>({ value: first, error: undefined })
  const current = useRef(ask)
  useEffect(() => {
    current.current = ask
  })
  useEffect(
    () =>
      poll(
        signal => current.current(signal),
        everyMs,
        change => setState(last => ({ ...last, ...change })),
      ),
    [key, everyMs],
  )
  return state
}

/** Agents and the health of their collectors. */
export function useNodes(everyMs = 2000, first?: readonly NodeInfo[]): Polled<readonly NodeInfo[]> {
  return usePolled('nodes', door.nodes, everyMs, first)
}
