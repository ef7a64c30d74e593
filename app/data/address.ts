'use client'
/** What one looks at is in the address: it can be shared, survives a reload, and costs no request. */
import { usePathname, useSearchParams } from 'next/navigation'
import { useCallback, useMemo } from 'react'
import { readWindow, writeWindow, type TimeWindow } from './time-window'

export type AddressChange = Readonly<Record<string, string | undefined>>

function withChange(parameters: URLSearchParams, change: AddressChange): string {
  const next = new URLSearchParams(parameters)
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) next.delete(name)
    else next.set(name, value)
  }
  const text = next.toString()
  return text === '' ? '' : `?${text}`
}

/** Changes parameters of the address; `undefined` takes one away. With `push` the browser's Back undoes it. */
export function useChangeAddress(): (change: AddressChange, push?: boolean) => void {
  const path = usePathname()
  return useCallback(
    (change, push = false) => {
      // What stands in the address bar now: two changes in one turn must not undo each other.
      const address = `${path}${withChange(new URLSearchParams(location.search), change)}`
      if (push) history.pushState(null, '', address)
      else history.replaceState(null, '', address)
    },
    [path],
  )
}

/** One choice of the page by its name in the address; the first option where none, or an unknown one, is given. */
export function useChoice<N extends string>(name: string, options: readonly N[], usual: N): [N, (value: N) => void] {
  const given = useSearchParams().get(name)
  const change = useChangeAddress()
  const value = options.find(option => option === given) ?? usual
  const choose = useCallback((next: N) => change({ [name]: next }), [name, change])
  return [value, choose]
}

/** The stretch of time that the address names. */
export function useTimeWindow(): [TimeWindow, (window: TimeWindow) => void] {
  const parameters = useSearchParams()
  const change = useChangeAddress()
  const window = useMemo(() => readWindow(parameters), [parameters])
  const set = useCallback((next: TimeWindow) => change(writeWindow(next), true), [change])
  return [window, set]
}

/** What goes along to another page of the same run: the stretch of time. */
export const keptSearch = (parameters: URLSearchParams): string =>
  withChange(new URLSearchParams(), writeWindow(readWindow(parameters)))

/** `keptSearch` of the address as it is drawn. */
export function useKeptSearch(): string {
  const parameters = useSearchParams()
  return useMemo(() => keptSearch(parameters), [parameters])
}

/** The rank that the address names. */
export function usePickedRank(): [number | undefined, (rank: number | undefined) => void] {
  const given = useSearchParams().get('rank')
  const change = useChangeAddress()
  const rank = given !== null && /^\d{1,6}$/.test(given) ? Number(given) : undefined
  const pick = useCallback(
    (next: number | undefined) => change({ rank: next === undefined ? undefined : String(next) }),
    [change],
  )
  return [rank, pick]
}
