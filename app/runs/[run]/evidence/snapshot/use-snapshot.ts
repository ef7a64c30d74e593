'use client'
/** What the hub answers of a snapshot: asked when one has come to rest, the last answer kept until the next is there. */
import { useEffect, useState } from 'react'
import type { HeldKind, SnapshotMoment, SnapshotWindow } from '../../../../../wire/memory-snapshot'
import { evidenceDoor } from '../../../../data/evidence'
import { asked, isWhole, type Look } from '../../../../data/snapshot/look'
import { usePolled, type Polled } from '../../../../data/use-polled'

const REST_MS = 120

/** A value once it has not changed for a moment. */
export function useRested<T>(value: T, ms = REST_MS): T {
  const [rested, setRested] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return rested
}

export interface Asking {
  readonly run: string
  readonly id: string
  readonly device: number
  readonly entries: number
}

interface Windows {
  /** The whole trace, for the minimap, and while a closer look is on its way. */
  readonly whole: SnapshotWindow | undefined
  /** What to draw of what one looks at. */
  readonly shown: SnapshotWindow | undefined
  readonly error: Error | undefined
}

/** An answer, with what it answers. */
function useAsked<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Polled<{ key: string; answer: T }> {
  return usePolled(key, async signal => ({ key, answer: await ask(signal) }), Infinity)
}

export function useWindows({ run, id, device, entries }: Asking, of: HeldKind, look: Look, find: string): Windows {
  const sought = useRested(find) || undefined
  const about = `${id} ${device} ${of} ${sought ?? ''}`
  const end = Math.max(0, entries - 1)
  const whole = useAsked(about, signal =>
    evidenceDoor.window(run, id, { device, of, from: 0, to: end, find: sought }, signal),
  )
  const stretch = asked(useRested(look), entries)
  const isAll = isWhole({ ...stretch, low: 0, high: 1 }, entries)
  const closer = useAsked(isAll ? about : `${about} ${stretch.from}-${stretch.to}`, signal =>
    isAll ? Promise.resolve(undefined) : evidenceDoor.window(run, id, { device, of, ...stretch, find: sought }, signal),
  )
  const isOf = (polled: Polled<{ key: string }>) => polled.value?.key.startsWith(about) === true
  const near = isOf(closer) ? closer.value?.answer : undefined
  const all = isOf(whole) ? whole.value?.answer : undefined
  const covers = near !== undefined && near.from <= look.from && near.to >= Math.floor(look.to)
  return { whole: all, shown: covers ? near : all, error: whole.error ?? closer.error }
}

export function useMoment({ run, id, device }: Asking, entry: number): Polled<SnapshotMoment> {
  const at = useRested(entry)
  return usePolled(
    `${id} ${device} ${at}`,
    signal => evidenceDoor.moment(run, id, { device, entry: at }, signal),
    Infinity,
  )
}
