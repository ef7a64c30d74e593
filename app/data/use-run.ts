'use client'
/** One run, live: loads what is stored, then follows the socket; keeps what it has when the hub goes away. */
import { useEffect, useState } from 'react'
import { unixSeconds } from '../../base/clock'
import type { LiveUpdate } from '../../wire/api'
import { door, doorError, type DoorError } from './door'
import { watch } from './live'
import { applyUpdate, hasGrownLarge, type RunView } from './run-view'

export interface RunState {
  readonly view: RunView | undefined
  readonly error: DoorError | undefined
}

const POINTS = 1000
const DEVICE_POINTS = 400
const EVENTS = 100
const RETRY_MS = 2000
const CONFIG_RETRY_MS = 1000
const CONFIG_REFRESH_MS = 30_000

async function load(run: string, rangeSeconds: number, signal: AbortSignal): Promise<RunView> {
  const detail = await door.run(run, signal)
  const { endedAt, lastSeenAt } = detail.summary
  const from = Number.isFinite(rangeSeconds) ? (endedAt ?? lastSeenAt) - rangeSeconds : undefined
  const [steps, gpus, hosts, events] = await Promise.all([
    door.steps(run, { from, points: POINTS }, signal),
    door.gpus(run, { from, points: DEVICE_POINTS }, signal),
    door.hosts(run, { from, points: DEVICE_POINTS }, signal),
    door.events(run, EVENTS, signal),
  ])
  const newest = events.toSorted((a, b) => b.time - a.time)
  return { detail, steps, gpus, hosts, events: newest, updatedAt: unixSeconds(), clockAheadSeconds: 0 }
}

/** Follows one run until closed; `changed` gets each new state. */
function follow(run: string, rangeSeconds: number, changed: (change: Partial<RunState>) => void): () => void {
  let view: RunView | undefined
  let pending: LiveUpdate[] = []
  let loading: AbortController | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  let configAskedAt = 0

  const show = (next: RunView) => {
    view = next
    changed({ view: next, error: undefined })
  }
  const reload = () => {
    loading?.abort()
    clearTimeout(retry)
    const mine = new AbortController()
    loading = mine
    load(run, rangeSeconds, mine.signal)
      .then(loaded => {
        loading = undefined
        const held = pending
        pending = []
        show(held.reduce((now, update) => applyUpdate(now, update, unixSeconds(), rangeSeconds), loaded))
      })
      .catch((error: unknown) => {
        if (mine.signal.aborted) return
        loading = undefined
        changed({ error: doorError(error) })
        retry = setTimeout(reload, RETRY_MS)
      })
  }
  // Updates carry no config, and it may come after the first steps.
  const refreshConfig = () => {
    const wait = view?.detail.config === null ? CONFIG_RETRY_MS : CONFIG_REFRESH_MS
    if (Date.now() - configAskedAt < wait) return
    configAskedAt = Date.now()
    door.run(run, loading?.signal).then(
      ({ config }) => view !== undefined && show({ ...view, detail: { ...view.detail, config } }),
      () => undefined,
    )
  }
  const update = (fresh: LiveUpdate) => {
    if (loading !== undefined || view === undefined) return void pending.push(fresh)
    show(applyUpdate(view, fresh, unixSeconds(), rangeSeconds))
    refreshConfig()
    if (view !== undefined && hasGrownLarge(view)) reload()
  }

  reload()
  let first = true
  const unwatch = watch(run, {
    update,
    connected: () => {
      if (!first) reload()
      first = false
    },
  })
  return () => {
    unwatch()
    loading?.abort()
    clearTimeout(retry)
    view = undefined
  }
}

/** The run as it is now. `rangeSeconds` is how far back its series go; Infinity for all. */
export function useRun(run: string, rangeSeconds: number): RunState {
  const [state, setState] = useState<RunState>({ view: undefined, error: undefined })
  useEffect(() => follow(run, rangeSeconds, change => setState(last => ({ ...last, ...change }))), [run, rangeSeconds])
  return state
}
