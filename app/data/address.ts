'use client'
/** What one looks at is in the address: it can be shared, survives a reload, and costs no request. */
import { usePathname, useSearchParams } from 'next/navigation'
import { useCallback, useEffect, useMemo } from 'react'
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

/**
 * The addresses that were asked for and are not drawn yet, the oldest first. While the router draws an earlier one it
 * writes it back into the address bar: a key that comes then would undo the later, were the bar alone believed.
 */
let asked: readonly string[] = []
let drawn = ''

/** The parameters as they were last asked for: those in the address bar, where none is still to be drawn. */
export function askedParameters(): URLSearchParams {
  const last = asked.findLast(address => new URL(address, location.href).pathname === location.pathname)
  return last === undefined ? new URLSearchParams(location.search) : new URL(last, location.href).searchParams
}

/** Forgets what is drawn now and what was asked before it; everything, if this was not asked for here (a link, Back). */
function forgetDrawn(address: string): void {
  if (address === drawn) return
  drawn = address
  const place = asked.indexOf(address)
  asked = place === -1 ? [] : asked.slice(place + 1)
}

/** Changes parameters of the address; `undefined` takes one away. With `push` the browser's Back undoes it. */
export function useChangeAddress(): (change: AddressChange, push?: boolean) => void {
  const path = usePathname()
  const address = `${path}${withChange(useSearchParams(), {})}`
  useEffect(() => forgetDrawn(address), [address])
  return useCallback(
    (change, push = false) => {
      const next = `${path}${withChange(askedParameters(), change)}`
      if (asked.at(-1) !== next) asked = [...asked, next]
      if (push) history.pushState(null, '', next)
      else history.replaceState(null, '', next)
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

/** The stretch of time that the address names: the same one for as long as nothing but other parameters change. */
export function useTimeWindow(): [TimeWindow, (window: TimeWindow) => void] {
  const change = useChangeAddress()
  const search = useKeptSearch()
  const window = useMemo(() => readWindow(new URLSearchParams(search)), [search])
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
