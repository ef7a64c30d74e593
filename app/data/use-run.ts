'use client'
/** One run, live: loads what is stored, then follows the socket; keeps what it has when the hub goes away. */
import { useEffect, useMemo, useRef, useState } from 'react'
import { unixSeconds } from '../../base/clock'
import type { LiveUpdate } from '../../wire/api'
import { door, doorError, type DoorError } from './door'
import { watch } from './live'
import { loadRun, loadWindow } from './load-run'
import { applyUpdate, hasGrownLarge, type RunView } from './run-view'
import { isWhole, WHOLE, type TimeWindow } from './time-window'

export interface RunState {
  readonly view: RunView | undefined
  readonly error: DoorError | undefined
}

const RETRY_MS = 2000
const CONFIG_RETRY_MS = 1000
const CONFIG_REFRESH_MS = 30_000

/** What is known of a window as soon as it is asked for, coarse as it is: the fine steps follow. */
const shownFor = (view: RunView, window: TimeWindow): RunView =>
  view.window === window ? view : { ...view, window, steps: view.overall }

/** Follows one run until closed; `changed` gets each new state. */
class Follower {
  private view: RunView | undefined
  private window: TimeWindow = WHOLE
  private pending: LiveUpdate[] = []
  private loading: AbortController | undefined
  private isBehind = false
  private retry: ReturnType<typeof setTimeout> | undefined
  private configAskedAt = Date.now()
  private readonly unwatch: () => void

  constructor(
    private readonly run: string,
    first: RunView | undefined,
    private readonly changed: (change: Partial<RunState>) => void,
  ) {
    this.view = first
    if (first === undefined) this.reload()
    let connections = 0
    this.unwatch = watch(run, {
      since: first && Math.min(first.detail.at, first.detail.summary.lastSeenAt),
      update: update => this.update(update),
      connected: reachesBack => {
        // What this has asked for itself came a moment ago; what is older, or was before a later connection, missed something.
        if (connections > 0 || (first !== undefined && !reachesBack)) this.reload()
        connections += 1
      },
    })
  }

  /** What is drawn meanwhile is `shownFor`: the same, without being told. */
  show(window: TimeWindow): void {
    if (window === this.window) return
    this.window = window
    if (this.view === undefined) return
    this.view = shownFor(this.view, window)
    if (this.isBehind) this.reload()
    else if (!isWhole(window)) this.refine(this.view)
  }

  close(): void {
    this.unwatch()
    this.loading?.abort()
    clearTimeout(this.retry)
  }

  private set(view: RunView): void {
    this.view = view
    this.changed({ view, error: undefined })
  }

  /** All that is stored: what came meanwhile may have been missed. */
  private reload(): void {
    this.isBehind = true
    this.load(async signal => {
      const view = await loadWindow(this.run, await loadRun(door, this.run, signal), this.window, signal)
      this.isBehind = false
      return view
    })
  }

  /** The steps of the window alone. */
  private refine(view: RunView): void {
    this.load(signal => loadWindow(this.run, view, this.window, signal))
  }

  /** The latest question counts. Updates that come meanwhile are put on its answer. */
  private load(ask: (signal: AbortSignal) => Promise<RunView>): void {
    this.loading?.abort()
    clearTimeout(this.retry)
    const mine = new AbortController()
    this.loading = mine
    ask(mine.signal)
      .then(loaded => {
        this.loading = undefined
        const held = this.pending
        this.pending = []
        this.set(held.reduce((view, update) => applyUpdate(view, update, unixSeconds()), loaded))
      })
      .catch((error: unknown) => {
        if (mine.signal.aborted) return
        this.loading = undefined
        this.changed({ error: doorError(error) })
        this.retry = setTimeout(() => this.reload(), RETRY_MS)
      })
  }

  private update(fresh: LiveUpdate): void {
    if (this.loading !== undefined || this.view === undefined) return void this.pending.push(fresh)
    this.set(applyUpdate(this.view, fresh, unixSeconds()))
    this.refreshConfig()
    if (hasGrownLarge(this.view)) this.reload()
  }

  /** Updates carry no config, and it may come after the first steps. */
  private refreshConfig(): void {
    const wait = this.view?.detail.config === null ? CONFIG_RETRY_MS : CONFIG_REFRESH_MS
    if (Date.now() - this.configAskedAt < wait) return
    this.configAskedAt = Date.now()
    door.head(this.run, this.loading?.signal).then(
      ({ config }) => {
        if (this.view !== undefined) this.set({ ...this.view, detail: { ...this.view.detail, config } })
      },
      () => undefined,
    )
  }
}

/** The run as it is now, or as `first` says until something newer comes. */
export function useRun(run: string, window: TimeWindow, first: RunView | undefined): RunState {
  const [state, setState] = useState<RunState>({ view: first, error: undefined })
  const follower = useRef<Follower>(undefined)
  useEffect(() => {
    const mine = new Follower(run, first, change => setState(last => ({ ...last, ...change })))
    follower.current = mine
    return () => mine.close()
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `first` counts once: later ones are older than what came by socket
  }, [run])
  useEffect(() => follower.current?.show(window), [run, window])
  return useMemo(
    () => (state.view === undefined ? state : { ...state, view: shownFor(state.view, window) }),
    [state, window],
  )
}
