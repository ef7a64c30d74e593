'use client'
/** The rank × step map, asked for after each update: never two questions at once, and slow answers are asked for less. */
import { useEffect, useRef, useState } from 'react'
import type { RankMap, RankMetric } from '../../wire/api'
import { door } from './door'

const COLUMNS = 160
/** After an answer that took a second, rest three: the hub has other things to do. */
const REST_RATIO = 3
const LONGEST_REST_MS = 5000

interface Asker {
  /** Something is new; `from` is where the map begins, in Unix seconds, or undefined for all there is. */
  poke(from: number | undefined): void
  close(): void
}

function asker(run: string, metric: RankMetric, show: (map: RankMap) => void): Asker {
  const closing = new AbortController()
  let busy = false
  let wanted: { from: number | undefined } | undefined
  const rest = (milliseconds: number) => {
    setTimeout(
      () => {
        busy = false
        if (wanted !== undefined && !closing.signal.aborted) ask(wanted.from)
      },
      Math.min(LONGEST_REST_MS, milliseconds * REST_RATIO),
    )
  }
  const ask = (from: number | undefined) => {
    busy = true
    wanted = undefined
    const began = performance.now()
    door
      .ranks(run, metric, { from, points: COLUMNS }, closing.signal)
      .then(show, () => undefined)
      .finally(() => rest(performance.now() - began))
  }
  return {
    poke: from => {
      if (busy) wanted = { from }
      else ask(from)
    },
    close: () => closing.abort(),
  }
}

/** `tick` is anything that changes when there may be something new. */
export function useRankMap(run: string, metric: RankMetric, from: number | undefined, tick: unknown) {
  const [map, setMap] = useState<RankMap>()
  const current = useRef<Asker>(undefined)
  useEffect(() => {
    const mine = asker(run, metric, setMap)
    current.current = mine
    return () => mine.close()
  }, [run, metric])
  useEffect(() => current.current?.poke(from), [run, metric, from, tick])
  return map
}
