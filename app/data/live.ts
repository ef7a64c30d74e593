'use client'
/** The one socket of the page: who watches what, and whether the hub is there. */
import { useSyncExternalStore } from 'react'
import type { Socket } from 'socket.io-client'
import { unixSeconds } from '../../base/clock'
import type { LiveUpdate, RunSummary } from '../../wire/api'
import { LIVE_NAMESPACE } from '../../wire/live'

export interface Connection {
  readonly state: 'connecting' | 'connected' | 'lost'
  /** When anything last came from the hub, by the clock of this machine; undefined where nothing did yet. */
  readonly lastDataAt: number | undefined
}

export interface Watcher {
  /** Up to when one has it already, by the hub's clock. */
  readonly since?: number | undefined
  /** Each time the connection stands, the first included: whether the next update tells all that came after `since`. */
  connected?: (reachesBack: boolean) => void
  update?: (update: LiveUpdate) => void
  runs?: (runs: RunSummary[]) => void
}

/** Between two tries to load what the socket needs. */
const RETRY_MS = 2000
const FIRST: Connection = { state: 'connecting', lastDataAt: undefined }
const listeners = new Set<() => void>()
let connection = FIRST
let socket: Promise<Socket> | undefined
let version: string | undefined

function change(next: Partial<Connection>): void {
  connection = { ...connection, ...next }
  for (const listener of listeners) listener()
}

/** Where the hub was upgraded meanwhile, its page is another: what this one shows is in the address. */
function meet(hubVersion: string): void {
  if (version !== undefined && version !== hubVersion) location.reload()
  version = hubVersion
}

/** Loaded when the first frame is there, which needs none. */
function open(): Promise<Socket> {
  socket ??= connect().catch((error: unknown) => {
    socket = undefined
    change({ state: 'lost' })
    throw error
  })
  return socket
}

async function connect(): Promise<Socket> {
  const { io } = await import('socket.io-client')
  const opened = io(LIVE_NAMESPACE, {
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    reconnectionDelay: 300,
    reconnectionDelayMax: 2000,
    timeout: 4000,
  })
  opened.on('connect', () => change({ state: 'connected', lastDataAt: unixSeconds() }))
  opened.on('disconnect', reason => {
    change({ state: 'lost' })
    // The hub said goodbye in good order: socket.io would not come back by itself.
    if (reason === 'io server disconnect') opened.connect()
  })
  opened.on('connect_error', () => change({ state: 'lost' }))
  opened.on('version', meet)
  opened.onAny(() => change({ lastDataAt: unixSeconds() }))
  return opened
}

/** Watches a run, or with null the list of runs, until the returned function is called. One watcher at a time. */
export function watch(run: string | null, watcher: Watcher): () => void {
  const update = (fresh: LiveUpdate) => {
    if (fresh.run === run) watcher.update?.(fresh)
  }
  const runs = (fresh: RunSummary[]) => watcher.runs?.(fresh)
  const closing = new AbortController()
  const begin = (live: Socket) => {
    if (closing.signal.aborted) return
    const connected = () => {
      live.emit('watch', run, watcher.since ?? null, (reachesBack: boolean) => {
        if (!closing.signal.aborted) watcher.connected?.(reachesBack)
      })
    }
    live.on('connect', connected)
    live.on('update', update)
    live.on('runs', runs)
    if (live.connected) connected()
    closing.signal.addEventListener('abort', () => {
      live.off('connect', connected)
      live.off('update', update)
      live.off('runs', runs)
    })
  }
  const join = () => {
    if (closing.signal.aborted) return
    open().then(begin, () => setTimeout(join, RETRY_MS))
  }
  join()
  return () => closing.abort()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  // Whether it succeeds is what the connection's state says.
  void open().catch(() => undefined)
  return () => listeners.delete(listener)
}

export function useConnection(): Connection {
  return useSyncExternalStore(
    subscribe,
    () => connection,
    () => FIRST,
  )
}
