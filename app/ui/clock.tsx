'use client'
import { useSyncExternalStore } from 'react'
import { dateText, timeText, type Zone } from '../data/time-text'

const never = () => () => undefined

/** The zone in which this reader's times are written: UTC until the page's first script has run. */
export function useZone(): Zone {
  return useSyncExternalStore<Zone>(
    never,
    () => 'local',
    () => 'utc',
  )
}

/** A moment in Unix seconds: `14:03:27`, or with its day. */
export function Clock({ time, withDate = false }: { time: number; withDate?: boolean }) {
  const zone = useZone()
  return (
    <time dateTime={new Date(time * 1000).toISOString()}>
      {withDate ? `${dateText(time, zone)}, ${timeText(time, zone)}` : timeText(time, zone)}
    </time>
  )
}
