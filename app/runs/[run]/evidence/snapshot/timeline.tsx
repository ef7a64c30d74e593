'use client'
import { useCallback, useRef, useState, type KeyboardEvent } from 'react'
import { format } from '../../../../../base/units'
import { CATEGORIES } from '../../../../../wire/memory-categories'
import type { DeviceSummary } from '../../../../../wire/memory-snapshot'
import { heldAt, rowOf } from '../../../../data/snapshot/held'
import { isWhole, moved, zoomed, zoomedUp, type Look } from '../../../../data/snapshot/look'
import { drawTimeline, drawTrack, type Picture } from './draw-timeline'
import { blockAt, keyed } from './timeline-keys'
import type { Explored, Explore } from './use-explorer'
import { useGestures, type Place } from './use-gestures'
import { usePainted, type Surface } from './use-painted'
import styles from './snapshot.module.css'

interface TimelineProps {
  picture: Picture
  explored: Explored
  explore: Explore
  height: number
  /** Row of the window's allocations; -1 where the pointer is on none. */
  onPoint: (row: number) => void
}

const between = (look: Look, from: Place, to: Place): Look => {
  const entry = (x: number) => look.from + x * (look.to - look.from)
  return { ...look, from: entry(Math.min(from.x, to.x)), to: entry(Math.max(from.x, to.x)) }
}

function Cursor({ look, entry }: { look: Look; entry: number }) {
  const left = (100 * (entry - look.from)) / (look.to - look.from || 1)
  return left >= 0 && left <= 100 ? <i className={styles.cursor} style={{ left: `${left}%` }} /> : null
}

function useTimelineCanvas({ picture, explored, height }: TimelineProps, pointed: number) {
  const { view, device, block } = explored
  const failures: DeviceSummary['outOfMemory'] = device.outOfMemory
  const paint = useCallback(
    (surface: Surface) => drawTimeline(surface, picture, failures, view === 'segments'),
    [picture, failures, view],
  )
  const picked = rowOf(picture.window, block)
  const paintOver = useCallback(
    (surface: Surface) => {
      for (const row of new Set([picked, pointed])) if (row >= 0) drawTrack(surface, picture, row)
    },
    [picture, picked, pointed],
  )
  return { canvas: usePainted(height, paint), over: usePainted(height, paintOver) }
}

/** Every large allocation from its beginning to its end, one upon the other; the rest in sums. */
export function Timeline(props: TimelineProps) {
  const { picture, explored, explore, height, onPoint } = props
  const { look, entry, device } = explored
  const { entries } = device
  const box = useRef<HTMLDivElement>(null)
  const [pointed, setPointed] = useState(-1)
  const [stretch, setStretch] = useState<readonly [Place, Place]>()
  const { canvas, over } = useTimelineCanvas(props, pointed)

  const entryAt = ({ x }: Place) => Math.round(look.from + x * (look.to - look.from))
  const rowAt = (place: Place): number => {
    const bytes = (look.low + (1 - place.y) * (look.high - look.low)) * picture.most
    const found = heldAt(picture.window, entryAt(place)).find(one => bytes >= one.from && bytes < one.from + one.bytes)
    return found?.row ?? -1
  }
  const point = (row: number) => {
    setPointed(row)
    onPoint(row)
  }
  const handlers = useGestures(box, {
    isAllInSight: isWhole(look, entries),
    onMove: (right, down) => explore({ look: moved(look, right, -down, entries) }),
    onScale: (factor, at, isUpright) =>
      explore({
        look: isUpright ? zoomedUp(look, 1 / factor, 1 - at.y, entries) : zoomed(look, 1 / factor, at.x, entries),
      }),
    onPoint: place => point(place === undefined ? -1 : rowAt(place)),
    onPress: place => {
      const row = rowAt(place)
      explore({ entry: entryAt(place), block: row < 0 ? undefined : blockAt(picture, row) })
    },
    onStretch: (from, to) => explore({ look: between(look, from, to) }),
    onStretching: setStretch,
  })
  const keys = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const change = keyed(event, picture, explored)
    if (change === undefined) return
    event.preventDefault()
    explore(change)
  }
  return (
    <div
      ref={box}
      className={styles.timeline}
      data-moves={!isWhole(look, entries)}
      style={{ height }}
      tabIndex={0}
      role="slider"
      aria-label="Entry of the trace"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, entries - 1)}
      aria-valuenow={entry}
      aria-valuetext={`entry ${entry}`}
      aria-describedby="timeline-keys"
      onKeyDown={keys}
      {...handlers}
      data-testid="timeline"
    >
      <canvas ref={canvas} />
      <canvas ref={over} className={styles.over} />
      <Cursor look={look} entry={entry} />
      {stretch !== undefined && (
        <i
          className={styles.drag}
          style={{
            left: `${100 * Math.min(stretch[0].x, stretch[1].x)}%`,
            width: `${100 * Math.abs(stretch[1].x - stretch[0].x)}%`,
          }}
        />
      )}
    </div>
  )
}

/** What is under the pointer, or picked, in words. */
export function allocationText({ window: { allocations } }: Picture, row: number): string {
  const end = allocations.end[row] ?? 0
  const category = CATEGORIES[allocations.category[row] ?? 0] ?? 'other'
  const begin = (allocations.begin[row] ?? 0).toLocaleString('en-US')
  const address = `0x${(allocations.address[row] ?? 0).toString(16)}`
  return `${format(allocations.bytes[row] ?? 0, 'bytes')} of ${category} at ${address}, from entry ${begin} to ${end.toLocaleString('en-US')}`
}
