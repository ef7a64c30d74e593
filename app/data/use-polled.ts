'use client'
/** What the hub does not push is asked for again and again; what one has stays when an answer fails. */
import { useEffect, useState } from 'react'
import type { NodeInfo } from '../../wire/api'
import { door, doorError, type DoorError } from './door'

export interface NodesState {
  readonly nodes: readonly NodeInfo[] | undefined
  readonly error: DoorError | undefined
}

/** Agents and the health of their collectors, asked for every `everyMs`. */
export function useNodes(everyMs = 2000): NodesState {
  const [state, setState] = useState<NodesState>({ nodes: undefined, error: undefined })
  useEffect(() => {
    const closing = new AbortController()
    let next: ReturnType<typeof setTimeout> | undefined
    const ask = () => {
      door
        .nodes(closing.signal)
        .then(nodes => setState({ nodes, error: undefined }))
        .catch((error: unknown) => {
          if (!closing.signal.aborted) setState(last => ({ ...last, error: doorError(error) }))
        })
        .finally(() => {
          if (!closing.signal.aborted) next = setTimeout(ask, everyMs)
        })
    }
    ask()
    return () => {
      closing.abort()
      clearTimeout(next)
    }
  }, [everyMs])
  return state
}
