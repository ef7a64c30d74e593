'use client'
import { useRef, useState, type PointerEvent } from 'react'
import type { SnapshotWindow } from '../../../../../wire/memory-snapshot'
import { bounded, type Look } from '../../../../data/snapshot/look'
import { placeIn } from './use-gestures'
import styles from './snapshot.module.css'

/** Within this share of the width an end of the window is taken hold of. */
const GRIP = 0.008

interface MinimapProps {
  whole: SnapshotWindow
  entries: number
  failures: readonly { readonly entry: number }[]
  look: Look
  onLook: (look: Look) => void
}

/** What a press takes hold of: an end of the window, the window, or a new one. */
type Hold = (x: number) => Pick<Look, 'from' | 'to'>

function holdOf(x: number, { from, to }: Look, last: number): Hold {
  const at = (share: number) => share * last
  const near = (entry: number) => Math.abs(entry / last - x) < GRIP
  const ordered = (one: number, other: number) => ({ from: Math.min(one, other), to: Math.max(one, other) })
  if (near(from)) return next => ordered(at(next), to)
  if (near(to)) return next => ordered(from, at(next))
  const isInside = at(x) > from && at(x) < to && to - from < last
  if (isInside) return next => ({ from: from + at(next - x), to: to + at(next - x) })
  return next => ordered(at(x), at(next))
}

/** The whole trace, and the window on it: moved, drawn anew, or taken by an end. Keys do the same on the timeline. */
export function Minimap({ whole, entries, failures, look, onLook }: MinimapProps) {
  const last = Math.max(1, entries - 1)
  const hold = useRef<Hold>(undefined)
  const [isHeld, setHeld] = useState(false)
  const { course } = whole
  const most = course.reservedBytes.concat(course.heldBytes).reduce((one, other) => Math.max(one, other), 1)
  const y = (bytes: number) => 100 - (96 * bytes) / most
  const line = (values: readonly number[]) =>
    values.map((bytes, at) => `${((100 * (course.entry[at] ?? 0)) / last).toFixed(2)},${y(bytes).toFixed(1)}`).join(' ')
  const move = (event: PointerEvent) => {
    const next = hold.current?.(placeIn(event.currentTarget, event).x)
    if (next !== undefined) onLook(bounded({ ...look, ...next }, entries))
  }
  const begin = (event: PointerEvent) => {
    if (event.button !== 0) return
    event.currentTarget.setPointerCapture(event.pointerId)
    hold.current = holdOf(placeIn(event.currentTarget, event).x, look, last)
    setHeld(true)
  }
  const end = () => {
    hold.current = undefined
    setHeld(false)
  }
  const [left, right] = [(100 * look.from) / last, (100 * look.to) / last]
  return (
    <svg
      className={styles.minimap}
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      aria-hidden="true"
      data-held={isHeld}
      data-testid="minimap"
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
    >
      <polygon className={styles.course} points={`0,100 ${line(course.heldBytes)} 100,100`} />
      <polyline className={styles.reserved} points={line(course.reservedBytes)} />
      {failures.map(({ entry }) => (
        <rect key={entry} className={styles.failure} x={(100 * entry) / last - 0.1} width={0.2} y={0} height={100} />
      ))}
      <rect className={styles.shade} x={0} width={left} y={0} height={100} />
      <rect className={styles.shade} x={right} width={100 - right} y={0} height={100} />
      <rect className={styles.window} x={left} width={Math.max(0.2, right - left)} y={0} height={100} />
    </svg>
  )
}
